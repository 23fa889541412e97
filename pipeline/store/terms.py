"""What a story is filtered by: one term for each of its source, feeds, entities, pairs, topics and so on. Pure.

A store keeps a story's terms beside its words and looks them up; it never takes a story apart to filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Literal, NamedTuple

from pipeline.config.problems import without_user_info
from pipeline.model import ReadStory
from pipeline.store.words import name

TermKind = Literal["entity", "pair", "topic", "source", "feed", "language", "event", "watch", "is", "original"]

_PARTS = re.compile(r", | and ")


class Term(NamedTuple):
    """What is filtered by, in the one form it is compared in; also a query by itself."""

    kind: TermKind
    value: str


STORY = Term("is", "story")
"""What every story is."""
ORIGINAL = Term("is", "original")
DUPLICATE = Term("is", "duplicate")


def entity(known_as: str) -> Term:
    """An entity by its name or key."""
    return Term("entity", _handle(known_as))


def pair(a: str, b: str) -> Term:
    """A pair by the names of its entities or the configuration's keys for them, in either order."""
    return Term("pair", "|".join(sorted((_handle(a), _handle(b)))))


@lru_cache(maxsize=4_096)
def topic(known_as: str) -> Term:
    """A topic by its code, its name, or a part of that between commas and "and": `economy`."""
    return Term("topic", _handle(known_as))


@lru_cache(maxsize=4_096)
def source(domain: str) -> Term:
    """A publisher by its domain."""
    return Term("source", domain.casefold())


def feed(url: str) -> Term:
    """A feed by its URL, with or without the password that it is configured with."""
    return Term("feed", without_user_info(url))


@lru_cache(maxsize=4_096)
def language(code: str) -> Term:
    """A language by its code (BCP 47), also by the part of it before the first hyphen."""
    return Term("language", code.casefold())


def event(event_id: str) -> Term:
    """The stories of an event."""
    return Term("event", event_id)


def original(story_id: str) -> Term:
    """The duplicates of a story."""
    return Term("original", story_id)


def watch(watch_name: str) -> Term:
    """The stories that a watch matches, told or not."""
    return Term("watch", watch_name.casefold())


def terms(read: ReadStory) -> tuple[Term, ...]:
    """All terms of a story, each once."""
    pairs_of_it = (Term("pair", value) for value in pairs(read))
    return tuple(dict.fromkeys((*beside_names(read), *entities(read), *pairs_of_it)))


def entities(read: ReadStory) -> Iterator[Term]:
    """The terms of a story's entities, two each."""
    return chain.from_iterable(of_entity(known.name, known.key) for known in read.reading.entities)


@lru_cache(maxsize=16_384)
def of_entity(known_as: str, key: str) -> tuple[Term, Term]:
    """The terms of an entity: its name and its key."""
    return entity(known_as), entity(key)


def pairs(read: ReadStory) -> tuple[str, ...]:
    """The values of a story's terms for its pairs, each once: as many as all others, and no other story's."""
    handles = {known.key: _handles(known.name, known.key) for known in read.reading.entities}
    found = [f"{a}|{b}" if a < b else f"{b}|{a}" for met in read.reading.pairs for a in handles[met.a] for b in handles[met.b]]
    return tuple(dict.fromkeys(found))


def beside_names(read: ReadStory) -> Iterator[Term]:
    """The terms of a story but those of its entities and pairs."""
    story, reading = read.story, read.reading
    yield STORY
    yield DUPLICATE if story.duplicate_of else ORIGINAL
    if story.duplicate_of:
        yield original(story.duplicate_of)
    yield source(story.source)
    yield event(story.event_id)
    yield from map(feed, story.feeds)
    yield from map(watch, read.watches)
    for code in filter(None, (reading.language, None if _differ(reading.language, story.language) else story.language)):
        yield language(code)
        yield language(code.partition("-")[0])
    for scored in reading.topics:
        yield topic(scored.code)
        yield topic(scored.name)
        yield from map(topic, _PARTS.split(scored.name))


def _differ(detected: str | None, declared: str | None) -> bool:
    """Whether a feed declares another language than its words are in: it is its software's default."""
    return bool(detected and declared) and detected != (declared or "").partition("-")[0].casefold()


@lru_cache(maxsize=16_384)
def _handles(known_as: str, key: str) -> tuple[str, ...]:
    """What an entity of a pair is asked for by: its name, and the configuration's key for it (others have a colon)."""
    return (_handle(known_as),) if ":" in key else (_handle(known_as), _handle(key))


def _handle(known_as: str) -> str:
    """A key with a colon (`medtop:04000000`) as it is, a name folded."""
    return known_as.casefold() if ":" in known_as else name(known_as)
