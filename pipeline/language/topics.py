"""What a story is about: subjects of the IPTC Media Topics, by a lexicon and by what the story's words are like.

The lexicon (`lexicon.py`) is sure where it knows a word. Beside it, the mean of the vectors of the story's words (`vectors.py`) is
held against prototype headlines of each subject (`data/topic_prototypes.tsv`). Nothing is learnt from any text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from pipeline.language.lexicon import Lexicon, lexicon, spoken
from pipeline.language.tables import rows
from pipeline.language.tokens import StoryTokens, tokens
from pipeline.language.vectors import Vectors, vectors
from pipeline.model import TopicScore

if TYPE_CHECKING:
    from pipeline.language.vectors import Vector

_COMPARED_AT_MOST = 300
"""Tokens of a text whose vectors are compared."""
_MOST_TOPICS = 4
_TITLE_WEIGHT = 2
"""What a word of the title counts for."""
_LOUDEST = 6
_LOUDNESS = [math.sqrt(times) for times in range(_LOUDEST + 1)]
"""Of a word that is said so many times."""
_ENOUGH = 6.0
"""What the words of the lexicon must say together to count for as much as they can: two loud words."""
_NEAREST = 4
"""Prototypes of a subject that speak for it."""
_NO_LENGTH = 1e-9
_LIKENESS_WEIGHT = 2.0
_LEAST_STRENGTH = 0.3
_LEAST_SHARE = 0.6
"""Of the first subject's strength: what a further subject must reach to be given."""
_LEAST_BELOW = 5.0
"""What speaks for a subject of the second level where it is given: two of its words."""
_LEAST_SHARE_BELOW = 0.5
"""Of all that speaks for any subject below the same top."""


def topics(told: StoryTokens) -> tuple[TopicScore, ...]:
    """The subjects a story would be filed under, surest first, scores in 0..1; none where nothing speaks for any.

    Up to four top subjects, and of the first of them the subject below it where that is sure.
    """
    known = lexicon()
    heard = spoken(told.lower, told.counts, known)
    title = told.lower[told.title_at :]
    for word in spoken(title, dict.fromkeys(title, 1), known):
        heard[word] += _TITLE_WEIGHT - 1
    sums = [0.0] * len(known.codes)
    for word, times in heard.items():
        loud = _LOUDNESS[min(times, _LOUDEST)]
        for subject, weight in known.words[word].subjects:
            sums[subject] += weight * loud
    found = _chosen(strengths(sums[: known.tops], likeness(told)), known)
    if not found:
        return ()
    below = _below(known.codes.index(found[0].code), sums, found[0].score, known)
    return (*found, below) if below else found


def likeness(told: StoryTokens) -> list[float] | None:
    """How like each top subject's prototypes a story is, the mean cosine of the nearest few; None where no vector tells."""
    prototypes = _prototypes()
    if prototypes is None:
        return None
    title, text = told.lower[told.title_at :], told.lower[: min(told.title_at, _COMPARED_AT_MOST)]
    mean = prototypes.known.mean(title * _TITLE_WEIGHT + text)
    return None if mean is None else prototypes.likeness(mean)


def strengths(sums: Sequence[float], like: Sequence[float] | None) -> list[float]:
    """How much speaks for each top subject: its share of what the words of the lexicon say (`sums`), and what the story is like."""
    total = sum(sums) + _ENOUGH
    if like is None:
        return [_LIKENESS_WEIGHT * said / total for said in sums]
    return [said / total + _LIKENESS_WEIGHT * alike for said, alike in zip(sums, like, strict=True)]


def _below(top: int, sums: list[float], score: float, known: Lexicon) -> TopicScore | None:
    """The subject of the second level that most of what speaks for any below `top` speaks for."""
    under = [subject for subject in range(known.tops, len(sums)) if sums[subject] > 0 and known.parent[subject] == top]
    if not under:
        return None
    best = max(under, key=sums.__getitem__)
    share = sums[best] / sum(sums[subject] for subject in under)
    if sums[best] < _LEAST_BELOW or share < _LEAST_SHARE_BELOW:
        return None
    return TopicScore(known.codes[best], known.names[best], round(score * share, 3))


def _chosen(strong: Sequence[float], known: Lexicon) -> tuple[TopicScore, ...]:
    least = max(_LEAST_STRENGTH, _LEAST_SHARE * max(strong))
    given = sorted((subject for subject, strength in enumerate(strong) if strength >= least), key=lambda subject: -strong[subject])
    return tuple(
        TopicScore(known.codes[subject], known.names[subject], round(strong[subject] / (strong[subject] + 1), 3))
        for subject in given[:_MOST_TOPICS]
    )


class _Prototypes:
    """The prototype headlines of the top subjects, as vectors of length one around their middle."""

    def __init__(self, known: Vectors, found: Sequence[tuple[int, Vector]]) -> None:
        import numpy as np

        self.known = known
        raw = np.array([vector for _, vector in found])
        self._middle = raw.mean(0)
        owners = [owner for owner, _ in found]
        each = max(map(owners.count, owners))
        near = np.zeros((max(owners) + 1, each, raw.shape[1]), np.float32)
        for owner in set(owners):
            mine = _normed(raw[[other == owner for other in owners]] - self._middle)
            near[owner, : len(mine)] = mine
        self._vectors = near.reshape(-1, raw.shape[1])
        """As many rows for each subject; those it does not need are zeros, and as far as can be."""
        self._far = np.where(near.any(2), 0.0, -1.0).astype(np.float32)

    def likeness(self, mean: Vector) -> list[float]:
        """The mean cosine of `mean` to the nearest prototypes of each subject."""
        away = mean - self._middle
        length = max(math.sqrt(away @ away), _NO_LENGTH)
        near = (self._vectors @ (away / length)).reshape(self._far.shape) + self._far
        near.partition(-_NEAREST, axis=1)
        nearest: list[float] = (near[:, -_NEAREST:].sum(1) / _NEAREST).tolist()
        return nearest


def _normed(rows: Vector) -> Vector:
    import numpy as np

    normed: Vector = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _NO_LENGTH)
    return normed


@cache
def _prototypes() -> _Prototypes | None:
    """The prototypes, read once a process; None without the table of vectors."""
    known = vectors()
    if known is None:
        return None
    index = {code: at for at, code in enumerate(lexicon().codes)}
    found = [
        (index[code], vector)
        for code, cell in rows("topic_prototypes.tsv")
        for prototype in cell.split("|")
        if (vector := known.mean(tokens(prototype.lower()))) is not None
    ]
    return _Prototypes(known, found)
