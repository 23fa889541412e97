"""Who meets whom in a story: the pairs of entities that stand in one sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from pipeline.model import Entity, Pair

MOST_ENTITIES = 40
"""Of a story, that are paired."""
MOST_IN_SENTENCE = 12
"""Of a sentence, that are paired: a longer one is a list, and would make hundreds of pairs."""


def pairs(entities: Sequence[Entity], places: Iterable[tuple[str, int]], watched: Collection[str] = ()) -> tuple[Pair, ...]:
    """The pairs among `entities`, the most frequent first, then the first to meet.

    `places` are the mentions in order, each an entity's key and the index of its sentence. Where there are more entities than are
    paired, the `watched` ones stay, and of the others those that come first in `entities`.
    """
    order = sorted((entity.key for entity in entities), key=lambda key: key not in watched)[:MOST_ENTITIES]
    rank = {key: at for at, key in enumerate(order)}
    first: dict[str, int] = {}
    together: dict[int, dict[str, None]] = {}
    for at, (key, sentence) in enumerate(places):
        if key in rank:
            first.setdefault(key, at)
            together.setdefault(sentence, {})[key] = None
    meetings: dict[tuple[str, str], list[int]] = {}
    for sentence, keys in together.items():
        for a, b in combinations(_kept(keys, rank), 2):
            meetings.setdefault((a, b) if first[a] < first[b] else (b, a), []).append(sentence)
    return tuple(Pair(a, b, len(found), tuple(found)) for (a, b), found in sorted(meetings.items(), key=lambda item: -len(item[1])))


def _kept(keys: Collection[str], rank: dict[str, int]) -> Collection[str]:
    return keys if len(keys) <= MOST_IN_SENTENCE else sorted(keys, key=rank.__getitem__)[:MOST_IN_SENTENCE]
