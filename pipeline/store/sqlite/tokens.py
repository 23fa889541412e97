"""A story's terms as words of the full-text index, so that every filter is a posting list of the same MATCH.

At a million stories, side tables for entities and pairs made indexing three times slower; tokens did not. A token is a letter for
what it filters by and 55 bits of a hash, which no word of a text looks like: of twenty million pairs hardly two share one.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from pipeline.model import ReadStory
from pipeline.store import terms
from pipeline.store.terms import Term, TermKind

_LETTERS: dict[TermKind, str] = {
    "entity": "e", "pair": "p", "topic": "t", "source": "s", "feed": "f", "language": "l", "event": "v", "watch": "w", "is": "i",
    "original": "o",
}  # fmt: skip


# FTS5 looks at letters and digits without case: each of the eleven is worth five bits.
_ALPHANUMERIC = bytes.maketrans(b"+/", b"xy")


def token(term: Term) -> str:
    """The word that stands for `term`."""
    return _tokens(_LETTERS[term.kind], [term.value])[0]


def tokens(read: ReadStory) -> str:
    """All tokens of a story, separated by blanks."""
    entities = chain.from_iterable(_of_entity(known.name, known.key) for known in read.reading.entities)
    pairs = _tokens(_LETTERS["pair"], terms.pairs(read))
    return " ".join(dict.fromkeys((*map(_remembered, terms.beside_names(read)), *entities, *pairs)))


def _tokens(letter: str, values: Sequence[str]) -> list[str]:
    """The token of each value, in one go: with a byte of nothing behind it a digest is nine, which base64 takes as they are."""
    digests = [hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest() for value in values]
    text = b2a_base64(b"\0".join((*digests, b""))).translate(_ALPHANUMERIC).decode()
    return [letter + text[at : at + 11] for at in range(0, 12 * len(digests), 12)]


_remembered = lru_cache(maxsize=16_384)(token)


@lru_cache(maxsize=16_384)
def _of_entity(name: str, key: str) -> tuple[str, ...]:
    return tuple(map(token, terms.of_entity(name, key)))
