"""What every command starts with: the configuration, the store, and where the log goes."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer

from pipeline.cli.tally import clean
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.store.roles import Store

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="WIREWATCH_CONFIG", help="The configuration file.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
DEFAULT_CONFIG = Path("configs/news.yaml")


def an_id(said: str) -> str:
    """An id from the command line. Raises `ConfigError` for what is none, which no store need be asked for."""
    if not (said.isascii() and said.isalnum()):
        raise ConfigError(f"“{clean(said)}” is no id: ids are letters and digits, as wirewatch shows them in its lists")
    return said


IdArgument = Annotated[str, typer.Argument(parser=an_id)]


def settings_from(path: Path) -> Settings:
    """The configuration at `path` with this process's environment. Raises `ConfigError`."""
    from pipeline.config import load

    return load(path, os.environ)


def store_of(settings: Settings) -> Store:
    """The store that `settings` name. Raises `ConfigError` where it cannot be opened."""
    from pipeline.store.address import address_of, store_at

    return store_at(address_of(settings))


def log_through(*processors: Callable[..., Any], level: int = logging.INFO, factory: Callable[..., Any] | None = None) -> None:
    """Send the log through `processors`, of which the last lets nothing through or makes a line for `factory`'s logger.

    Of the libraries' own talk only errors are heard.
    """
    from pipeline.config.problems import without_passwords

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, without_passwords, *processors],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)


def log_json() -> None:
    """Send the log to standard output, a JSON object a line."""
    log_through(
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    )


def log_quietly() -> None:
    """Let only warnings through, to standard error: for commands whose output is their result."""
    log_through(
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False),
        level=logging.WARNING,
        factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set; a second one ends the process at once."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, handle)
    return stop
