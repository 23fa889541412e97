"""Every word that ever stood in a story: what a prefix and a fuzzy word are spelled out from."""

from __future__ import annotations

from typing import Any

from pipeline.store.query import Fuzzy
from pipeline.store.snippet import is_like

_LAST = "\U0010ffff"
_MOST_REMEMBERED = 25_000


class Vocabulary:
    """The `word` table, and the commonest part of it in memory, so that a story costs a write for its new words only."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def unknown(self, words: set[str]) -> list[str]:
        """Those of `words` that may be new, in order."""
        return sorted(words - self._known)

    def learn(self, connection: Any, words: list[str]) -> None:
        """Keep words, within the caller's transaction."""
        connection.executemany("INSERT INTO word VALUES(?) ON CONFLICT DO NOTHING", [(word,) for word in words])

    def remember(self, words: list[str]) -> None:
        """Count as known, once the transaction is committed; of a great many, those that came first, which are the commonest."""
        if len(self._known) < _MOST_REMEMBERED:
            self._known.update(words)


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
