"""Every word that ever stood in a story: what a prefix and a fuzzy word are spelled out from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.store.query import Fuzzy
from pipeline.store.snippet import is_like

_LAST = "\U0010ffff"
_PLACES = 2**18
"""Words that are remembered, two megabytes of them: the news has half as many that come again."""


class Vocabulary:
    """The `word` table, and the words of late by their hashes in memory, so that a story costs a write for its new words only.

    Each hash has one place, which the last word of that place keeps: whoever was there before is written once more.
    """

    def __init__(self) -> None:
        self._known = np.zeros(_PLACES, dtype=np.int64)

    def unknown(self, words: Iterable[str]) -> list[str]:
        """Those of `words` that may be new, in order, each once."""
        listed = list(words)
        hashes = _hashes(listed)
        is_new = self._known[hashes % _PLACES] != hashes
        return sorted({listed[at] for at in is_new.nonzero()[0].tolist()})

    def learn(self, connection: Any, words: list[str]) -> None:
        """Keep words, within the caller's transaction."""
        connection.executemany("INSERT INTO word VALUES(?) ON CONFLICT DO NOTHING", [(word,) for word in words])

    def remember(self, words: list[str]) -> None:
        """Count as known, once the transaction is committed."""
        hashes = _hashes(words)
        self._known[hashes % _PLACES] = hashes


def _hashes(words: list[str]) -> npt.NDArray[np.int64]:
    """Python's own, of 64 bits: no two words of a language share one."""
    return np.fromiter(map(hash, words), np.int64, len(words))


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
