"""Fixtures for every room."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests.servers.elasticsearch import Elasticsearch, start_or_skip

# A busy machine is no fault of what is tried.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

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
        start_or_skip(server)
        yield server.url
        server.stop()


@pytest.fixture(autouse=True)
def log_of_its_own() -> Iterator[None]:
    """A command that a test runs sends the log to a stream that is closed after it: the next test begins anew."""
    yield
    structlog.reset_defaults()
