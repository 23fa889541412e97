"""Commands that let stories flow: run, backfill, reannotate, demo."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline.cli.session import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    log_json,
    log_quietly,
    log_through,
    settings_from,
    stop_on_signals,
    store_of,
)
from pipeline.cli.tally import clean, counts_of
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.jobs.submission import Submission
    from pipeline.store.roles import Store


def register(app: typer.Typer) -> None:
    for command in (run, backfill, reannotate):
        # What these do not know is for Beam.
        app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(command)
    app.command()(demo)


class Runner(StrEnum):
    """What runs the chain."""

    local = "local"
    flink = "flink"


_ON_FLINK = "With --runner flink"

RunnerOption = Annotated[Runner, typer.Option("--runner", help="On this machine, or as a job on a Flink cluster.")]
JobEndpointOption = Annotated[
    str | None,
    typer.Option("--job-endpoint", "--job_endpoint", help="Beam's job server, HOST:PORT.", rich_help_panel=_ON_FLINK),
]
JobNameOption = Annotated[
    str, typer.Option("--job-name", "--job_name", help="What Flink calls the job.", rich_help_panel=_ON_FLINK)
]
RestOption = Annotated[
    str | None, typer.Option("--flink", help="Flink's REST API, HOST:PORT: tells which slots are free.", rich_help_panel=_ON_FLINK)
]
SlotsOption = Annotated[
    int | None, typer.Option("--parallelism", help="Slots to use; all that are free.", min=1, rich_help_panel=_ON_FLINK)
]


def run(
    context: typer.Context,
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    once: Annotated[bool, typer.Option("--once", help="Poll the feeds that are due, finish what they bring, and end.")] = False,
    live: Annotated[bool, typer.Option("--live", help="A screen of what flows, instead of lines.")] = False,
    as_json: JsonOption = False,
    runner: RunnerOption = Runner.local,
    job_endpoint: JobEndpointOption = None,
    flink: Annotated[
        str | None,
        typer.Option(
            help="Flink's REST API, HOST:PORT: a running job of this name is upgraded by a savepoint.", rich_help_panel=_ON_FLINK
        ),
    ] = None,
    job_name: Annotated[
        str, typer.Option("--job-name", "--job_name", help="One job of a name runs at a time.", rich_help_panel=_ON_FLINK)
    ] = "wirewatch",
    parallelism: Annotated[
        int | None, typer.Option(help="Slots to use; all that the cluster has.", min=1, rich_help_panel=_ON_FLINK)
    ] = None,
    checkpoints: Annotated[
        str | None, typer.Option(help="The folder of checkpoints and savepoints, a URI.", rich_help_panel=_ON_FLINK)
    ] = None,
) -> None:
    """Poll the feeds, index what they bring and tell the webhooks, until stopped (SIGINT, SIGTERM).

    With --runner flink: submit that as a job and end; a running job of the same name is stopped with a savepoint, from which the
    new one begins. Further options are Beam's, as they are.
    """
    if runner is Runner.flink:
        if once or live or as_json:
            raise ConfigError("--runner flink goes without --once, --live and --json")
        from pipeline.jobs.flink import run_on_flink

        log_quietly()
        submission = _submission(job_endpoint, job_name, flink, parallelism, context.args)
        run_on_flink(settings_from(config), submission._replace(checkpoints=checkpoints), print)
        return
    of_flink = {"--job-endpoint": job_endpoint, "--flink": flink, "--parallelism": parallelism, "--checkpoints": checkpoints}
    _refuse("run", of_flink, context.args)
    from pipeline.jobs.local import LocalService

    settings = settings_from(config)
    stop = stop_on_signals()
    with _view(live=live, as_json=as_json):
        service = LocalService(settings)
        if once:
            told = service.run_once(stop)
            unreached = [state for state in service.feed_states if state.error]
            _say_unreached([(state.url, state.error or "") for state in unreached], len(settings.feeds))
            _say_untold(store_of(settings))
            if stop.is_set():
                print("Stopped: run it again to go on.", file=sys.stderr)
                raise typer.Exit(130)
            raise typer.Exit(0 if told and len(unreached) < max(1, len(settings.feeds)) else 1)
        service.run(stop)


def backfill(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="JSONL stories, feed documents, folders of either; gzip too. Object storage: gs://…, s3://…, with * and **."
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    alert: Annotated[
        bool, typer.Option("--alert", help="Let what is found alert; else it is only indexed and kept as hits.")
    ] = False,
    runner: RunnerOption = Runner.local,
    job_endpoint: JobEndpointOption = None,
    flink: RestOption = None,
    job_name: JobNameOption = "wirewatch-backfill",
    parallelism: SlotsOption = None,
) -> None:
    """Take stories from files the whole way. Stop it and run it again: nothing is done twice.

    With --runner flink: as a job of a cluster that reaches the files; further options are Beam's, written --NAME=VALUE.
    """
    log_quietly()
    from pipeline.jobs.backfill import Progress, backfill_on_flink
    from pipeline.jobs.backfill import backfill as run_backfill

    settings, stop = settings_from(config), stop_on_signals()
    paths, options = _apart(paths)
    if runner is Runner.flink:
        submission = _submission(job_endpoint, job_name, flink, parallelism, options)
        counts = backfill_on_flink(settings, paths, submission, stop, print, tells=alert)
        read, new, refused = counts["items"], counts["items_landed"], counts["dead_letters"]
    else:
        _refuse("backfill", {"--job-endpoint": job_endpoint, "--flink": flink, "--parallelism": parallelism}, options)
        progress = Progress(stop=stop)

        def so_far(elapsed_s: float) -> tuple[int | None, int, str]:
            said = f"{progress.read:,} read · {progress.new:,} new · {progress.read / elapsed_s:,.0f}/s"
            return progress.bytes_total or None, progress.bytes_read, said

        _with_bar(lambda: run_backfill(settings, paths, progress, tells=alert), so_far)
        counts, read, new, refused = progress.counts, progress.read, progress.new, progress.refused
    if alert:
        _tell_now(settings, stop)
    print(f"{read:,} read, {new:,} new, {refused:,} refused (wirewatch dead-letters list).")
    _end_of_job(counts, stop)


def reannotate(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="Which stories, as in a search; all where nothing is said.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    since: Annotated[str | None, typer.Option(help="Only stories published since: 7d, 12h, 2026-11-01.")] = None,
    alert: Annotated[
        bool, typer.Option("--alert", help="Let watches that match for the first time alert; else their hits are only kept.")
    ] = False,
    runner: RunnerOption = Runner.local,
    job_endpoint: JobEndpointOption = None,
    flink: RestOption = None,
    job_name: JobNameOption = "wirewatch-reannotate",
    parallelism: SlotsOption = None,
) -> None:
    """Take stored stories through today's language stage and watches again. Nobody is told twice; stop it and run it again.

    With --runner flink: as a job of a cluster; further options are Beam's, written --NAME=VALUE.
    """
    log_quietly()
    from pipeline.cli.finding import keys_by_alias
    from pipeline.clock import utc_now
    from pipeline.jobs.reannotate import Progress, reannotate_on_flink
    from pipeline.jobs.reannotate import reannotate as run_reannotate
    from pipeline.search.language import query_of
    from pipeline.store.query import All

    settings, stop = settings_from(config), stop_on_signals()
    words, options = _apart([query, *context.args])
    asked = query_of(" ".join(words), utc_now(), keys_by_alias(settings))
    if since is not None:
        asked = All((asked, query_of(f'since:"{since}"', utc_now())))
    if runner is Runner.flink:
        submission = _submission(job_endpoint, job_name, flink, parallelism, options)
        counts = reannotate_on_flink(settings, asked, submission, stop, print, tells=alert)
    else:
        _refuse("reannotate", {"--job-endpoint": job_endpoint, "--flink": flink, "--parallelism": parallelism}, options)
        progress = Progress(stop=stop)

        def so_far(elapsed_s: float) -> tuple[int | None, int, str]:
            return progress.total, progress.found, f"{progress.found:,} stories · {progress.found / elapsed_s:,.0f}/s"

        _with_bar(lambda: run_reannotate(settings, asked, progress, tells=alert), so_far)
        counts = progress.counts
    if alert:
        _tell_now(settings, stop)
    print(
        f"{counts['stories_found']:,} looked at, {counts['stories_read']:,} read, {counts['stories_indexed']:,} written, "
        f"{counts['hits']:,} new hits, {counts['stories_left']:,} could not be read and stay as they were."
    )
    _end_of_job(counts, stop)


def demo(
    speed: Annotated[float, typer.Option(help="How many times as fast as a minute the newsroom releases its stories.")] = 1.0,
    record: Annotated[Path | None, typer.Option(help="Keep what happened, for python -m pipeline.cli.picture.")] = None,
) -> None:
    """A small newsroom on this machine, the service on it, and a webhook: watch it work, with no network."""
    from datetime import UTC, datetime

    from pipeline.cli.picture import Recorder, write_events
    from pipeline.demo.play import play

    stop = stop_on_signals()
    recorder = Recorder()
    with _view(recorder, live=sys.stdout.isatty()), tempfile.TemporaryDirectory(prefix="wirewatch-demo-") as folder:
        outcome = play(Path(folder), _service, now=datetime.now(UTC), speed=speed, stop=stop)
    if record:
        write_events(record, recorder.told)
    for alert in outcome.verdict.arrived:
        print(f"told once   {alert.watch:20} {alert.story}")
    for alert in outcome.verdict.missing:
        print(f"MISSING     {alert.watch:20} {alert.story}")
    for alert in outcome.verdict.repeated:
        print(f"TWICE       {alert.watch:20} {alert.story}")
    for arrival in outcome.verdict.unexpected:
        print(f"UNEXPECTED  {arrival.watch:20} {arrival.url}")
    expected = len(outcome.verdict.arrived) + len(outcome.verdict.missing)
    print(f"{len(outcome.verdict.arrived)} of {expected} expected alerts arrived, signed and once, in {outcome.duration_s:.0f} s.")
    raise typer.Exit(130 if stop.is_set() else 0 if outcome.is_right else 1)


def _apart(words: list[str]) -> tuple[list[str], list[str]]:
    """What was meant for us, and the options, which are Beam's."""
    return [word for word in words if not word.startswith("--")], [word for word in words if word.startswith("--")]


def _submission(job_endpoint: str | None, name: str, flink: str | None, slots: int | None, options: list[str]) -> Submission:
    """How a job is submitted. Raises `ConfigError` where nobody said to whom."""
    from pipeline.jobs.submission import Submission

    if not job_endpoint:
        raise ConfigError("--runner flink needs --job-endpoint HOST:PORT")
    return Submission(job_endpoint, name, flink, slots, options=options)


def _refuse(command: str, given: Mapping[str, str | int | None], unknown: list[str]) -> None:
    """Raise `ConfigError` where what only a cluster takes was given to the local runner."""
    if unfit := [*unknown, *(option for option, value in given.items() if value is not None)]:
        raise ConfigError(f"{command}: only --runner flink takes {unfit[0]}")


def _service(path: Path, environment: Mapping[str, str], stop: threading.Event) -> None:
    from pipeline.config import load
    from pipeline.jobs.local import LocalService

    LocalService(load(path, {**os.environ, **environment})).run(stop)


def _view(*processors: Callable[..., Any], live: bool, as_json: bool = False) -> AbstractContextManager[object]:
    """Where the log goes while a command runs."""
    if as_json:
        log_json()
        return nullcontext()
    from rich.console import Console

    from pipeline.cli.live import LiveView, PlainView

    view = LiveView(Console()) if live and sys.stdout.isatty() else PlainView(sys.stdout)
    log_through(*processors, view)
    return view


def _with_bar(work: Callable[[], None], so_far: Callable[[float], tuple[int | None, int, str]]) -> None:
    """Do `work` beside a bar; `so_far` tells its total, how much is done and what to say after so many seconds."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from pipeline.language.pool import close_pools

    failures: list[BaseException] = []

    def caught() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread below
            failures.append(error)

    thread = threading.Thread(target=caught, name="work")
    columns = (SpinnerColumn(), BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=None)
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
            total, done, said = so_far(max(0.001, bar.tasks[0].elapsed or 0.001))
            bar.update(task, total=total, completed=done, description=said)
    close_pools()
    if failures:
        raise failures[0]


def _end_of_job(counts: Mapping[str, int], stop: threading.Event) -> NoReturn:
    """Say what was counted, and where it was stopped; the exit code says so too."""
    print(f"Counted: {counts_of(counts)}", file=sys.stderr)
    if stop.is_set():
        print("Stopped: run it again to go on.")
    raise typer.Exit(130 if stop.is_set() else 0)


def _tell_now(settings: Settings, stop: threading.Event) -> None:
    _deliver(settings, stop)
    _say_untold(store_of(settings))


def _deliver(settings: Settings, stop: threading.Event) -> None:
    from pipeline.clock import utc_now
    from pipeline.jobs.deliver import Deliverer

    deliverer = Deliverer(store_of(settings), settings.webhooks, utc_now)
    deliverer.start()
    try:
        deliverer.run_until_idle(120.0, stop)
    finally:
        deliverer.stop(8.0)


def _say_untold(store: Store) -> None:
    """Say how many deliveries wait, where any do."""
    if waiting := store.outbox.waiting_count():
        print(f"{waiting:,} deliveries wait; wirewatch run makes them (wirewatch alerts list).", file=sys.stderr)


def _say_unreached(unreached: list[tuple[str, str]], feeds: int) -> None:
    if unreached:
        print(f"{len(unreached)} of {feeds} feeds could not be read:", file=sys.stderr)
        for url, error in unreached:
            print(f"  {clean(url, 300)}: {clean(error, 500)}", file=sys.stderr)
