"""What a real cluster is spared: refreshing is dear, and so is writing what is there already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.store.elasticsearch.client import Access, Cluster
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.roles import Place
from tests.contract.conftest import ON_ELASTICSEARCH
from tests.contract.test_events import NOON, sketch

pytestmark = ON_ELASTICSEARCH


@pytest.fixture
def store(elasticsearch_url: str, prefix: str) -> Iterator[ElasticsearchStore]:
    made = ElasticsearchStore(Access(elasticsearch_url), prefix)
    yield made
    made.wipe()
    made.close()


def test_a_sketch_that_is_in_its_place_is_not_written_again(store: ElasticsearchStore, cluster: Cluster, prefix: str):
    """Grouping again looks at thousands each time, of which a few move."""
    store.events.keep([sketch("a", 1), sketch("b", 1), sketch("c", 1)], NOON)
    asked = [(f"{prefix}-sketches", name) for name in "abc"]
    before = cluster.mget(asked)
    store.events.move({"a": Place("e", "original"), "b": Place("f", "original"), "c": Place("e", None)})
    after = cluster.mget(asked)
    assert [name for name in "abc" if after[name].seq_no != before[name].seq_no] == ["b", "c"]
    found = store.events.of_stories("abc")
    assert [(found[name].event_id, found[name].duplicate_of) for name in "abc"] == [
        ("e", "original"),
        ("f", "original"),
        ("e", None),
    ]


def test_only_stories_become_searchable_by_themselves_soon(store: ElasticsearchStore, cluster: Cluster, prefix: str):
    """Others search the stories too; the rest is searched by whoever asks for it to be searchable first."""
    found = cluster.client.indices.get_settings(index=f"{prefix}-*", name="index.refresh_interval", flat_settings=True).body
    soon = {name for name, each in found.items() if each["settings"]["index.refresh_interval"] == "1s"}
    assert soon == {f"{prefix}-stories-000001"}
    assert len(found) > 10
