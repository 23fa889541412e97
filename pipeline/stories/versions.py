"""How an item becomes a story, and how sightings of one story become one. No I/O, no clock.

`merged` is commutative, associative and idempotent: sightings in any order, in any grouping, however often, end in the same story.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from pipeline.model import Field, Item, Story, Version, stable_id
from pipeline.stories.canonical_url import web_address
from pipeline.stories.fingerprints import source_of

MOST_VERSIONS = 200
"""Of a story, the latest: a page that shows a clock has no end of them."""

_NEVER_BEFORE = datetime(1970, 1, 2, tzinfo=UTC)
"""What is older is a clock that was never set."""
_HALF = 10
"""Letters of a version's id that come of its title; as many come of its text (50 bits each)."""


def new_id(name: str, seen_at: datetime) -> str:
    """The id of the story that begins with a sighting: its second, then what its strongest fingerprint makes of it.

    So the smaller of two ids is the older story's, for ever and for everybody: where two turn out to be one, the smaller stays.
    """
    return f"{max(0, int(seen_at.timestamp())):08x}" + stable_id("story", name)[:16]


def version_id(title: str, text: str) -> str:
    """The id of a wording: half of it names the title, half the text, so that two ids tell what differs."""
    return stable_id("title", title)[:_HALF] + stable_id("text", text)[:_HALF]


def version_of(item: Item, title: str, text: str, seen_at: datetime) -> Version:
    """The wording that `item` brought. A stamp in the future is a wrong clock: it counts as from when it was seen."""
    told = _sane(item.updated_at) or _sane(item.published_at) or seen_at
    return Version(version_id(title, text), seen_at, min(told, seen_at), title)


def event_of(story_id: str) -> str:
    """The event that a story begins."""
    return stable_id("event", story_id)


def story_of(story_id: str, item: Item, title: str, text: str, seen_at: datetime) -> Story:
    """The story as this one sighting tells it. `title` and `text` are cleaned."""
    return Story(
        id=story_id,
        title=title,
        text=text,
        url=web_address(item.url) if item.url else None,
        source=source_of(item),
        feeds=(item.feed,),
        language=item.language,
        published_at=min(_sane(item.published_at) or seen_at, seen_at),
        first_seen_at=seen_at,
        versions=(version_of(item, title, text, seen_at),),
        event_id=event_of(story_id),
        ref=item.ref,
    )


def merged(stored: Story, incoming: Story) -> Story:
    """One story of two tellings of it: the older id, all versions, the content of the current one, the earliest dates.

    The current version is the greatest by stamp, then sighting, then id. A wording that was sighted again counts from its latest
    sighting: then whoever holds the greatest version holds its content too, whatever came before. (By the earliest, a wording
    could lose its place when its text is the only one left.)
    """
    content = max((stored, incoming), key=_content_order)
    versions = _united(stored.versions, incoming.versions)
    told_by = max((stored, incoming), key=_event_order)
    ids = {stored.id, incoming.id, *stored.former_ids, *incoming.former_ids}
    id = min(ids)
    return content._replace(
        id=id,
        feeds=tuple(sorted({*stored.feeds, *incoming.feeds})),
        published_at=min(stored.published_at, incoming.published_at),
        first_seen_at=min(stored.first_seen_at, incoming.first_seen_at),
        versions=versions,
        event_id=told_by.event_id,
        # What turned out to be a part of it is no original of it.
        duplicate_of=None if told_by.duplicate_of in ids else told_by.duplicate_of,
        former_ids=tuple(sorted(ids - {id})),
        ref=min((ref for ref in (stored.ref, incoming.ref) if ref is not None), default=None),
    )


def _sane(told: datetime | None) -> datetime | None:
    return told if told and told >= _NEVER_BEFORE else None


def _order(version: Version) -> tuple[datetime, datetime, str]:
    return version.stamp, version.seen_at, version.id


def _content_order(story: Story) -> tuple[tuple[datetime, datetime, str], tuple[str, str, str]]:
    """Which telling has the later content; between two of one version, any rule will do that asks for nobody's order."""
    return _order(story.versions[-1]), (story.url or "", story.source, story.language or "")


def _event_order(story: Story) -> tuple[bool, str, str]:
    """A story that was found to be told by others before stays with them."""
    return story.duplicate_of is not None, story.duplicate_of or "", story.event_id


def _united(some: tuple[Version, ...], others: tuple[Version, ...]) -> tuple[Version, ...]:
    latest: dict[str, Version] = {}
    for version in sorted((*some, *others), key=_order):
        latest[version.id] = version
    kept = sorted(latest.values(), key=_order)[-MOST_VERSIONS:]
    return (kept[0]._replace(changed=()), *(after._replace(changed=_changed(before, after)) for before, after in pairwise(kept)))


def _changed(before: Version, after: Version) -> tuple[Field, ...]:
    title: tuple[Field, ...] = ("title",) if before.id[:_HALF] != after.id[:_HALF] else ()
    text: tuple[Field, ...] = ("text",) if before.id[_HALF:] != after.id[_HALF:] else ()
    return title + text
