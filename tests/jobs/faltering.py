"""A store that goes away: what a crash between any two steps looks like from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pipeline.errors import TransientError
from tests.fakes import MemoryStore

When = Literal["before", "after"]


class Faltering:
    """A memory that is away at some of its calls, by their number: before it did what was asked, or after."""

    name = "faltering"

    def __init__(self, store: MemoryStore, away: Mapping[int, When]) -> None:
        self.store = store
        self.away = away
        self.calls = 0
        for role in ("feeds", "landing", "claims", "stories", "bands", "habits", "events", "outbox", "dead_letters"):
            setattr(self, role, _Role(getattr(store, role), self))

    def close(self) -> None:
        """Nothing is held."""


class _Role:
    def __init__(self, role: object, owner: Faltering) -> None:
        self._role = role
        self._owner = owner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: object, **named: object) -> object:
            self._owner.calls += 1
            when = self._owner.away.get(self._owner.calls)
            if when == "before":
                raise TransientError("the store is away")
            answer = getattr(self._role, name)(*args, **named)
            if when == "after":
                raise TransientError("the store went away")
            return answer

        return call
