"""What a cluster took from somebody who did not hear of it: it counts as done, and as done in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from pipeline.model import ReadStory
from pipeline.search.language import query_of
from pipeline.store.elasticsearch.bytes64 import microseconds
from pipeline.store.elasticsearch.client import Access, Answer, Cluster, Write
from pipeline.store.elasticsearch.documents import document
from pipeline.store.elasticsearch.feeds import ElasticsearchFeedSchedule
from pipeline.store.elasticsearch.indices import Generations, Indices
from pipeline.store.elasticsearch.landing import ElasticsearchLanding
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.search import SearchRequest
from tests.contract.conftest import ON_ELASTICSEARCH
from tests.contract.test_roles import version
from tests.contract.told import NOW, STORIES

pytestmark = ON_ELASTICSEARCH

STORY = STORIES[0]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def access(elasticsearch_url: str) -> Access:
    return Access(elasticsearch_url)


@pytest.fixture
def store(access: Access, prefix: str) -> Iterator[ElasticsearchStore]:
    made = ElasticsearchStore(access, prefix)
    yield made
    made.wipe()
    made.close()


def at_revision(read: ReadStory, revision: int) -> ReadStory:
    return read._replace(revision=revision)


def test_a_story_that_was_written_before_can_be_searched_when_it_is_written_again(
    store: ElasticsearchStore, cluster: Cluster, prefix: str
):
    """Else its alert would leave before it can be found."""
    index = f"{prefix}-stories-000001"
    cluster.client.indices.put_settings(index=index, settings={"refresh_interval": "-1"})
    cluster.bulk([Write("create", index, STORY.story.id, document(at_revision(STORY, STORY.revision + 1)))])
    assert store.stories.search(SearchRequest(query_of("*", NOW))).found == ()
    assert store.stories.put([STORY]) == set()
    assert len(store.stories.search(SearchRequest(query_of("*", NOW))).found) == 1


def test_the_next_generation_is_made_where_whoever_blocked_the_last_died(
    store: ElasticsearchStore, cluster: Cluster, access: Access, prefix: str
):
    """By all who claim, at once, and they agree."""
    store.claims.claim({"url:1": "a"})
    cluster.client.indices.add_block(index=f"{prefix}-claims-000001", block="write")
    others = [ElasticsearchStore(access, prefix) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(lambda each: each[1].claims.claim({"url:1": "b", "url:2": f"s{each[0]}"}), enumerate(others)))
    assert {owners["url:1"] for owners in told} == {"a"}
    assert len({owners["url:2"] for owners in told}) == 1
    assert Generations(Indices(cluster, prefix), "claims").all() == (f"{prefix}-claims-000001", f"{prefix}-claims-000002")
    for other in others:
        other.close()


def test_a_mark_without_content_reads_as_nothing_and_is_forgotten_in_time(store: ElasticsearchStore, cluster: Cluster, prefix: str):
    """Whoever was about to land it died in between; the feed brings it again."""
    whole = version("whole")._replace(seen_at=NOW)
    store.landing.land([whole], NOW)
    mark = {"version_id": "half", "landed_at": microseconds(NOW), "leased_until": microseconds(NOW)}
    cluster.bulk([Write("create", f"{prefix}-pending", "half", mark)])
    soon, later = NOW + timedelta(minutes=1), NOW + timedelta(minutes=31)
    assert store.landing.read(store.landing.unfinished(soon, soon, 10)) == [whole]
    assert store.landing.unfinished_count() == 2
    assert store.landing.unfinished(later, later, 10) == [whole.id]
    assert store.landing.unfinished_count() == 1


class Interrupted(Cluster):
    """A cluster of which somebody else asks something once the first request to write is through."""

    def __init__(self, access: Access, ask: Callable[[], object]) -> None:
        super().__init__(access)
        self._ask: Callable[[], object] | None = ask

    def bulk(self, writes: Iterable[Write], *, refresh: bool = False) -> list[Answer]:
        answers = super().bulk(writes, refresh=refresh)
        ask, self._ask = self._ask, None
        if ask:
            ask()
        return answers


@pytest.fixture
def landing(store: ElasticsearchStore, access: Access, prefix: str) -> Iterator[ElasticsearchLanding]:
    """Whoever lands by it is interrupted by a tick at `NOW`, between the mark and the content."""
    cluster = Interrupted(access, lambda: store.landing.unfinished(NOW, NOW + MINUTE, 10))
    indices = Indices(cluster, prefix)
    yield ElasticsearchLanding(cluster, indices, ElasticsearchFeedSchedule(cluster, indices))
    cluster.close()


def test_what_was_sighted_long_ago_is_not_forgotten_while_it_lands(store: ElasticsearchStore, landing: ElasticsearchLanding):
    """By a backfill that goes on for hours; or as a dead letter that is sent again."""
    long_ago = version("a")._replace(seen_at=NOW - 60 * MINUTE)
    assert landing.land([long_ago], NOW) == [long_ago.id]
    assert store.landing.read(store.landing.unfinished(NOW + MINUTE, NOW, 10)) == [long_ago]


def test_what_somebody_died_over_long_ago_is_not_forgotten_while_it_lands_again(
    store: ElasticsearchStore, landing: ElasticsearchLanding, cluster: Cluster, prefix: str
):
    """It has a mark already, which whoever takes it meanwhile finds without content."""
    again, long_ago = version("a"), microseconds(NOW - 60 * MINUTE)
    mark = {"version_id": again.id, "landed_at": long_ago, "leased_until": long_ago}
    cluster.bulk([Write("create", f"{prefix}-pending", again.id, mark)])
    assert landing.land([again], NOW + 2 * MINUTE) == [again.id]
    assert store.landing.read([again.id]) == [again]


def test_what_is_landed_again_has_its_content_before_it_can_be_taken(store: ElasticsearchStore, landing: ElasticsearchLanding):
    """Else a tick takes it for its lease, and reads nothing."""
    store.landing.land([version("a")], NOW)
    store.landing.finish([version("a").id])
    landing.reopen([version("a")], NOW)
    assert store.landing.read(store.landing.unfinished(NOW, NOW, 10)) == [version("a")]


def test_what_lands_in_a_generation_that_another_began_is_not_forgotten(store: ElasticsearchStore, access: Access, prefix: str):
    """Whoever only takes up what others land meets no index that says so."""
    other = ElasticsearchStore(access, prefix)
    assert store.landing.read(["none"]) == []
    store.landing.land([version("a")], NOW)
    for now in (NOW, NOW + timedelta(days=31)):
        other.landing.roll(now)
    other.landing.land([version("b")], NOW)
    other.close()
    assert store.landing.unfinished(NOW + 31 * MINUTE, NOW, 10) == ["a", "b"]
    assert store.landing.read(["a", "b"]) == [version("a"), version("b")]
