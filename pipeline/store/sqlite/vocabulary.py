"""Every word that ever stood in a story: what a prefix and a fuzzy word are spelled out from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.store.query import Fuzzy
from pipeline.store.snippet import is_like

_LAST = "\U0010ffff"
_PLACE_BITS = 18
_PLACES = 2**_PLACE_BITS
"""Words that are remembered, two megabytes of them: the news has half as many that come again."""
_AT_ONCE = 2**16
"""Bytes that are hashed in one go, more than a word has and few enough to stay in the processor's cache."""
_BLANK = ord(" ")

Numbers = npt.NDArray[np.uint64]


def _powers(of: int) -> Numbers:
    return np.multiply.accumulate(np.full(_AT_ONCE, of % 2**64, dtype=np.uint64))


_ODD = 0x9E3779B97F4A7C15
_POWERS = _powers(_ODD)
_INVERSE = _powers(pow(_ODD, -1, 2**64))
_MIX = np.uint64(0xD6E8FEB86659FD93)


class Vocabulary:
    """The `word` table, and the words of late by their hashes in memory, so that a story costs a write for its new words only.

    Each hash has one place, which the last word of that place keeps: whoever was there before is written once more.
    """

    def __init__(self) -> None:
        self._known = np.zeros(_PLACES, dtype=np.uint64)

    def unknown(self, text: str) -> list[str]:
        """The words of `text`, which blanks divide, that may be new: in order, each once."""
        fresh: set[bytes] = set()
        for piece in _pieces(text.encode()):
            starts, ends, hashes = _hashed(piece)
            for at in np.flatnonzero(self._known[_places(hashes)] != hashes).tolist():
                fresh.add(piece[starts[at] : ends[at]])
        return sorted(word.decode() for word in fresh)

    def learn(self, connection: Any, words: list[str]) -> None:
        """Keep words, within the caller's transaction."""
        connection.executemany("INSERT INTO word VALUES(?) ON CONFLICT DO NOTHING", [(word,) for word in words])

    def remember(self, words: list[str]) -> None:
        """Count as known, once the transaction is committed."""
        for piece in _pieces(" ".join(words).encode()):
            _, _, hashes = _hashed(piece)
            self._known[_places(hashes)] = hashes


def _pieces(text: bytes) -> Iterator[bytes]:
    """`text` cut at blanks."""
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= _AT_ONCE else text.rindex(b" ", start, start + _AT_ONCE) + 1
        yield text[start:end]
        start = end


def _hashed(piece: bytes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Numbers]:
    """Where each word begins and ends, and its hash of 64 bits: no two words of a language share one.

    The hash is the polynomial of the word's bytes, all of them taken from one running sum, modulo 2**64.
    """
    codes = np.frombuffer(piece, dtype=np.uint8)
    is_word = np.zeros(len(codes) + 2, dtype=np.bool_)
    np.not_equal(codes, _BLANK, out=is_word[1:-1])
    edges = np.flatnonzero(is_word[1:] != is_word[:-1])
    starts, ends = edges[::2], edges[1::2]
    sums = np.zeros(len(codes) + 1, dtype=np.uint64)
    np.cumsum(codes * _POWERS[: len(codes)], out=sums[1:])
    hashes = (sums[ends] - sums[starts]) * _INVERSE[starts]
    hashes ^= hashes >> np.uint64(32)
    hashes *= _MIX
    return starts, ends, hashes


def _places(hashes: Numbers) -> npt.NDArray[np.intp]:
    return (hashes >> np.uint64(64 - _PLACE_BITS)).astype(np.intp)


class Words:
    """`match.Vocabulary` on a connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def beginning(self, prefix: str, limit: int) -> list[str]:
        rows = self._connection.execute(
            "SELECT word FROM word WHERE word >= ? AND word < ? LIMIT ?", (prefix, prefix + _LAST, limit)
        )
        return [word for (word,) in rows]

    def like(self, asked: Fuzzy) -> list[str]:
        first = asked.word[0]
        rows = self._connection.execute("SELECT word FROM word WHERE word >= ? AND word < ?", (first, first + _LAST))
        return [word for (word,) in rows if is_like(word, asked)]
