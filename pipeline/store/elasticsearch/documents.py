"""A story as a document: what people and Kibana may read, what it is searched by, and the rest of it in one packed field. Pure.

`source` fields are kept; those of `indices.DERIVED` are only indexed, and made again from the story wherever it is written again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from pipeline.model import ReadStory, Story
from pipeline.store.codec import encode
from pipeline.store.elasticsearch.bytes64 import compressed, unpacked
from pipeline.store.terms import Term, terms
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
        "terms": [keyword(term) for term in terms(read)],
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


def keyword(term: Term) -> str:
    """A term as it is indexed; one that is too long for an index is told by its hash."""
    text = f"{term.kind}:{term.value}"
    if len(text) <= _LONGEST_TERM:
        return text
    return f"{term.kind}#{hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
