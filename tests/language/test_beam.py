"""Reading as a step: what comes back belongs to what went in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import Settings
from pipeline.language.beam import READ_TOGETHER, ReadStories
from pipeline.language.pool import close_pools
from pipeline.model import Item, Passage
from pipeline.store.address import close_stores
from pipeline.stories.versions import story_of

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def passage(number: int) -> Passage:
    text = f"{'Elon Musk' if number % 3 == 0 else 'Somebody'} spoke of report {number} in the afternoon."
    item = Item("https://a.example/rss", None, f"https://a.example/{number}", "", text, False)
    return Passage(story_of(f"s{number}", item, "", text, NOW), (f"i{number}",), is_new=True, revision=0)


def test_a_batch_that_is_read_in_parts_comes_back_in_order(tmp_path: Path):
    """Each story with its own reading, though several processes read the parts."""
    store = f"sqlite:///{tmp_path}/store.db"
    settings = Settings.model_validate({"store": store, "entities": {"musk": {"name": "Elon Musk"}}})
    step = ReadStories(store, settings.entities)
    step.setup()
    step.start_bundle()
    sent = tuple(passage(number) for number in range(2 * READ_TOGETHER + 5))
    read = [each for batch in step.process(sent) for each in batch]
    read += [each for batch in step.finish_bundle() for each in batch.value]
    close_pools()
    close_stores()
    assert [each.story.id for each in read] == [each.story.id for each in sent]
    named = [number for number, each in enumerate(read) if each.reading and "musk" in {e.key for e in each.reading.entities}]
    assert named == list(range(0, len(sent), 3))
