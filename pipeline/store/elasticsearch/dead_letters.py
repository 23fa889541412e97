"""Dead letters in Elasticsearch."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Sequence

from pipeline.model import DeadLetter
from pipeline.store.elasticsearch.bytes64 import microseconds, packed, unpacked
from pipeline.store.elasticsearch.client import Cluster, Write, refused
from pipeline.store.elasticsearch.indices import Indices


class ElasticsearchDeadLetters:
    """`DeadLetters`."""

    def __init__(self, cluster: Cluster, indices: Indices) -> None:
        self._cluster = cluster
        self._index = indices.name("dead-letters")

    def add(self, letters: Sequence[DeadLetter]) -> None:
        writes = [
            Write("index", self._index, each.id, {"letter_id": each.id, "at": microseconds(each.at), "letter": packed(each)})
            for each in letters
        ]
        refused(self._cluster.bulk(writes), [write.id for write in writes])

    def list(self, ids: Collection[str] | None = None) -> builtins.list[DeadLetter]:
        if ids is not None:
            found = self._cluster.mget([(self._index, id) for id in ids]).values()
            letters = [unpacked(each.source["letter"], DeadLetter) for each in found]
            return sorted(letters, key=lambda letter: (letter.at, letter.id), reverse=True)
        pages = self._cluster.pages(self._index, {"match_all": {}}, [{"at": "desc"}, {"letter_id": "desc"}])
        return [unpacked(each.source["letter"], DeadLetter) for each in pages]

    def remove(self, letters: Sequence[DeadLetter]) -> None:
        at = {letter.id: microseconds(letter.at) for letter in letters}
        found = self._cluster.mget([(self._index, id) for id in at], source=["at"])
        # One that is replaced meanwhile is a conflict, and stays.
        self._cluster.bulk(Write("delete", self._index, id, over=kept) for id, kept in found.items() if kept.source["at"] == at[id])
