"""Every implementation of the store, so that one suite holds them all to it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.store.elasticsearch.client import Access
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.roles import Store
from pipeline.store.sqlite.store import SqliteStore
from tests.fakes import MemoryStore
from tests.servers.elasticsearch import START_WITHIN_S

ON_ELASTICSEARCH = [
    pytest.mark.elasticsearch,
    pytest.mark.enable_socket,
    pytest.mark.xdist_group("elasticsearch"),
    pytest.mark.timeout(START_WITHIN_S + 120),
]
"""All in one process, whose first test waits for the server to start."""


@pytest.fixture(params=["memory", "sqlite", pytest.param("elasticsearch", marks=ON_ELASTICSEARCH)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "elasticsearch":
        yield from on_elasticsearch(request.getfixturevalue("elasticsearch_url"))
        return
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "store.db")
    yield made
    made.close()


def on_elasticsearch(url: str, prefix: str = "") -> Iterator[ElasticsearchStore]:
    """A store of its own on the server at `url`, whose indices are dropped afterwards."""
    store = ElasticsearchStore(Access(url), prefix or f"test-{uuid.uuid4().hex[:12]}")
    yield store
    store.wipe()
    store.close()
