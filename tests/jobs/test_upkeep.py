"""What a store needs in time: done seldom, by one of all who share it, beside whatever else goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from pipeline.errors import TransientError
from pipeline.jobs import upkeep
from pipeline.stories.grouping import WINDOW
from tests.fakes import MemoryStore
from tests.jobs.slow import FailingEvents, SlowEvents

NOW = datetime(2026, 11, 27, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Tended(MemoryStore):
    """Remembers when it was tended; the first time there is more to do."""

    def __init__(self) -> None:
        super().__init__()
        self.tended: list[tuple[datetime, timedelta | None]] = []

    def tend(self, now: datetime, stories_for: timedelta | None = None) -> bool:
        self.tended.append((now, stories_for))
        return len(self.tended) == 1


def kept_up(store: MemoryStore, now: datetime) -> datetime | None:
    """Up to when events have been grouped again, once all that a tick at `now` began is done."""
    upkeep.begin(store, now, WINDOW, 9 * MINUTE)
    assert upkeep.wait(30)
    return store.events.looked_at()


def test_events_are_grouped_again_where_nobody_did_for_three_minutes():
    """A tick before that begins nothing."""
    store = MemoryStore()
    assert [kept_up(store, NOW + late * MINUTE) for late in (0, 2, 3)] == [NOW, NOW, NOW + 3 * MINUTE]


def test_another_process_has_its_turn_to_itself():
    """It may be at it for as long, and the store says so."""
    store = MemoryStore()
    assert store.take_turn("group", NOW, NOW + 3 * MINUTE)
    assert kept_up(store, NOW + 2 * MINUTE) is None
    assert kept_up(store, NOW + 3 * MINUTE) == NOW + 3 * MINUTE
    assert not store.take_turn("group", NOW + 5 * MINUTE, NOW + 8 * MINUTE)


def test_a_store_is_not_asked_by_every_tick():
    """Ticks are many, and a turn is long."""

    class Asked(MemoryStore):
        count = 0

        def take_turn(self, work: str, now: datetime, until: datetime) -> bool:
            self.count += 1
            return False

    store = Asked()
    for late_s in (0, 1, 9, 10, 12):
        upkeep.begin(store, NOW + timedelta(seconds=late_s), WINDOW, None)
    assert store.count == 2


def test_ticks_pass_by_a_process_that_is_at_it():
    """No tick waits for it, nor begins another; the next turn is another's by then."""
    store = MemoryStore()
    slow = SlowEvents(store.events)
    store.events = slow  # type: ignore[assignment]
    try:
        upkeep.begin(store, NOW, WINDOW, None)
        assert slow.is_looked_through.wait(30)
        slow.is_looked_through.clear()
        upkeep.begin(store, NOW + 4 * MINUTE, WINDOW, None)
        assert not slow.is_looked_through.wait(0.2)
        assert not upkeep.wait(0)
        assert store.take_turn("group", NOW + 4 * MINUTE, NOW + 7 * MINUTE)
    finally:
        slow.goes_on.set()
        assert upkeep.wait(30)
    assert store.events.looked_at() == NOW


@pytest.mark.parametrize(("error", "told"), [(TransientError("away"), "regrouping.waits"), (KeyError("ours"), "regrouping.failed")])
def test_a_pass_that_fails_is_told_and_done_again_in_time(error: Exception, told: str):
    """Not by each tick: it may take minutes to fail. Of a mistake of ours, the log says where it is; the store is tended anyway."""
    store = Tended()
    whole, store.events = store.events, FailingEvents(store.events, error)  # type: ignore[assignment]
    with capture_logs() as logs:
        kept_up(store, NOW)
    assert [each["event"] for each in logs] == [told]
    assert ("slow.py" in logs[0].get("trace", "")) == (told == "regrouping.failed")
    assert store.tended
    store.events = whole
    assert [kept_up(store, NOW + late * MINUTE) for late in (1, 3)] == [None, NOW + 3 * MINUTE]


def test_the_store_is_tended_once_an_hour_until_there_is_no_more_to_do():
    """By whoever has the turn then."""
    store = Tended()
    for late in (0, 59, 62):
        kept_up(store, NOW + late * MINUTE)
    assert store.tended == [(NOW, 9 * MINUTE), (NOW, 9 * MINUTE), (NOW + 62 * MINUTE, 9 * MINUTE)]
