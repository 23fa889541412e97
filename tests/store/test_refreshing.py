"""When stories on a real cluster can be searched: by whoever put them at once, by everybody before anything is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.model import Alert
from pipeline.store.elasticsearch.client import Access, Cluster
from pipeline.store.elasticsearch.indices import Indices
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.search import SearchRequest
from tests.contract.conftest import ON_ELASTICSEARCH
from tests.contract.told import NOW, STORIES

pytestmark = ON_ELASTICSEARCH

STORY = STORIES[0]


@pytest.fixture
def stores(elasticsearch_url: str, cluster: Cluster, prefix: str) -> Iterator[list[ElasticsearchStore]]:
    """What two processes see of one store, whose index of stories makes nothing searchable by itself."""
    made = [ElasticsearchStore(Access(elasticsearch_url), prefix) for _ in range(2)]
    cluster.client.indices.put_settings(index=Indices(cluster, prefix).name("stories"), settings={"refresh_interval": "-1"})
    yield made
    made[0].wipe()
    for store in made:
        store.close()


def found(store: ElasticsearchStore, *, is_of_all: bool = False) -> list[str]:
    return [each.read.story.id for each in store.stories.search(SearchRequest(is_of_all=is_of_all)).found]


def test_a_process_finds_what_it_put_and_others_when_they_ask_for_all(stores: list[ElasticsearchStore]):
    """A search of another's shows what is searchable by then."""
    one, other = stores
    assert one.stories.put([STORY]) == set()
    assert found(other) == []
    assert found(other, is_of_all=True) == [STORY.story.id]
    assert one.stories.put([STORIES[1]]) == set()
    assert len(found(one)) == 2
    assert one.stories.facets(SearchRequest().query).stories == 2


def test_a_story_is_found_by_everybody_before_its_alert_is_told(stores: list[ElasticsearchStore]):
    """Whoever is told may look at once, in whatever process."""
    one, other = stores
    one.stories.put([STORY])
    one.outbox.tell([], [Alert("alert", "w", "e", (STORY.story.id,), "T", None, "news.example", NOW, (), (), NOW)], [])
    assert found(other) == [STORY.story.id]


def test_a_story_is_not_created_once_more_where_its_index_was_closed_meanwhile(
    stores: list[ElasticsearchStore], cluster: Cluster, prefix: str
):
    """Whoever is sent on to the next index looks whether somebody else was faster in the one before."""
    one, other = stores
    one.stories.put([STORY])
    cluster.client.indices.add_block(index=f"{prefix}-stories-000001", block="write")
    assert other.stories.put([STORY]) == set()
    assert other.stories.put([STORIES[1]]) == set()
    assert other.stories.count() == 2
