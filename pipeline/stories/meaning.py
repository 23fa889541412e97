"""How alike two stories are by what they mean: a quarter of the whole where a sentence encoder has read both. No I/O.

An encoder says of a story 384 numbers, and stories that tell one thing in other words point the same way. On its own that tells
happenings apart worse than words do; beside them it finds what shares few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.stories.likeness import Floats

Encode = Callable[[str, str], bytes]
"""What a story means, by its title and text: as `packed` has it, or nothing (b"") where it cannot tell."""

SHARE = 0.25
"""Of how alike two stories are, what they mean; the rest are their words."""
_NOTHING, _SCALE = 0.2, 0.6
"""From the cosine of two meanings to the scale of words, so that the threshold and the limits of crowding stay: the cosine that
counts for nothing (stories with nothing in common have .1, the neighbours that make a crowd .3), and what the rest is worth."""
_LARGEST = 127

_A = TypeVar("_A", float, Floats)


def packed(vector: npt.NDArray[np.floating]) -> bytes:
    """A vector of any length as whole numbers from -127 to 127, a byte each: only where it points is kept."""
    whole: npt.NDArray[np.int8] = np.rint(vector * (_LARGEST / max(float(np.abs(vector).max()), 1e-9))).astype(np.int8)
    return whole.tobytes()


def direction(meaning: bytes) -> Floats:
    """A meaning as a vector of length one."""
    vector = np.frombuffer(meaning, dtype=np.int8).astype(np.float32)
    return vector / np.float32(max(float(np.sqrt(vector @ vector)), 1e-9))


def with_meaning(words: _A, cosine: _A) -> _A:
    """How alike stories are, by their words (TF-IDF) and the cosine of their meanings; of averages over pairs, the average."""
    return (1 - SHARE) * words + SHARE * _SCALE * (cosine - _NOTHING)


def with_meanings(words: Floats, meaning: bytes, others: Sequence[bytes]) -> Floats:
    """How alike a story is to each of `others`, by words alone where it or the other has no meaning."""
    meant = [at for at, other in enumerate(others) if other] if meaning else []
    if not meant:
        return words
    found = words.copy()
    found[meant] = with_meaning(words[meant], np.stack([direction(others[at]) for at in meant]) @ direction(meaning))
    return found
