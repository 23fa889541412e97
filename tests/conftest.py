"""Fixtures for every room."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.cache import UnavailableError
from tests.servers.elasticsearch import Elasticsearch

_GIVEN = "WIREWATCH_TEST_ELASTICSEARCH_URL"


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """The address of a real Elasticsearch: the one that is given, else one for this process's tests."""
    if given := os.environ.get(_GIVEN):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="wirewatch-es-") as folder:
        Path(folder).chmod(0o755)
        server = Elasticsearch(Path(folder))
        try:
            server.start()
        except UnavailableError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"NO ELASTICSEARCH HERE, so its store was not tried: {error}")
        yield server.url
        server.stop()
