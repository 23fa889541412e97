"""Commands that try things out before they matter: watch test, validate, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, JsonOption, log_quietly, settings_from
from pipeline.cli.tally import clean
from pipeline.errors import ConfigError, WirewatchError

if TYPE_CHECKING:
    from pipeline.config import Settings

watch = typer.Typer(no_args_is_help=True, help="Try watches out: test.")


def register(app: typer.Typer) -> None:
    app.add_typer(watch, name="watch")
    app.command()(validate)
    app.command()(doctor)


@watch.callback()
def _group() -> None:
    """Try watches out."""


@watch.command("test")
def try_watches(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="A story: plain text, its title in the first line. - for standard input.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    steps: Annotated[bool, typer.Option("--explain", help="How the story was read, step by step.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Which watches a story fires, and why; and of the others, what was missing."""
    import orjson

    from pipeline.jobs.trial import trial

    log_quietly()
    settings = settings_from(config)
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise ConfigError(f"watch test: cannot read {file}: {error.strerror}") from None
    if steps:
        _explain(content.decode("utf-8", "replace"), settings, as_json=as_json)
        return
    outcome = trial(content.decode("utf-8", "replace"), settings)
    if as_json:
        print(orjson.dumps(outcome, default=lambda value: value._asdict()).decode())
    else:
        names = {entity.key: entity.name for entity in outcome.reading.entities}
        for explained in sorted(outcome.explanations, key=lambda each: not each.fired):
            print(f"{'FIRES ' if explained.fired else 'silent'}  {explained.watch}: {clean(explained.reason, 400)}")
            for proof in explained.evidence if explained.fired else ():
                print(f"        “{clean(proof.text, 600)}” ({proof.field} {proof.start}–{proof.end})")
        print("\nEntities  " + ", ".join(f"{clean(entity.name, 60)} ×{entity.count}" for entity in outcome.reading.entities[:15]))
        print("Pairs     " + ", ".join(f"{clean(names[p.a], 60)} – {clean(names[p.b], 60)}" for p in outcome.reading.pairs[:15]))
        print("Topics    " + ", ".join(f"{topic.name} {topic.score:.2f}" for topic in outcome.reading.topics))
    raise typer.Exit(0 if any(explained.fired for explained in outcome.explanations) else 1)


def _explain(content: str, settings: Settings, *, as_json: bool) -> None:
    import orjson

    from pipeline.jobs.trial import steps_of

    for step, lines in steps_of(content, settings):
        if as_json:
            print(orjson.dumps({"step": step, "lines": lines}).decode())
        else:
            print(step)
            for line in lines or ("nothing",):
                print(f"    {clean(line, 2_000)}")


def validate(
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Write the JSON Schema for editors instead.")] = False,
) -> None:
    """Check a configuration: every error with file, line and remedy; and what looks odd."""
    import orjson

    from pipeline.config import json_schema, warnings
    from pipeline.stories.encoder import encoder_of

    if schema:
        print(orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2).decode())
        return
    settings = settings_from(config)
    encoder_of(settings)
    for warning in warnings(settings):
        print(f"warning: {warning}", file=sys.stderr)
    counts = [f"{len(settings.feeds)} feeds", f"{len(settings.entities)} entities", f"{len(settings.watches)} watches"]
    print(f"{config}: right. {', '.join(counts)}, {len(settings.webhooks)} webhooks.")


def doctor(config: ConfigOption = DEFAULT_CONFIG, *, as_json: JsonOption = False) -> None:
    """What is installed, writable, reachable and tuned, and what to do about what is not."""
    import orjson

    from pipeline.jobs.examine import examine

    log_quietly()
    findings = examine(settings_from(config))
    for finding in findings:
        if as_json:
            print(orjson.dumps(finding._asdict()).decode())
        else:
            print(f"{'ok ' if finding.is_well else 'BAD'}  {finding.what}: {clean(finding.words, 300)}")
    if not all(finding.is_well for finding in findings):
        raise WirewatchError("Not everything is well; see the lines marked BAD.")
