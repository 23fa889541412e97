"""Commands that look after the store itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, log_quietly, settings_from, stop_on_signals
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.store.address import StoreAddress
    from pipeline.store.copy import Copied

store = typer.Typer(help="Look after what is kept.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(store, name="store")


@store.command()
def migrate(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Bring what an earlier version wrote up to date; it may be interrupted and run again."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from pipeline.store.address import address_of, migrate_at

    log_quietly()
    address = address_of(settings_from(config))
    with Progress("indexing", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        count = migrate_at(address, lambda done, total: bar.update(task, completed=done, total=total))
    typer.echo(f"{count:,} stories were indexed again." if count else "Up to date.")


@store.command("copy")
def copy_store(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="An address as `store:` has it: sqlite:///PATH or https://HOST:9200.")
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="Another one; nothing may work on it meanwhile.")],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", envvar="WIREWATCH_CONFIG", help="Its `elasticsearch:` says how a cluster is reached."),
    ] = None,
) -> None:
    """Bring all that one store keeps into another; stop it and run it again: nothing is done twice."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from pipeline.store.address import store_at
    from pipeline.store.copy import copy

    log_quietly()
    from_address, to_address = _addresses(source, target, config)
    stop = stop_on_signals()
    columns = (SpinnerColumn(), TextColumn("{task.description:13}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks = {}

        def show(what: str, done: int) -> None:
            if stop.is_set():
                raise typer.Exit(130)
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=None)
            bar.update(tasks[what], completed=done)

        copied = copy(store_at(from_address), store_at(to_address), show)
    _compare(copied)


def _addresses(source: str, target: str, config: Path | None) -> tuple[StoreAddress, StoreAddress]:
    from pipeline.config import ElasticsearchSettings
    from pipeline.store.address import address_at, is_there

    given = settings_from(config).elasticsearch if config else ElasticsearchSettings()
    try:
        addresses = address_at(source, given), address_at(target, given)
    except ConfigError as error:
        raise ConfigError(f"store copy: {error}") from None
    if addresses[0] == addresses[1]:
        raise ConfigError("store copy: FROM and TO are one store")
    if not is_there(addresses[0]):
        raise ConfigError(f"store copy: there is no database at {source}")
    return addresses


def _compare(copied: list[Copied]) -> None:
    """Print what both stores hold; exit code 1 where that is not the same."""
    typer.echo(f"{'':13} {'FROM':>12} {'TO':>12}")
    for each in copied:
        typer.echo(f"{each.what:13} {each.source:>12,} {each.target:>12,}  {'' if each.is_whole else 'DIFFERS'}".rstrip())
    if not all(each.is_whole for each in copied):
        typer.echo(
            "TO does not hold what FROM does: something works on one of them, or TO was not empty. Stop it, and copy again.",
            err=True,
        )
        raise typer.Exit(1)
