"""What every step of the chain promises: a bad element costs the others nothing, and a store that is away is no bad element."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pipeline.errors import TransientError
from pipeline.model import Item, ItemVersion, Passage
from pipeline.store.address import close_stores
from pipeline.store.beam import Step, batches
from pipeline.store.codec import decode
from pipeline.stories.versions import story_of

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


class Shouting(Step):
    """A step that cannot stand the word it is told."""

    stage = "stories"

    def shouted(self, versions: Sequence[ItemVersion]) -> list[str]:
        if any(version.item.title == "poison" for version in versions):
            raise ValueError("I cannot shout that")
        return [version.item.title.upper() for version in versions]


def version(title: str) -> ItemVersion:
    return ItemVersion(title, Item("https://news.example/rss", title, None, title, "", is_html=False), NOW)


@pytest.fixture
def step(tmp_path: Path) -> Iterator[Shouting]:
    step = Shouting(f"sqlite:///{tmp_path}/store.db", lambda: NOW)
    step.setup()
    yield step
    close_stores()


def test_what_fails_alone_is_set_aside_and_the_others_go_on(step: Shouting):
    """The dead letter holds the item version whole, its stage and why; it is not taken up again."""
    versions = [version(title) for title in ("one", "poison", "two")]
    step.store.landing.land(versions, NOW)
    assert step.together(versions, step.shouted, lambda each: [each]) == ["ONE", "TWO"]
    (letter,) = step.store.dead_letters.list()
    assert (letter.stage, letter.error, decode(letter.payload, ItemVersion)) == ("stories", "I cannot shout that", versions[1])
    assert step.store.landing.unfinished(NOW, NOW + timedelta(minutes=1), 10) == ["one", "two"]


def test_a_story_that_nothing_landed_for_stays_as_it_is(step: Shouting):
    """One that is read again and fails is no dead letter; it is said which and why."""
    item = version("poison").item
    again = Passage(story_of("s1", item, item.title, "", NOW), (), False, 1)

    def fail(_passages: Sequence[Passage]) -> list[Passage]:
        raise ValueError("I cannot read that")

    with capture_logs() as told:
        assert step.together([again], fail, step.of_passage) == []
    assert step.store.dead_letters.list() == []
    assert [(event["event"], event["story"], event["error"]) for event in told] == [("story.left", "s1", "I cannot read that")]


def test_a_store_that_is_away_is_no_bad_element(step: Shouting):
    """The batch is tried again later, and nothing is set aside."""

    def away(_versions: Sequence[ItemVersion]) -> list[str]:
        raise TransientError("the store is away")

    with pytest.raises(TransientError):
        step.together([version("one"), version("two")], away, lambda each: [each])
    assert step.store.dead_letters.list() == []


def test_batches_hold_everything_in_order():
    """The last one what is left."""
    assert list(batches(range(5), 2)) == [(0, 1), (2, 3), (4,)]
    assert list(batches([], 2)) == []
