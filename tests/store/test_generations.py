"""Generations on a real cluster: what is known stays known, an id lives once, and writers that have not heard lose nothing."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from pipeline.errors import ConfigError, TransientError
from pipeline.model import Item, ItemVersion, ReadStory
from pipeline.search.language import query_of
from pipeline.store.elasticsearch.client import Access, Cluster
from pipeline.store.elasticsearch.indices import GENERATIONS, VERSION, Indices, mappings, settings
from pipeline.store.elasticsearch.migrate import migrate
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.search import SearchRequest
from tests.contract.conftest import ON_ELASTICSEARCH
from tests.contract.told import NOW, STORIES

pytestmark = ON_ELASTICSEARCH

AGE = GENERATIONS["claims"].age


class Place:
    """A prefix of a test's own on a server."""

    def __init__(self, url: str) -> None:
        self.access = Access(url)
        self.prefix = f"test-{uuid.uuid4().hex[:12]}"
        self.opened: list[ElasticsearchStore] = []

    def store(self) -> ElasticsearchStore:
        """Another process's view of the store: it remembers the generations by itself."""
        self.opened.append(ElasticsearchStore(self.access, self.prefix))
        return self.opened[-1]


@pytest.fixture
def place(elasticsearch_url: str) -> Iterator[Place]:
    place = Place(elasticsearch_url)
    yield place
    cluster = Cluster(place.access)
    Indices(cluster, place.prefix).wipe()
    cluster.close()
    for store in place.opened:
        store.close()


def version(name: str) -> ItemVersion:
    return ItemVersion(name, Item("https://news.example/rss", name, None, name, "Words.", is_html=False), NOW)


def write(store: ElasticsearchStore, read: ReadStory) -> None:
    """Write as the chain does: what cannot be written now is written later."""
    for _ in range(200):
        try:
            assert store.stories.put([read]) == set()
        except TransientError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("it can never be written")


def test_a_claim_outlives_its_generation_while_it_is_seen(place: Place):
    """It is copied forward; one that nobody sees is forgotten with its index."""
    store = place.store()
    store.tend(NOW)
    store.claims.claim({"url:seen": "a", "url:gone": "a"})
    for n in range(1, GENERATIONS["claims"].older + 2):
        store.tend(NOW + n * AGE)
        assert store.claims.claim({"url:seen": "b"}) == {"url:seen": "a"}
    assert store.claims.owners(["url:seen", "url:gone"]) == {"url:seen": "a"}


def test_who_has_not_heard_of_a_generation_claims_as_one_who_has(place: Place):
    """The generation before takes no writes: two processes agree on every owner."""
    one, other = place.store(), place.store()
    one.tend(NOW)
    other.claims.claim({"url:1": "a"})
    one.tend(NOW + AGE)
    assert one.claims.claim({"url:2": "a"}) == {"url:2": "a"}
    assert other.claims.claim({"url:1": "b", "url:2": "b", "url:3": "b"}) == {"url:1": "a", "url:2": "a", "url:3": "b"}
    assert one.claims.claim({"url:3": "c"}) == {"url:3": "b"}


def test_a_fingerprint_has_one_owner_while_generations_begin(place: Place):
    """Four that claim the same at once, through three generations, are told the same."""
    stores = [place.store() for _ in range(4)]
    stores[0].tend(NOW)
    fingerprints = [f"url:{n}" for n in range(120)]
    told: list[dict[str, str]] = []
    lock = threading.Lock()

    def claim(who: int) -> None:
        for at in range(0, len(fingerprints), 10):
            owners = stores[who].claims.claim(dict.fromkeys(fingerprints[at : at + 10], f"story-{who}"))
            with lock:
                told.append(owners)
            if who == 0 and at % 40 == 30:
                stores[0].tend(NOW + timedelta(days=1 + at) + AGE * (1 + at // 40))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(claim, range(4)))
    owners: dict[str, set[str]] = {}
    for each in told:
        for fingerprint, owner in each.items():
            owners.setdefault(fingerprint, set()).add(owner)
    assert {fingerprint: found for fingerprint, found in owners.items() if len(found) > 1} == {}
    assert len(owners) == len(fingerprints)


def test_a_storys_last_bands_count_across_generations(place: Place):
    """What it said in the generation before it is not found by any more."""
    store = place.store()
    store.tend(NOW)
    store.bands.keep({"edited": [1, 2], "still": [1, 2]})
    store.tend(NOW + GENERATIONS["bands"].age)
    store.bands.keep({"edited": [8, 9]})
    # One by one: asked together, the later text would be among what is found, and hide the earlier.
    assert store.bands.sharing({"x": [1, 2]}, 2) == {"x": ["still"]}
    assert store.bands.sharing({"y": [8, 9]}, 2) == {"y": ["edited"]}


def test_what_landed_is_known_in_later_generations(place: Place):
    """It does not land again, and what was not finished is still worked on."""
    store = place.store()
    store.tend(NOW)
    until = NOW + timedelta(minutes=1)
    assert store.landing.land([version("a"), version("b")], until) == ["a", "b"]
    store.landing.finish(["a"])
    for n in range(1, 5):
        store.tend(NOW + n * GENERATIONS["landed"].age)
        assert store.landing.land([version("a"), version("b")], until) == []
    assert [read.id for read in store.landing.read(["a", "b"])] == ["b"]


def test_a_mark_whose_content_never_came_goes_away(place: Place):
    """Whoever died between the two writes leaves nothing that is taken up for ever."""
    store = place.store()
    store.landing.land([version("a")], NOW)
    cluster = Cluster(place.access)
    cluster.client.delete(index=f"{place.prefix}-landed-000001", id="a", refresh=True)
    later = NOW + timedelta(hours=1)
    assert store.landing.unfinished(later, later, 10) == []
    assert store.landing.next_due_at() is None
    assert store.landing.land([version("a")], NOW) == ["a"]
    cluster.close()


def test_an_edit_finds_its_story_in_an_older_index(place: Place):
    """An id lives in one index only, and the newest takes what is new."""
    store = place.store()
    store.tend(NOW)
    store.stories.put(STORIES[:2])
    store.tend(NOW + GENERATIONS["stories"].age)
    edited = STORIES[0]._replace(story=STORIES[0].story._replace(title="Corrected"), revision=1)
    assert store.stories.put([edited, STORIES[2]]) == set()
    assert store.stories.count() == 3
    found = store.stories.search(SearchRequest(query_of("title:corrected", NOW))).found
    assert [each.read.story.id for each in found] == [STORIES[0].story.id]


def test_who_has_not_heard_of_a_new_index_creates_no_story_twice(place: Place):
    """A story that another process put into it is found there, and its write is told to be stale."""
    one, other = place.store(), place.store()
    one.tend(NOW)
    other.stories.put(STORIES[:1])
    one.tend(NOW + GENERATIONS["stories"].age)
    one.stories.put([STORIES[1]])
    differs = STORIES[1]._replace(story=STORIES[1].story._replace(title="Another wording"))
    assert other.stories.put([differs]) == {STORIES[1].story.id}
    assert one.stories.count() == 2


def test_an_index_that_the_server_rolls_over_by_itself_is_taken_up(place: Place):
    """As ILM does: the next one is of our template, behind our alias, and takes what is new; an older story stays where it is."""
    store = place.store()
    store.stories.put(STORIES[:2])
    cluster = Cluster(place.access)
    indices = Indices(cluster, place.prefix)
    indices.make_write_index(indices.generations("stories")[-1])
    cluster.client.indices.rollover(alias=f"{place.prefix}-stories")
    edited = STORIES[0]._replace(story=STORIES[0].story._replace(title="Corrected"), revision=1)
    assert store.stories.put([edited, STORIES[2]]) == set()
    first, second = indices.generations("stories")
    assert (cluster.count(first), cluster.count(second)) == (2, 1)
    assert store.stories.facets(query_of("title:corrected OR entity:putin", NOW)).stories == 3
    assert indices.versions()[second] == VERSION
    cluster.close()


def test_a_policy_on_a_server_without_ilm_is_said(place: Place):
    """With what to do; a server that has ILM is not at hand here."""
    with pytest.raises(ConfigError, match="ilm_policy"):
        ElasticsearchStore(place.access, place.prefix, "keep-a-year")


def test_a_first_version_s_index_is_migrated_while_stories_arrive(place: Place):
    """None is lost: neither those that were there, nor those edited and new meanwhile; all are found by what the old one lacked."""
    cluster = Cluster(place.access)
    first = {**mappings("stories"), "_meta": {"version": 1}}
    first["properties"] = {name: kind for name, kind in first["properties"].items() if name not in ("terms", "pair_names")}
    cluster.client.indices.create(
        index=f"{place.prefix}-stories-000001",
        settings=settings("stories"),
        mappings=first,
        aliases={f"{place.prefix}-stories": {}},
    )
    store = place.store()
    original = STORIES[0]
    copies = [original._replace(story=original.story._replace(id=f"s{n}", event_id=f"e{n}")) for n in range(300)]
    store.stories.put(copies)
    assert store.stories.search(SearchRequest(query_of("entity:musk", NOW))).found == ()
    done = threading.Event()
    arrived: list[str] = []

    def arrive() -> None:
        writer, n = place.store(), 0
        while not done.is_set() or n < 5:
            new = original._replace(story=original.story._replace(id=f"new{n}", event_id=f"new{n}"))
            edited = copies[n]._replace(story=copies[n].story._replace(title=f"Edited {n}"), revision=1)
            write(writer, new)
            write(writer, edited)
            arrived.append(new.story.id)
            n += 1

    with ThreadPoolExecutor(1) as pool:
        arriving = pool.submit(arrive)
        try:
            assert migrate(place.access, place.prefix) >= 300
        finally:
            done.set()
        arriving.result(60)
    store.stories.search(SearchRequest())
    assert store.stories.count() == 300 + len(arrived)
    facets = store.stories.facets(query_of("entity:musk", NOW), 1)
    assert facets.stories == 300 + len(arrived)
    assert dict(facets.pairs)["Elon Musk + Vladimir Putin"] == 300 + len(arrived)
    edited = store.stories.facets(query_of("title:edited", NOW)).stories
    assert edited == len(arrived)
    assert all(version == 2 for version in Indices(cluster, place.prefix).versions().values())
    assert migrate(place.access, place.prefix) == 0
    cluster.close()


def test_a_newer_version_s_indices_are_left_alone(place: Place):
    """An older Wirewatch writes nothing into them."""
    store = place.store()
    cluster = Cluster(place.access)
    cluster.client.indices.put_mapping(index=f"{place.prefix}-hits", meta={"version": 99})
    with pytest.raises(ConfigError, match="newer Wirewatch"):
        ElasticsearchStore(place.access, place.prefix)
    cluster.close()
    assert store.name.startswith("Elasticsearch ")
