"""Commands for the names that a user brings: entities import."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, log_quietly, settings_from
from pipeline.errors import ConfigError, WirewatchError

entities = typer.Typer(no_args_is_help=True, help="Names that entities go by: import.")
_SHOWN_PROBLEMS = 20


def register(app: typer.Typer) -> None:
    app.add_typer(entities, name="entities")


@entities.callback()
def _group() -> None:
    """Names that entities go by."""


@entities.command("import")
def import_names(
    file: Annotated[Path, typer.Argument(help="A line an entity: name, kind, aliases separated by |, QID; tabs between.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take over a table of names, so that an entity is one under all of them; read from the next start on.

    The table of an earlier import is replaced. A line that cannot be used is told and left out.
    """
    from pipeline.cli.tally import clean
    from pipeline.language.known import parsed, written

    log_quietly()
    target = Path(settings_from(config).known_entities)
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            table = parsed(lines)
    except OSError as error:
        raise ConfigError(f"entities import: cannot read {file}: {error.strerror}") from None
    for problem in table.problems[:_SHOWN_PROBLEMS]:
        print(f"{file}: {clean(problem, 300)}", file=sys.stderr)
    if len(table.problems) > _SHOWN_PROBLEMS:
        print(f"{file}: {len(table.problems) - _SHOWN_PROBLEMS:,} more lines are left out", file=sys.stderr)
    if not table.entities:
        raise WirewatchError(f"entities import: {file} holds no entity that can be used; {target} stays as it was")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(target.name + ".new")
        with draft.open("w", encoding="utf-8") as out:
            out.writelines(written(table.entities))
        os.replace(draft, target)  # noqa: PTH105  whoever starts meanwhile reads the old table or the new one
    except OSError as error:
        raise ConfigError(f"entities import: cannot write {target}: {error.strerror}") from None
    names = sum(1 + len(entity.aliases) for entity in table.entities)
    shared = f"; {table.shared:,} names that two of them share are left out" if table.shared else ""
    print(f"{target}: {len(table.entities):,} entities with {names:,} names{shared}. They are used from the next start on.")
