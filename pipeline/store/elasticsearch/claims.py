"""Claims in Elasticsearch: `create` decides who was first, realtime and atomic, within one index.

Old claims are forgotten by the generation. As a create in one index cannot see another, the generation before takes no writes:
whoever claims looks there first, then creates in the newest, what was found there included. One that writes to a blocked or dropped
index has not heard of the newest: it looks again and claims again, which does no harm.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime

from pipeline.errors import TransientError
from pipeline.store.elasticsearch.client import BlockedError, Cluster, MissingIndexError, Write, refused
from pipeline.store.elasticsearch.indices import Generations, Indices

_MOST_TRIES = 5


class ElasticsearchClaims:
    """`Claims`; a fingerprint is kept as 12 bytes of its BLAKE2b."""

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
        for _ in range(_MOST_TRIES):
            try:
                return {asked[id]: owner for id, owner in self._claimed({id: wanted[asked[id]] for id in asked}).items()}
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
    digest = hashlib.blake2b(fingerprint.encode("utf-8", "surrogatepass"), digest_size=12).digest()
    return base64.urlsafe_b64encode(digest).decode()
