"""The `wirewatch` command. Exit codes: 0 done · 1 it ran, and what was asked for did not come about · 2 the command or the
configuration is wrong · 3 a service is away · 130 interrupted.

Importing this module loads neither Beam nor spaCy nor a store: each command imports what it needs.
"""

from __future__ import annotations

import sys

import typer

from pipeline.cli import alerting, feeding, finding, happening, knowing, pairing, running, storing, trying
from pipeline.errors import ConfigError, TransientError, WirewatchError

app = typer.Typer(
    name="wirewatch",
    help="Watches the news for entities that turn up together, and tells you once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for room in (running, finding, happening, pairing, alerting, feeding, knowing, storing, trying):
    room.register(app)


def run() -> None:
    """The command's entry: errors on purpose become one message and an exit code."""
    try:
        app()
    except ConfigError as error:
        _end(str(error), 2)
    except TransientError as error:
        _end(f"{error}\nTry again later.", 3)
    except WirewatchError as error:
        _end(str(error), 1)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        sys.exit(0)


def _end(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)
