"""A store that says how long its calls take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from pipeline.errors import TransientError
from pipeline.store.timed import timed
from tests.fakes import MemoryStore

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


class Slow(MemoryStore):
    """Finishing takes its time; reading does not work."""

    def __init__(self) -> None:
        super().__init__()
        self.landing.finish = self._finish  # type: ignore[method-assign]
        self.landing.read = self._read  # type: ignore[method-assign,assignment]

    def _finish(self, ids: Sequence[str]) -> None:
        time.sleep(0.02)

    def _read(self, ids: Sequence[str]) -> None:
        raise TransientError("the store is away")


def test_every_call_to_a_role_is_timed_and_answers_as_before():
    """In microseconds, one after the other."""
    spent: list[int] = []
    store = timed(Slow(), spent.append)
    store.feeds.subscribe(["https://news.example/rss"], NOW)
    store.landing.finish(["1"])
    assert [state.url for state in store.feeds.states()] == ["https://news.example/rss"]
    assert len(spent) == 3
    assert spent[1] >= 20_000
    assert store.name == "memory"


def test_a_call_that_fails_is_timed_too():
    """The time was spent all the same."""
    spent: list[int] = []
    store = timed(Slow(), spent.append)
    with pytest.raises(TransientError):
        store.landing.read(["1"])
    assert len(spent) == 1
