"""A store that says how long its calls take; the roles are the same, and cost half a microsecond more a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from pipeline.store.roles import Store

_ROLES = ("feeds", "landing", "claims", "stories", "bands", "habits", "events", "outbox", "dead_letters")

Spent = Callable[[int], None]
"""Is told the microseconds of a call, whether it succeeded or not."""


def timed(store: Store, spent: Spent) -> Store:
    """`store`, telling `spent` of each call to one of its roles. Of what is iterated, only the call itself is timed."""
    return cast(Store, _TimedStore(store, spent))


class _TimedStore:
    def __init__(self, store: Store, spent: Spent) -> None:
        self._store = store
        for role in _ROLES:
            setattr(self, role, _TimedRole(getattr(store, role), spent))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _TimedRole:
    def __init__(self, role: object, spent: Spent) -> None:
        self._role = role
        self._spent = spent

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._role, name)

        def call(*args: object, **named: object) -> object:
            began = time.perf_counter_ns()
            try:
                return method(*args, **named)
            finally:
                self._spent((time.perf_counter_ns() - began) // 1000)

        setattr(self, name, call)
        return call
