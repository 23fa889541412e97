"""What a story is about, as numbers: its terms with their counts, what each says, and how alike two stories are. No I/O.

A term is a word without its ending, as a slot of 2^18: two words in one slot happen and hardly matter. How much a term says is how
rare it is, by a background of English (`data/common_words.tsv`) and the stories of late together (TF-IDF, cosine). A person whom a
story names is a term too, beside the words that name them: by whatever name, and told from others of that name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from pipeline.store.words import WordNumbers, words

_WORDS, _PERSONS = 2**18, 2**17
SLOTS = _WORDS + _PERSONS
MOST_TELLING = 20
"""Terms that a story is found by."""
BACKGROUND_STORIES = 3_800
"""How many stories the background counts as, against those of late."""

_LONGEST = 2_000
"""Distinct words of a story that count: a long read has 1,500."""
_LEAST_WEIGHT = 0.05
_PERSON = 0.5
"""What a person says, against a word as rare: its names are words already."""
_RAREST_PERSON = 5.0
"""No background says which persons are rare: one that nobody has seen counts as one in 150 stories."""
_COUNT_BITS = 8
_MOST_COUNTED = 255
_NOWHERE = -1
_NOBODY: Mapping[str, int] = {}

Floats = npt.NDArray[np.float32]
Packed = npt.NDArray[np.uint32]


def packed_terms(title: str, text: str, persons: Mapping[str, int] = _NOBODY) -> bytes:
    """The terms of a story with their counts, four bytes each, in order: a slot and up to 255.

    `persons` are the entities' keys, with how often each is named.
    """
    found = [*words(title), *words(text)]
    slots = np.fromiter(map(_SLOTS.__getitem__, found), np.int64, len(found))
    terms, counts = np.unique(slots[slots != _NOWHERE], return_counts=True)
    if len(terms) > _LONGEST:
        commonest = np.sort(np.argsort(-counts, kind="stable")[:_LONGEST])
        terms, counts = terms[commonest], counts[commonest]
    named = sorted({_person(key): count for key, count in persons.items()}.items())
    terms = np.concatenate([terms, np.array([person for person, _ in named], np.int64)])
    counts = np.concatenate([counts, np.array([count for _, count in named], np.int64)])
    return (terms << _COUNT_BITS | np.minimum(counts, _MOST_COUNTED)).astype("<u4").tobytes()


def slots(packed: bytes) -> Packed:
    """The terms of a story, in order."""
    terms: Packed = np.frombuffer(packed, dtype="<u4") >> np.uint32(_COUNT_BITS)
    return terms


def _slot(word: str) -> int:
    """Where a word counts; nowhere where it says nothing."""
    if word in _stop_words() or (len(word) < 2 and word.isascii()):
        return _NOWHERE
    return _place(stem(word))


_SLOTS = WordNumbers(_slot)


def _place(term: str, places: int = _WORDS) -> int:
    return int.from_bytes(hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=4).digest()) % places


def _person(key: str) -> int:
    """Where a person counts: behind the words."""
    return _WORDS + _place(key, _PERSONS)


def stem(word: str) -> str:
    """A word without the endings that English gives one word in many forms; lightly: what is uncertain stays."""
    if len(word) <= 4 or not word.isascii():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("sses"):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            word = word[:-1] if word[-1] == word[-2] and word[-1] not in "ls" else word
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


class Rarity:
    """How much each term says. Counts stories as they come; what it says changes only when it is asked to
    `refresh`. Not for several threads."""

    def __init__(self) -> None:
        self._counts = _background().copy()
        self._stories = float(BACKGROUND_STORIES)
        self._laid = np.zeros(SLOTS, dtype=np.float32)
        self.refresh()

    def count(self, packed: bytes) -> None:
        """Count a story."""
        self._counts[slots(packed)] += 1
        self._stories += 1

    def refresh(self) -> None:
        """Let what was counted since count."""
        self._says: Floats = np.maximum(np.log((self._stories + 1) / (self._counts + 0.5)), _LEAST_WEIGHT).astype(np.float32)
        self._says[_WORDS:] = _PERSON * np.minimum(self._says[_WORDS:], _RAREST_PERSON)

    def weights(self, packed: bytes) -> Floats:
        """How much each term of a story says of it, in its order; a vector of length one."""
        both = _indices(packed)
        found: Floats = _TIMES.take(both & _MOST_COUNTED) * self._says.take(both >> _COUNT_BITS)
        return found / max(float(np.sqrt(found @ found)), 1e-9)

    def alike(self, packed: bytes, others: Sequence[bytes]) -> Floats:
        """The cosine of a story with each of `others`: its weights are laid out once, and read where the others have terms."""
        sizes = np.array([len(other) // 4 for other in others], dtype=np.intp)
        both = _indices(b"".join(others))
        at = both >> _COUNT_BITS
        weights = _TIMES.take(both & _MOST_COUNTED) * self._says.take(at)
        terms = slots(packed)
        self._laid[terms] = self.weights(packed)
        products = self._laid.take(at) * weights
        self._laid[terms] = 0
        lengths = np.sqrt(_sums(weights * weights, sizes))
        return np.divide(_sums(products, sizes), np.maximum(lengths, 1e-9), dtype=np.float32)

    def asked(self, terms: Sequence[int]) -> dict[int, int]:
        """How much each of `terms` weighs where others are looked for that have it."""
        return {term: max(1, round(1_000 * float(self._says[term]))) for term in terms}


def _indices(packed: bytes) -> npt.NDArray[np.intp]:
    """Terms with their counts, as what numpy indexes by: any other type it converts each time."""
    return np.frombuffer(packed, dtype="<u4").astype(np.intp)


def _sums(values: Floats, sizes: npt.NDArray[np.intp]) -> Floats:
    """The sum of each stretch of `values`, so many at a time; an empty one is 0."""
    found: Floats = np.zeros(len(sizes), dtype=np.float32)
    is_filled = sizes > 0
    if is_filled.any():
        found[is_filled] = np.add.reduceat(values, (np.cumsum(sizes) - sizes)[is_filled])
    return found


_TIMES = (1 + np.log(np.maximum(np.arange(_MOST_COUNTED + 1), 1))).astype(np.float32)


def telling(packed: bytes) -> tuple[int, ...]:
    """The terms that say most of a story by the background alone, the most telling first: the same whatever came before it."""
    weights, terms = _by_background().weights(packed), slots(packed)
    return tuple(int(term) for term in terms[np.argsort(-weights, kind="stable")[:MOST_TELLING]])


@cache
def _by_background() -> Rarity:
    return Rarity()


@cache
def _background() -> npt.NDArray[np.float32]:
    """In how many of `BACKGROUND_STORIES` stories each term is."""
    counts = np.zeros(SLOTS, dtype=np.float32)
    for rarity, terms in _rows():
        for term in terms:
            counts[_place(term)] += BACKGROUND_STORIES * 2 ** (-rarity / 10)
    return counts


@cache
def _stop_words() -> frozenset[str]:
    return frozenset(word for line in _lines("stop_words.txt") for word in line.split())


def _rows() -> Iterable[tuple[int, list[str]]]:
    for line in _lines("common_words.tsv"):
        rarity, _, terms = line.partition("\t")
        yield int(rarity), terms.split()


def _lines(table: str) -> list[str]:
    lines = (files("pipeline.stories") / "data" / table).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]
