"""Who works on a database: a lock on a file beside it, which the system takes back when a process dies, however it dies."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pipeline.errors import TransientError

_ENTER_WITHIN_S = 10.0


class Presence:
    """One worker's place at a database; the file that it locks is made where it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    @property
    def is_entered(self) -> bool:
        return self._file is not None

    @contextmanager
    def entering(self) -> Iterator[bool]:
        """Count as at work from here on; whether nobody else does, and nobody else enters before the block is left.

        Raises `TransientError` where another takes more than ten seconds to enter.
        """
        self._file = self._path.open("ab")
        is_alone = _locked(self._file, fcntl.LOCK_EX)
        try:
            yield is_alone
        finally:
            self._share(self._file)

    def leave(self) -> None:
        """Count as at work no longer; leaving twice is allowed."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _share(self, file: IO[bytes]) -> None:
        until = time.monotonic() + _ENTER_WITHIN_S
        while not _locked(file, fcntl.LOCK_SH):
            if time.monotonic() > until:
                self.leave()
                raise TransientError(f"{self._path} stays locked by another process")
            time.sleep(0.02)


def _locked(file: IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
