"""Every role of the store on one Elasticsearch cluster."""

from __future__ import annotations

from datetime import datetime

import elasticsearch

from pipeline.store.elasticsearch.claims import ElasticsearchClaims
from pipeline.store.elasticsearch.client import Access, Cluster
from pipeline.store.elasticsearch.dead_letters import ElasticsearchDeadLetters
from pipeline.store.elasticsearch.events import ElasticsearchEvents
from pipeline.store.elasticsearch.feeds import ElasticsearchFeedSchedule
from pipeline.store.elasticsearch.indices import Indices
from pipeline.store.elasticsearch.landing import ElasticsearchLanding
from pipeline.store.elasticsearch.outbox import ElasticsearchOutbox
from pipeline.store.elasticsearch.stories import ElasticsearchStories
from pipeline.store.roles import SKETCHES_KEPT


class ElasticsearchStore:
    """`Store` on the indices whose names begin with `prefix`, made where they are not there.

    Raises `ConfigError` where the cluster does not let us in, is of another major version than the client, or holds indices of
    another version; `TransientError` where it is away.
    """

    def __init__(self, access: Access, prefix: str) -> None:
        cluster = self._cluster = Cluster(access)
        self.name = f"Elasticsearch {cluster.version()}, client {'.'.join(map(str, elasticsearch.__version__))}"
        indices = self._indices = Indices(cluster, prefix)
        indices.ensure()
        self.feeds = ElasticsearchFeedSchedule(cluster, indices)
        self.landing = ElasticsearchLanding(cluster, indices, self.feeds)
        self.claims = ElasticsearchClaims(cluster, indices)
        self.stories = ElasticsearchStories(cluster, indices)
        self.events = ElasticsearchEvents(cluster, indices)
        self.outbox = ElasticsearchOutbox(cluster, indices)
        self.dead_letters = ElasticsearchDeadLetters(cluster, indices)

    def take_over(self) -> None:
        """A cluster cannot tell who lives: leases end by themselves."""

    def tend(self, now: datetime) -> None:
        self.landing.roll(now)
        self.claims.roll(now)
        self.stories.roll(now)
        self.events.forget(now - SKETCHES_KEPT)

    def wipe(self) -> None:
        """Drop every index and template of this store: for those that were made to try something."""
        self._indices.wipe()

    def close(self) -> None:
        self._cluster.close()
