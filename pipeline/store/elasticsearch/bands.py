"""Bands in Elasticsearch: a document a story, found by any of its bands. What is older than two generations is forgotten."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pipeline.errors import TransientError
from pipeline.store.elasticsearch.client import BlockedError, Cluster, MissingIndexError, Write, refused
from pipeline.store.elasticsearch.indices import Generations, Indices

MOST_SHARING = 20
_MOST_FOUND = 1_000
"""Documents that one batch's bands bring."""
_MOST_TRIES = 5


class ElasticsearchBands:
    """`Bands`."""

    def __init__(self, cluster: Cluster, indices: Indices) -> None:
        self._cluster = cluster
        self._alias = indices.name("bands")
        self._generations = Generations(indices, "bands")

    def keep(self, banded: Mapping[str, Sequence[int]]) -> None:
        for _ in range(_MOST_TRIES):
            newest = self._generations.all()[-1]
            writes = [Write("index", newest, story_id, {"bands": list(bands)}) for story_id, bands in banded.items()]
            answers = self._cluster.bulk(writes, refresh=True) if writes else []
            try:
                return refused(answers, [f"the bands of {write.id}" for write in writes])
            except (BlockedError, MissingIndexError):
                self._generations.look_again()
        raise TransientError("the generations of bands change all the time")

    def sharing(self, banded: Mapping[str, Sequence[int]], least: int) -> dict[str, list[str]]:
        holders = defaultdict(list)
        for story_id, bands in banded.items():
            for band in set(bands):
                holders[band].append(story_id)
        shared: dict[str, Counter[str]] = {story_id: Counter() for story_id in banded}
        for other, bands in self._found(list(holders)).items():
            for band in set(bands) & holders.keys():
                shared_by = set(holders[band]) - {other}
                for story_id in shared_by:
                    shared[story_id][other] += 1
        return {story_id: _most(counts, least) for story_id, counts in shared.items()}

    def _found(self, bands: Sequence[int]) -> dict[str, list[int]]:
        """The bands of the stories that have any of these; of one that was kept in two generations, the last."""
        if not bands:
            return {}
        body = {"query": {"terms": {"bands": list(bands)}}, "size": _MOST_FOUND, "track_total_hits": False}
        hits = self._cluster.search(self._alias, body)["hits"]["hits"]
        newest = self._generations.all()[-1]
        again = self._cluster.mget([(newest, hit["_id"]) for hit in hits if hit["_index"] != newest])
        return {hit["_id"]: hit["_source"]["bands"] for hit in hits} | {id: each.source["bands"] for id, each in again.items()}

    def all(self) -> Iterator[tuple[str, list[int]]]:
        return ((each.id, each.source["bands"]) for each in self._generations.documents())

    def roll(self, now: datetime) -> None:
        """Begin a new generation where it is time."""
        self._generations.roll(now, blocking=False)


def _most(counts: Counter[str], least: int) -> list[str]:
    found = sorted((-count, story_id) for story_id, count in counts.items() if count >= least)
    return [story_id for _, story_id in found[:MOST_SHARING]]
