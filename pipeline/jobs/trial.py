"""A story tried out: read, and held against every watch, without keeping anything."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.clock import utc_now
from pipeline.config import Settings
from pipeline.errors import WirewatchError
from pipeline.language.explain import Told, explained
from pipeline.language.pool import close_pools, pool_for
from pipeline.language.read import Reader, ReadFailure, text_of
from pipeline.language.resources import resources_of
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
    story = _story(content)
    try:
        pool = pool_for(settings.entities, 1, resources_of(settings))
        (reading,) = pool.submit([text_of(story)]).result(_WITHIN_S)
    finally:
        close_pools()
    if isinstance(reading, ReadFailure):
        raise WirewatchError(f"The story cannot be read: {reading.error}")
    return Trial(story, reading, tuple(explain(watch, story, reading) for watch in settings.watches))


def steps_of(content: str, settings: Settings) -> tuple[Told, ...]:
    """What each step of reading makes of a story, in words. Raises `WirewatchError` where it cannot be read."""
    reader = Reader(settings.entities, resources=resources_of(settings))
    return explained(reader.steps(text_of(_story(content))))


def _story(content: str) -> Story:
    title, _, text = content.strip().partition("\n")
    item = Item("trial", None, None, title, text, is_html=False)
    return story_of("trial", item, headline(title), tidy(text), utc_now())
