"""Which feeds are polled from now on, said to a real cluster while others lease them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

import pytest

from pipeline.errors import TransientError
from pipeline.model import FeedState
from pipeline.store.elasticsearch.client import Access, Answer, Cluster, Write
from pipeline.store.elasticsearch.feeds import ElasticsearchFeedSchedule
from pipeline.store.elasticsearch.indices import Indices
from pipeline.store.elasticsearch.store import ElasticsearchStore
from tests.contract.conftest import ON_ELASTICSEARCH
from tests.contract.test_roles import FEED, LATER, NOW

pytestmark = ON_ELASTICSEARCH

OTHER = f"{FEED}/other"


class Overtaken(Cluster):
    """A cluster to which somebody else writes between what we read and what we write."""

    def __init__(self, access: Access, first: Callable[[], object]) -> None:
        super().__init__(access)
        self._first = first

    def bulk(self, writes: Iterable[Write], *, refresh: bool = False) -> list[Answer]:
        asked = list(writes)
        self._first()
        return super().bulk(asked, refresh=refresh)


@pytest.fixture
def store(elasticsearch_url: str, prefix: str) -> Iterator[ElasticsearchStore]:
    made = ElasticsearchStore(Access(elasticsearch_url), prefix)
    made.feeds.subscribe([FEED, OTHER], NOW)
    yield made
    made.wipe()
    made.close()


def subscribe_overtaken(url: str, prefix: str, first: Callable[[], object]) -> None:
    """Let `OTHER` be all that is polled, while `first` is done before each write."""
    with closing(Overtaken(Access(url), first)) as cluster:
        ElasticsearchFeedSchedule(cluster, Indices(cluster, prefix)).subscribe([OTHER], NOW)


def test_a_feed_that_is_leased_meanwhile_rests_all_the_same(store: ElasticsearchStore, elasticsearch_url: str, prefix: str):
    """Its lease stays as it was taken."""
    subscribe_overtaken(elasticsearch_url, prefix, lambda: store.feeds.lease(NOW, LATER, 10))
    assert [state.url for state in store.feeds.states()] == [OTHER]
    assert store.feeds.next_due_at() == LATER


def test_where_others_write_all_the_time_it_is_said(store: ElasticsearchStore, elasticsearch_url: str, prefix: str):
    """Whoever asked asks again."""
    with pytest.raises(TransientError, match="written by others"):
        subscribe_overtaken(elasticsearch_url, prefix, lambda: store.feeds.polled([FeedState(FEED, NOW)], Counter()))
