"""What was got of documents of late, so that what is asked for again and has not changed is not got again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

Version = tuple[int, int]
"""A document's sequence number and primary term: no other version of it has both, as long as its index is not made anew."""


class Remembered(Generic[T]):
    """What documents of one index hold, of the `most` that were asked for last. Safe to use from several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, tuple[Version, T]] = {}
        self._lock = threading.Lock()

    def at(self, versions: Mapping[str, Version]) -> dict[str, T]:
        """What is remembered of documents at just these versions, by id."""
        with self._lock:
            found = {id: self._known[id] for id, version in versions.items() if id in self._known and self._known[id][0] == version}
            self._put_last(found)
        return {id: content for id, (_, content) in found.items()}

    def keep(self, got: Mapping[str, tuple[Version, T]]) -> None:
        """Remember documents as they were got."""
        with self._lock:
            self._put_last(got)
            for id in [*islice(self._known, max(0, len(self._known) - self._most))]:
                del self._known[id]

    def _put_last(self, some: Mapping[str, tuple[Version, T]]) -> None:
        for id, each in some.items():
            self._known.pop(id, None)
            self._known[id] = each
