"""The stories that this process has identified and that may not be stored yet, whichever of its threads did."""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta

from pipeline.model import Story

MOST = 1024
"""Stories remembered: more than the steps behind hold at once."""
REMEMBERED = timedelta(minutes=2)
"""What has not been stored by then never will be: it was set aside, or is identified again."""


class OnTheWay:
    """Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stories: OrderedDict[str, tuple[Story, datetime]] = OrderedDict()
        self._waiting: OrderedDict[str, datetime] = OrderedDict()

    @classmethod
    def of(cls, store: Hashable) -> OnTheWay:
        """This process's, for the store at an address."""
        with _making:
            return _all.setdefault(store, cls())

    def add(self, stories: Iterable[Story], now: datetime) -> None:
        with self._lock:
            self._stories |= {story.id: (story, now) for story in stories}
            while len(self._stories) > MOST:
                self._stories.popitem(last=False)

    def known(self, now: datetime) -> dict[str, Story]:
        """By id."""
        with self._lock:
            return {id: story for id, (story, added_at) in self._stories.items() if now - added_at < REMEMBERED}

    def forget(self, ids: Iterable[str]) -> None:
        """They are stored."""
        with self._lock:
            for id in ids:
                self._stories.pop(id, None)
                self._waiting.pop(id, None)

    def waits(self, story_id: str, now: datetime, at_least: timedelta) -> bool:
        """Whether a story still waits: `at_least` so long from when this was first asked, and up to twice as long.

        Each by its id, so that of two that wait for each other one goes first.
        """
        with self._lock:
            ends_at = self._waiting.setdefault(story_id, now + at_least * (1 + _share(story_id)))
            while len(self._waiting) > MOST:
                self._waiting.popitem(last=False)
            return now < ends_at


def _share(story_id: str) -> float:
    """From 0 to 1, by the id."""
    return zlib.crc32(story_id.encode()) / 0xFFFFFFFF


_making = threading.Lock()
_all: dict[Hashable, OnTheWay] = {}
