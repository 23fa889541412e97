"""Claims in Elasticsearch: `create` decides who was first, realtime and atomic, within one index.

Old claims are forgotten by the generation. As a create in one index cannot see another, the generation before takes no writes:
whoever claims looks there first, then creates in the newest, what was found there included. One that writes to a blocked or dropped
index has not heard of the newest: it looks again and claims again, which does no harm.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from pipeline.errors import TransientError
from pipeline.store.elasticsearch.client import BlockedError, Cluster, MissingIndexError, Write, refused
from pipeline.store.elasticsearch.indices import Generations, Indices
from pipeline.store.fingerprint import digest

_MOST_TRIES = 5


class ElasticsearchClaims:
    """`Claims`; a fingerprint is kept as its `digest`."""

    def __init__(self, cluster: Cluster, indices: Indices) -> None:
        self._cluster = cluster
        self._generations = Generations(indices, "claims")

    def owners(self, fingerprints: Collection[str]) -> dict[str, str]:
        asked = {short(fingerprint): fingerprint for fingerprint in fingerprints}
        for _ in range(_MOST_TRIES):
            try:
                found = self._cluster.mget([(index, id) for index in self._generations.all() for id in asked])
            except MissingIndexError:
                self._generations.look_again()
                continue
            return {asked[id]: kept.source["owner"] for id, kept in found.items()}
        raise TransientError("the generations of claims change all the time")

    def claim(self, wanted: Mapping[str, str]) -> dict[str, str]:
        if not wanted:
            return {}
        asked = {short(fingerprint): fingerprint for fingerprint in wanted}
        owners = self._settled({id: wanted[fingerprint] for id, fingerprint in asked.items()})
        return {asked[id]: owner for id, owner in owners.items()}

    def all(self) -> Iterator[tuple[bytes, str]]:
        return ((base64.urlsafe_b64decode(each.id), str(each.source["owner"])) for each in self._generations.documents())

    def keep(self, owners: Mapping[bytes, str]) -> None:
        if owners:
            self._settled({_id(key): story_id for key, story_id in owners.items()})

    def _settled(self, wanted: Mapping[str, str]) -> dict[str, str]:
        for _ in range(_MOST_TRIES):
            try:
                return self._claimed(wanted)
            except (BlockedError, MissingIndexError):
                self._generations.look_again()
        raise TransientError("the generations of claims change all the time")

    def _claimed(self, wanted: Mapping[str, str]) -> dict[str, str]:
        *older, newest = self._generations.all()
        before = self._cluster.mget([(index, id) for index in older for id in wanted])
        owners = {id: str(before[id].source["owner"]) if id in before else story_id for id, story_id in wanted.items()}
        answers = self._cluster.bulk([Write("create", newest, id, {"owner": owner}) for id, owner in owners.items()])
        refused(answers, ["a claim"] * len(answers))
        # A conflict does not say whose it is.
        taken = [(newest, id) for id, answer in zip(owners, answers, strict=True) if answer.status == 409]
        return owners | {id: str(kept.source["owner"]) for id, kept in self._cluster.mget(taken).items()}

    def roll(self, now: datetime) -> None:
        """Begin a new generation where it is time."""
        self._generations.roll(now, blocking=True)


def short(fingerprint: str) -> str:
    """The id of a fingerprint's document."""
    return _id(digest(fingerprint))


def _id(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()
