"""A story as a document: what people and Kibana may read, what it is searched by, and the rest of it in one packed field. Pure.

`source` fields are kept; those of `indices.DERIVED` are only indexed, and made again from the story wherever it is written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pipeline.model import ReadStory, Story
from pipeline.store import terms
from pipeline.store.codec import encode
from pipeline.store.elasticsearch.bytes64 import compressed, unpacked
from pipeline.store.terms import Term, TermKind
from pipeline.store.words import spelled

_LONGEST_TERM = 512


def document(read: ReadStory) -> dict[str, Any]:
    """The document of a story, at the revision it has."""
    story, reading = read.story, read.reading
    names = {entity.key: entity.name for entity in reading.entities}
    rest = _rest(read)
    return {
        "title": story.title,
        "text": story.text,
        "url": story.url,
        "source": story.source,
        "published_at": story.published_at.isoformat(),
        "story_id": story.id,
        "event": story.event_id,
        "second": int(story.published_at.timestamp() // 1),
        "day": f"{story.published_at:%Y-%m-%d}",
        "revision": read.revision,
        "digest": _digest(story, rest),
        "rest": compressed(rest),
        "title_words": spelled(story.title),
        "text_words": spelled(story.text),
        "terms": list(dict.fromkeys(_keywords(read))),
        "entity_names": list(names.values()),
        "pair_names": [" + ".join(sorted((names[pair.a], names[pair.b]))) for pair in reading.pairs],
        "topic_names": [topic.name for topic in reading.topics],
    }


def read_story(source: Mapping[str, Any]) -> ReadStory:
    """The story of a document."""
    rest = unpacked(source["rest"], ReadStory)
    return rest._replace(story=rest.story._replace(title=source["title"], text=source["text"]), revision=source["revision"])


def digest(read: ReadStory) -> str:
    """What two writes of the same content share."""
    return _digest(read.story, _rest(read))


def _rest(read: ReadStory) -> bytes:
    """What a document keeps of a story beside its words."""
    return encode(read._replace(story=read.story._replace(title="", text=""), revision=0))


def _digest(story: Story, rest: bytes) -> str:
    words = encode((story.title, story.text))
    return hashlib.blake2b(words + rest, digest_size=12).hexdigest()


def _keywords(read: ReadStory) -> Iterator[str]:
    """The terms of a story as they are indexed."""
    yield from map(keyword, terms.beside_names(read))
    for known in read.reading.entities:
        yield from _of_entity(known.name, known.key)
    for pair in terms.pairs(read):
        yield _keyword("pair", pair)


@lru_cache(maxsize=16_384)
def _of_entity(name: str, key: str) -> tuple[str, ...]:
    return tuple(map(keyword, terms.of_entity(name, key)))


def keyword(term: Term) -> str:
    """A term as it is indexed; one that is too long for an index is told by its hash."""
    return _keyword(term.kind, term.value)


def _keyword(kind: TermKind, value: str) -> str:
    text = f"{kind}:{value}"
    if len(text) <= _LONGEST_TERM:
        return text
    return f"{kind}#{hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
