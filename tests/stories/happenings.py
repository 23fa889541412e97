"""Stories about a few happenings, each told in the words of its own outlet."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np

from pipeline.model import Passage, Reading, ReadStory, Story, Version
from pipeline.store.roles import Store
from pipeline.stories.events import Placing
from pipeline.stories.meaning import Encode, packed
from pipeline.stories.versions import event_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_HAPPENINGS = {
    "fire": "warehouse fire leeds firefighters flames destroyed blaze factory smoke evacuated yorkshire crews",
    "bank": "central bank interest rates inflation economists policy markets percentage governor decision euro",
    "quake": "earthquake magnitude epicentre rescue rubble tremor kathmandu survivors collapsed seismologists nepal",
    "launch": "rocket launch satellite orbit booster spacecraft countdown cape canaveral payload engineers pad",
}
_FILLER = ("officials", "people", "yesterday", "report", "city", "week", "morning", "government", "president", "company", "public")


def story(name: str, about: str, seed: int, minutes: int = 0, copy_of: str | None = None) -> Story:
    """A story on a happening, in words of its own."""
    rng = random.Random(seed)
    words = rng.sample(_HAPPENINGS[about].split(), 8)
    text = " ".join(rng.sample([*words, *words, *_FILLER], 22))
    at = NOON + timedelta(minutes=minutes)
    title = " ".join(words[:4])
    versions = (Version(f"v-{name}", at, at, title),)
    return Story(
        name, title, text, None, f"{name}.example", (), "en", at, at, versions, event_of(name), copy_of
    )  # fmt: skip


FEW_WORDS_IN_COMMON = (
    "warehouse fire leeds crews foam ladders roof pumps night",
    "warehouse engines smoke flames river town wind heat",
)
"""As two outlets may tell one happening, or as two happenings may be told: by their words alone they are two."""
SOME_WORDS_IN_COMMON = (FEW_WORDS_IN_COMMON[0], "warehouse fire blaze flames engines smoke")
"""The same, but by their words alone they are one."""


def all_alike(title: str, text: str) -> bytes:
    """What stories mean to an encoder that finds them all the same."""
    return packed(np.eye(384)[0]) if title or text else b""


def all_unlike(title: str, text: str) -> bytes:
    """What stories mean to an encoder that finds nothing in common where a word is different."""
    return packed(np.eye(384)[sum(map(ord, title + text)) % 384])


TOLD_AND_MEANT: tuple[tuple[tuple[str, str], Encode | None, int], ...] = (
    (FEW_WORDS_IN_COMMON, None, 2),
    (FEW_WORDS_IN_COMMON, all_alike, 1),
    (SOME_WORDS_IN_COMMON, None, 1),
    (SOME_WORDS_IN_COMMON, all_unlike, 2),
)
"""Two texts, what says what they mean, and how many events they are."""


def in_words(name: str, text: str, minutes: int = 0) -> Story:
    """A story of just these words."""
    return story(name, "fire", 1, minutes)._replace(title="", text=text)


def passage(told: Story, *, is_new: bool = True, revision: int = 0) -> Passage:
    return Passage(told, (f"i-{told.id}",), is_new, revision)


def stored(store: Store, placing: Placing, *batch: Story) -> list[Story]:
    """Stories placed in one batch and stored, as the chain does."""
    placed = placing.placed([passage(each) for each in batch], NOON)
    reads = [ReadStory(each.story, Reading(each.story.versions[-1].id), each.revision) for each in placed]
    assert store.stories.put(reads) == set()
    return [each.story for each in placed]


def together(store: Store) -> set[frozenset[str]]:
    """The stories of each event, as they are stored."""
    found: dict[str, set[str]] = {}
    for read in store.stories.all():
        found.setdefault(read.story.event_id, set()).add(read.story.id)
    return {frozenset(ids) for ids in found.values()}
