"""Stories that a process has on the way, whichever of its threads identified them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.model import Item, ItemVersion, Reading, ReadStory, stable_id
from pipeline.store.address import close_stores
from pipeline.stories.beam import LOOKED_AGAIN, FinishStories, Identify
from pipeline.stories.on_the_way import MOST, REMEMBERED, OnTheWay
from pipeline.stories.versions import story_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
WAITS = timedelta(seconds=10)
LONG = " ".join(f"word{n}" for n in range(120))


def sighted(outlet: str, text: str = LONG) -> ItemVersion:
    item = Item(f"https://{outlet}.example/rss", None, f"https://{outlet}.example/1", "Title", text, False)
    return ItemVersion(stable_id("version", outlet), item, NOW)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    yield f"sqlite:///{tmp_path}/store.db"
    close_stores()


def identifying(address: str, clock: Clock, waits: timedelta = WAITS) -> Identify:
    step = Identify(address, clock, waits)
    step.setup()
    return step


def test_a_copy_waits_for_its_original_that_another_process_has_on_the_way(address: str, clock: Clock) -> None:
    """It is left landed, taken up again a second later, and is a copy once the original is stored."""
    one, two = sighted("one"), sighted("two")
    step = identifying(address, clock)
    step.store.landing.land([one, two], NOW + timedelta(minutes=5))
    [[original]] = step.process((one.id,))
    OnTheWay.of(address).forget([original.story.id])  # As another process would know nothing of it.

    assert list(step.process((two.id,))) == [()]
    assert step.store.landing.unfinished(NOW, NOW + WAITS, 10) == []
    assert step.store.landing.unfinished(NOW + LOOKED_AGAIN, NOW + LOOKED_AGAIN, 10) == [two.id]

    step.store.stories.put([ReadStory(original.story, Reading(original.story.versions[-1].id))])
    [[copy]] = step.process((two.id,))
    assert copy.story.duplicate_of == original.story.id


def test_an_original_that_never_comes_is_not_waited_for_longer_than_twice(address: str, clock: Clock) -> None:
    """Then the copy is a story of its own."""
    one, two = sighted("one"), sighted("two")
    step = identifying(address, clock)
    step.store.landing.land([one, two], NOW + timedelta(minutes=5))
    [[lost]] = step.process((one.id,))
    OnTheWay.of(address).forget([lost.story.id])
    assert list(step.process((two.id,))) == [()]
    clock.now += 2 * WAITS
    [[passage]] = step.process((two.id,))
    assert passage.story.duplicate_of is None


def test_where_one_process_identifies_nobody_waits(address: str, clock: Clock) -> None:
    one, two = sighted("one"), sighted("two")
    step = identifying(address, clock, timedelta())
    step.store.landing.land([one, two], NOW + timedelta(minutes=5))
    [[lost]] = step.process((one.id,))
    OnTheWay.of(address).forget([lost.story.id])
    [[passage]] = step.process((two.id,))
    assert passage.story.duplicate_of is None


def test_another_bundle_of_this_process_knows_what_is_on_the_way(address: str, clock: Clock) -> None:
    """A step of the same process, as a runner has them in other threads, finds the original before it is stored."""
    one, two = sighted("one"), sighted("two")
    step, other = identifying(address, clock), identifying(address, clock)
    step.store.landing.land([one, two], NOW + timedelta(minutes=5))
    [[original]] = step.process((one.id,))
    [[copy]] = other.process((two.id,))
    assert copy.story.duplicate_of == original.story.id


def test_what_is_finished_is_forgotten(address: str, clock: Clock) -> None:
    one = sighted("one")
    step, finish = identifying(address, clock), FinishStories(address, clock)
    finish.setup()
    step.store.landing.land([one], NOW + timedelta(minutes=5))
    [passages] = step.process((one.id,))
    assert OnTheWay.of(address).known(NOW)
    finish.process(passages)
    assert OnTheWay.of(address).known(NOW) == {}


def test_no_more_is_remembered_than_can_be_on_the_way() -> None:
    """Neither more stories, nor for longer."""
    way = OnTheWay()
    way.add([story_of(str(n), sighted(str(n)).item, "Title", "Text.", NOW) for n in range(MOST + 1)], NOW)
    assert len(way.known(NOW)) == MOST
    assert "0" not in way.known(NOW)
    assert way.known(NOW + REMEMBERED) == {}


def test_of_two_that_wait_for_each_other_one_goes_first() -> None:
    """The end of a wait is its story's own."""
    way = OnTheWay()
    ids = ["3f2a9c", "81b04d"]
    assert all(way.waits(each, NOW, WAITS) for each in ids)
    steps = [NOW + WAITS + timedelta(milliseconds=100 * n) for n in range(101)]
    ends = [next(moment for moment in steps if not way.waits(each, moment, WAITS)) for each in ids]
    assert ends[0] != ends[1]
