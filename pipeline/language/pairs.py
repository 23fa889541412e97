"""Who meets whom in a story: entities that stand in one sentence, in one paragraph, or only in one story."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain, combinations
from typing import NamedTuple

from pipeline.model import Entity, Mention, Pair, Sentence

MOST_ENTITIES = 40
"""Of a story, that are paired."""
MOST_IN_SENTENCE = 12
"""Of a sentence or paragraph, that are paired: a longer one is a list, and would make hundreds of pairs."""
MOST_APART = 30
"""Pairs that never meet in a sentence: those of one paragraph first, then of the entities a story is most about."""
MOST_COMPARED = 50
"""Mentions of an entity that are measured against another's for the closest two."""


class Met(NamedTuple):
    """The pairs of a story."""

    pairs: tuple[Pair, ...]
    """Those that meet in a sentence or more, the most frequent first, then the first to meet."""
    apart: tuple[Pair, ...]
    """Those that never do: first those that share a paragraph, the closest first."""


def pairs(
    entities: Sequence[Entity],
    mentions: Sequence[Mention],
    sentences: Sequence[Sentence],
    watched: Collection[str] = (),
    silent: Collection[int] = (),
) -> Met:
    """The pairs among `entities` by their `mentions`, in order; those of the indices `silent` make nobody meet (`furniture.py`).

    Where there are more entities than are paired, the `watched` ones stay, and of the others those that come first in `entities`.
    """
    order = sorted((entity.key for entity in entities), key=lambda key: key not in watched)[:MOST_ENTITIES]
    rank = {key: at for at, key in enumerate(order)}
    places: dict[str, list[int]] = {}
    for at, mention in enumerate(mentions):
        if mention.entity in rank and at not in silent:
            places.setdefault(mention.entity, []).append(at)
    first = {key: found[0] for key, found in places.items()}
    near = {key: found[:MOST_COMPARED] for key, found in places.items()}
    in_sentences: dict[int, dict[str, None]] = {}
    in_paragraphs: dict[int, dict[str, None]] = {}
    for at in sorted(chain.from_iterable(places.values())):
        mention = mentions[at]
        in_sentences.setdefault(mention.sentence, {})[mention.entity] = None
        in_paragraphs.setdefault(sentences[mention.sentence].paragraph, {})[mention.entity] = None
    together = _meetings(in_sentences, rank, first)
    nearby = _meetings(in_paragraphs, rank, first)
    met = [
        _pair(key, found, nearby.get(key, ()), mentions, near)
        for key, found in sorted(together.items(), key=lambda item: -len(item[1]))
    ]
    return Met(tuple(met), _apart(together, nearby, mentions, near, [key for key in order if key in first], first))


def _meetings(
    inside: Mapping[int, Collection[str]], rank: dict[str, int], first: dict[str, int]
) -> dict[tuple[str, str], list[int]]:
    """The numbers of the sentences (or paragraphs) in which each two of those `inside` meet; who is mentioned first is first."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, keys in inside.items():
        if len(keys) > 1:
            for a, b in combinations(_kept(keys, rank), 2):
                key = (a, b) if first[a] < first[b] else (b, a)
                if key in found:
                    found[key].append(number)
                else:
                    found[key] = [number]
    return found


def _kept(keys: Collection[str], rank: dict[str, int]) -> Collection[str]:
    return keys if len(keys) <= MOST_IN_SENTENCE else sorted(keys, key=rank.__getitem__)[:MOST_IN_SENTENCE]


def _apart(
    together: Collection[tuple[str, str]],
    nearby: dict[tuple[str, str], list[int]],
    mentions: Sequence[Mention],
    near: dict[str, list[int]],
    order: Sequence[str],
    first: dict[str, int],
) -> tuple[Pair, ...]:
    wanted = [key for key in nearby if key not in together][:MOST_APART]
    for a, b in combinations(order[:MOST_IN_SENTENCE], 2):
        if len(wanted) >= MOST_APART:
            break
        key = (a, b) if first[a] < first[b] else (b, a)
        if key not in together and key not in nearby:
            wanted.append(key)
    found = [_pair(key, (), nearby.get(key, ()), mentions, near) for key in wanted]
    return tuple(sorted(found, key=lambda pair: (not pair.paragraphs, pair.distance is None, pair.distance)))


def _pair(
    key: tuple[str, str],
    sentences: Sequence[int],
    paragraphs: Sequence[int],
    mentions: Sequence[Mention],
    near: dict[str, list[int]],
) -> Pair:
    a, b = key
    distance, nearest = _closest(near[a], near[b], mentions)
    return Pair(a, b, len(sentences), tuple(sentences), len(paragraphs), distance, nearest)


def _closest(ours: Sequence[int], theirs: Sequence[int], mentions: Sequence[Mention]) -> tuple[int | None, tuple[int, ...]]:
    """The fewest characters between a mention of one and of the other in one field, and which two: one walk through both."""
    best: int | None = None
    nearest: tuple[int, ...] = ()
    a = b = 0
    most_a, most_b = len(ours), len(theirs)
    while a < most_a and b < most_b:
        if ours[a] < theirs[b]:
            left, right = ours[a], theirs[b]
            a += 1
        else:
            left, right = theirs[b], ours[a]
            b += 1
        before, after = mentions[left], mentions[right]
        if before.field == after.field and (best is None or after.start - before.end < best):
            best, nearest = after.start - before.end, (left, right)
    return best, nearest
