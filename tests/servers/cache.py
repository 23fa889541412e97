"""Where servers for tests are kept once they were fetched, and how one process at a time fetches them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


class UnavailableError(Exception):
    """There is no such server to be had on this machine, and why."""


def cache() -> Path:
    """The folder that all of this user's tests share."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wirewatch"
    if os.geteuid() == 0:
        # Nobody has to be let in, and root's home is shut.
        folder = Path(tempfile.gettempdir()) / "wirewatch-servers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; whoever else wants it waits."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
