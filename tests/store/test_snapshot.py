"""The cluster's own snapshots, as docs/elasticsearch.md gives the calls."""

from __future__ import annotations

import uuid

import pytest

from pipeline.errors import WirewatchError
from pipeline.store.elasticsearch.client import Access, Cluster
from pipeline.store.elasticsearch.store import ElasticsearchStore
from tests.contract.conftest import ON_ELASTICSEARCH
from tests.store.test_copy import filled, held

pytestmark = ON_ELASTICSEARCH


def test_a_snapshot_that_is_restored_holds_everything(elasticsearch_url: str):
    """Taken from a store, whose indices are then lost; the aliases come back with them."""
    prefix, name = f"test-{uuid.uuid4().hex[:12]}", uuid.uuid4().hex[:12]
    cluster = Cluster(Access(elasticsearch_url))
    snapshot = cluster.client.snapshot
    try:
        with cluster.our_words():
            snapshot.create_repository(name=name, repository={"type": "fs", "settings": {"location": name}})
    except WirewatchError as error:
        pytest.skip(f"the server that was given has no path.repo: {error}")
    store = filled(ElasticsearchStore(Access(elasticsearch_url), prefix))
    before = held(store)
    snapshot.create(repository=name, snapshot="one", indices=f"{prefix}-*", include_global_state=False, wait_for_completion=True)
    store.wipe()
    snapshot.restore(repository=name, snapshot="one", indices=f"{prefix}-*", wait_for_completion=True)
    restored = ElasticsearchStore(Access(elasticsearch_url), prefix)
    assert held(restored) == before
    restored.wipe()
    snapshot.delete_repository(name=name)
    for each in (store, restored, cluster):
        each.close()
