"""A real cluster, as tests look into it beside the store."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from pipeline.store.elasticsearch.client import Access, Cluster


@pytest.fixture
def prefix() -> str:
    """What the names of a test's indices begin with."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def cluster(elasticsearch_url: str) -> Iterator[Cluster]:
    made = Cluster(Access(elasticsearch_url))
    yield made
    made.close()
