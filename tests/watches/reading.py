"""Stories with a reading, written by hand: `[Elon Musk|musk]` names an entity, each sentence ends with a full stop."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from pipeline.model import Entity, Field, Mention, Reading, Sentence, Story, Version, Within

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
_NAMED = re.compile(r"\[([^|\]]+)\|(\w+)\]")


class Watching(NamedTuple):
    """A watch as it is configured."""

    name: str
    all: tuple[str, ...]
    within: Within = "sentence"
    alert: tuple[str, ...] = ()


def read(title: str, *paragraphs: str) -> tuple[Story, Reading]:
    """The story that the words tell, and what is named in it."""
    sentences: list[Sentence] = []
    mentions: list[Mention] = []
    plain = [_add("title", title, 0, 0, sentences, mentions)]
    start = 0
    for number, paragraph in enumerate(paragraphs, 1):
        plain.append(_add("text", paragraph, number, start, sentences, mentions))
        start += len(plain[-1]) + 1
    counts = {
        key: sum(mention.entity == key for mention in mentions) for key in dict.fromkeys(mention.entity for mention in mentions)
    }
    names = {mention.entity: mention.text for mention in reversed(mentions)}
    entities = tuple(Entity(key, names[key], "person", count) for key, count in counts.items())
    story = Story(
        id="s",
        title=plain[0],
        text="\n".join(plain[1:]),
        url=None,
        source="example.org",
        feeds=("f",),
        language=None,
        published_at=NOON,
        first_seen_at=NOON,
        versions=(Version("v", NOON, NOON, plain[0]),),
        event_id="e",
        ref="r",
    )
    return story, Reading("v", tuple(sentences), tuple(mentions), entities)


def _add(field: Field, marked: str, paragraph: int, start: int, sentences: list[Sentence], mentions: list[Mention]) -> str:
    plain = ""
    for piece in re.findall(r"[^.]+\.?", marked):
        begin = start + len(plain) + len(piece) - len(piece.lstrip())
        at = 0
        for named in _NAMED.finditer(piece):
            plain += piece[at : named.start()]
            mentions.append(
                Mention(field, start + len(plain), start + len(plain) + len(named[1]), "PERSON", named[1], named[2], len(sentences))
            )
            plain += named[1]
            at = named.end()
        plain += piece[at:]
        sentences.append(Sentence(field, begin, start + len(plain), paragraph))
    return plain
