"""Configurations written to a directory, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipeline.config import Settings, load
from pipeline.errors import ConfigError

ENV = {"DESK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


def write(directory: Path, files: Mapping[str, str]) -> Path:
    """Write files by name; answers the path of the first."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory / next(iter(files))


@pytest.fixture
def secret() -> str:
    """What `${DESK_SECRET}` stands for."""
    return ENV["DESK_SECRET"]


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., Settings]:
    """The settings in a main file, and in others by name."""

    def read(main: str, others: Mapping[str, str] | None = None, env: Mapping[str, str] = ENV) -> Settings:
        return load(write(tmp_path, {"main.yaml": main, **(others or {})}), env)

    return read


@pytest.fixture
def complaints(tmp_path: Path, settings_of: Callable[..., Settings]) -> Callable[..., list[str]]:
    """The lines of the error that a main file (and others) is refused with, without the directory."""

    def read(main: str, others: Mapping[str, str] | None = None, env: Mapping[str, str] = ENV) -> list[str]:
        with pytest.raises(ConfigError) as refused:
            settings_of(main, others, env)
        return str(refused.value).replace(f"{tmp_path}/", "").splitlines()

    return read
