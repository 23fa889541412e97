"""Why a watch fires on a story, or what was missing: for the person who tries a watch out. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.model import Evidence, Reading, Story, Within
from pipeline.watches.match import Watch, evidence, meeting_place, sentences_naming

_WIDER: tuple[Within, ...] = ("sentence", "paragraph", "story")
_MOST_FORMS = 3
"""Of an entity, the wordings that are quoted."""


class FoundEntity(NamedTuple):
    """An entity of the watch that the story names."""

    key: str
    name: str
    texts: tuple[str, ...]
    """How it is worded, each once, in order."""
    mentions: int
    """How often it is named."""


class Explanation(NamedTuple):
    """What a watch made of a story."""

    watch: str
    fired: bool
    reason: str
    """In words, a sentence or two."""
    found: tuple[FoundEntity, ...]
    """In the order of the watch."""
    missing: tuple[str, ...]
    """Keys."""
    evidence: tuple[Evidence, ...]
    """The proof where it fired; else, where all are named, where they come nearest."""


def explain(watch: Watch, story: Story, reading: Reading) -> Explanation:
    """Why `watch` fires on `story`, or how near it comes. `reading` is of the story's current version."""
    keys = tuple(dict.fromkeys(watch.all))
    named = sentences_naming(reading)
    found = tuple(_found(key, reading) for key in keys if key in named)
    missing = tuple(key for key in keys if key not in named)
    place = meeting_place(keys, watch.within, named, reading.sentences)
    near = place or (() if missing else _nearest(keys, named))
    return Explanation(
        watch=watch.name,
        fired=bool(place),
        reason=_reason(watch, named, reading, found, missing, near, fired=bool(place)),
        found=found,
        missing=missing,
        evidence=tuple(evidence(story, reading.sentences[at]) for at in near),
    )


def _found(key: str, reading: Reading) -> FoundEntity:
    texts = [mention.text for mention in reading.mentions if mention.entity == key]
    name = next((entity.name for entity in reading.entities if entity.key == key), texts[0])
    return FoundEntity(key, name, tuple(dict.fromkeys(texts)), len(texts))


def _reason(
    watch: Watch,
    named: Mapping[str, Sequence[int]],
    reading: Reading,
    found: Sequence[FoundEntity],
    missing: Sequence[str],
    near: Sequence[int],
    *,
    fired: bool,
) -> str:
    if not watch.all:
        return "The watch names no entity, so that no story fires it."
    if fired:
        return f"{_listed(found)} {_are(found)} named in {_where(watch.within)}."
    if missing:
        there = f" {_listed(found)} {_are(found)}." if found else ""
        return f"{_joined(list(missing))} {'is' if len(missing) == 1 else 'are'} not named in the story.{there}"
    enough = next(within for within in _WIDER if meeting_place(watch.all, within, named, reading.sentences))
    all_of_them = "Both" if len(found) == 2 else f"All {len(found)}"
    apart = near[-1] - near[0] if near else 0
    distance = f"; they come nearest {apart} {'sentence' if apart == 1 else 'sentences'} apart" if apart else ""
    return f"{all_of_them} are in the story, but never in {_where(watch.within)}{distance}; within: {enough} would fire."


def _where(within: Within) -> str:
    return "the story" if within == "story" else f"one {within}"


def _listed(found: Sequence[FoundEntity]) -> str:
    return _joined([f"{entity.name} ({', '.join(_quoted(entity))})" for entity in found])


def _quoted(entity: FoundEntity) -> Iterator[str]:
    yield from (f"“{text}”" for text in entity.texts[:_MOST_FORMS])
    if len(entity.texts) > _MOST_FORMS:
        yield "…"


def _are(found: Sequence[FoundEntity]) -> str:
    return "is" if len(found) == 1 else "are"


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _nearest(keys: Sequence[str], named: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
    """The indices of the sentences of the shortest stretch that names all of `keys`, the first of such; those that name any.

    The title counts as the sentence before the text. One pass over a window that slides through the mentions.
    """
    places = sorted((at, key) for key in keys for at in named[key])
    counts = dict.fromkeys(keys, 0)
    best: list[tuple[int, str]] = []
    first = 0
    for last, (at, key) in enumerate(places):
        counts[key] += 1
        while counts[places[first][1]] > 1:
            counts[places[first][1]] -= 1
            first += 1
        if all(counts.values()) and (not best or at - places[first][0] < best[-1][0] - best[0][0]):
            best = places[first : last + 1]
    return tuple(sorted({at for at, _ in best}))
