"""Events that take their time, or fail: what a pass over thousands of stories looks like to whoever goes on beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime

from pipeline.model import Sketch
from pipeline.store.roles import Events


class SlowEvents:
    """Events that are looked through slowly: not before a test says so."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self.is_looked_through, self.goes_on = threading.Event(), threading.Event()

    def kept(self, since: datetime, until: datetime) -> Iterator[Sketch]:
        self.is_looked_through.set()
        assert self.goes_on.wait(60)
        return self._events.kept(since, until)

    def __getattr__(self, name: str) -> object:
        return getattr(self._events, name)


class FailingEvents:
    """Events that cannot be looked through."""

    def __init__(self, events: Events, error: Exception) -> None:
        self._events = events
        self._error = error

    def kept(self, since: datetime, until: datetime) -> Iterator[Sketch]:
        raise self._error

    def __getattr__(self, name: str) -> object:
        return getattr(self._events, name)
