"""A story tried out: read, and held against every watch, without keeping anything."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.clock import utc_now
from pipeline.config import Settings
from pipeline.errors import WirewatchError
from pipeline.language.pool import close_pools, pool_for
from pipeline.language.read import ReadFailure, Text
from pipeline.model import Item, Reading, Story
from pipeline.stories.text import headline, tidy
from pipeline.stories.versions import story_of
from pipeline.watches.explain import Explanation, explain

_WITHIN_S = 180.0


class Trial(NamedTuple):
    """What came of it."""

    story: Story
    reading: Reading
    explanations: tuple[Explanation, ...]


def trial(content: str, settings: Settings) -> Trial:
    """Read a story (its title in the first line that is not empty) and explain every watch on it.

    Raises `WirewatchError` where it cannot be read.
    """
    title, _, text = content.strip().partition("\n")
    item = Item("trial", None, None, title, text, is_html=False)
    story = story_of("trial", item, headline(title), tidy(text), utc_now())
    try:
        pool = pool_for(settings.entities, 1)
        (reading,) = pool.submit([Text(story.versions[-1].id, story.title, story.text)]).result(_WITHIN_S)
    finally:
        close_pools()
    if isinstance(reading, ReadFailure):
        raise WirewatchError(f"The story cannot be read: {reading.error}")
    return Trial(story, reading, tuple(explain(watch, story, reading) for watch in settings.watches))
