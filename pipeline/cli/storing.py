"""Commands that look after the store itself."""

from __future__ import annotations

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, log_quietly, settings_from

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
