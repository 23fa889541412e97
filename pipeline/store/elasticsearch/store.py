"""Every role of the store on one Elasticsearch cluster."""

from __future__ import annotations

from datetime import datetime, timedelta

import elasticsearch

from pipeline.store.elasticsearch.bands import ElasticsearchBands
from pipeline.store.elasticsearch.bytes64 import microseconds
from pipeline.store.elasticsearch.claims import ElasticsearchClaims
from pipeline.store.elasticsearch.client import Access, Cluster, Write, refused
from pipeline.store.elasticsearch.dead_letters import ElasticsearchDeadLetters
from pipeline.store.elasticsearch.events import ElasticsearchEvents
from pipeline.store.elasticsearch.feeds import ElasticsearchFeedSchedule
from pipeline.store.elasticsearch.habits import ElasticsearchHabits
from pipeline.store.elasticsearch.indices import Indices
from pipeline.store.elasticsearch.landing import ElasticsearchLanding
from pipeline.store.elasticsearch.outbox import ElasticsearchOutbox
from pipeline.store.elasticsearch.stories import ElasticsearchStories
from pipeline.store.roles import SKETCHES_KEPT

_MOST_UNTOLD = 10_000


class ElasticsearchStore:
    """`Store` on the indices whose names begin with `prefix`, made where they are not there.

    Raises `ConfigError` where the cluster does not let us in, is of another major version than the client, or holds indices of
    another version; `TransientError` where it is away.
    """

    def __init__(self, access: Access, prefix: str, ilm_policy: str = "") -> None:
        cluster = self._cluster = Cluster(access)
        self.name = f"Elasticsearch {cluster.version()}, client {'.'.join(map(str, elasticsearch.__version__))}"
        indices = self._indices = Indices(cluster, prefix, ilm_policy)
        indices.ensure()
        self.feeds = ElasticsearchFeedSchedule(cluster, indices)
        self.landing = ElasticsearchLanding(cluster, indices, self.feeds)
        self.claims = ElasticsearchClaims(cluster, indices)
        self.stories = ElasticsearchStories(cluster, indices)
        self.bands = ElasticsearchBands(cluster, indices)
        self.habits = ElasticsearchHabits(cluster, indices)
        self.events = ElasticsearchEvents(cluster, indices)
        self.outbox = ElasticsearchOutbox(cluster, indices, self.stories.catch_up)
        self.dead_letters = ElasticsearchDeadLetters(cluster, indices)

    def take_over(self) -> None:
        """A cluster cannot tell who lives: leases end by themselves."""

    def take_turn(self, work: str, now: datetime, until: datetime) -> bool:
        index, id = self._indices.name("redirects"), f":turn:{work}"
        known = self._cluster.mget([(index, id)]).get(id)
        if known and known.source["until"] > microseconds(now):
            return False
        # Of several who found it free, one writes over the very version that all have read.
        answers = self._cluster.bulk([Write("index" if known else "create", index, id, {"until": microseconds(until)}, known)])
        refused(answers, [id])
        return answers[0].is_done

    def tend(self, now: datetime, stories_for: timedelta | None = None) -> bool:
        self.landing.roll(now)
        self.claims.roll(now)
        self.stories.roll(now)
        self.bands.roll(now)
        self.events.forget(now - min(SKETCHES_KEPT, stories_for or SKETCHES_KEPT))
        if stories_for is None or self.outbox.waiting_count() > _MOST_UNTOLD:
            # So far behind, nothing is dropped from under those that are still to be told.
            return False
        untold = self.outbox.untold()
        self.stories.drop(now - stories_for, {id for alert in untold for id in alert.story_ids})
        self.events.drop(now - stories_for)
        return self.outbox.drop(now - stories_for, {alert.id for alert in untold})

    def wipe(self) -> None:
        """Drop every index and template of this store: for those that were made to try something."""
        self._indices.wipe()

    def close(self) -> None:
        self._cluster.close()
