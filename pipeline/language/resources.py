"""What the reading processes are given beside the watched entities: a table of names, and models for other languages."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol

from pipeline.errors import ConfigError


class ReadingSettings(Protocol):
    """What the configuration says of it."""

    @property
    def known_entities(self) -> str: ...
    @property
    def languages(self) -> Mapping[str, str]: ...


class Resources(NamedTuple):
    """In a form that crosses to another process."""

    known: str | None = None
    """The path of the table of names (`known.py`); None without one."""
    models: tuple[tuple[str, str], ...] = ()
    """For each language but English that is read, the package of its model."""


NO_RESOURCES = Resources()


def resources_of(settings: ReadingSettings) -> Resources:
    """What is there of what is configured; the table may be missing, a model must not. Raises ConfigError."""
    for language, package in settings.languages.items():
        if find_spec(package) is None:
            raise ConfigError(
                f"languages.{language}: the model {package} is not installed. Install the package of that name, or take the line "
                "out: stories in that language are then matched by watched names alone."
            )
    table = Path(settings.known_entities)
    return Resources(str(table.resolve()) if table.is_file() else None, tuple(sorted(settings.languages.items())))
