"""A real Flink and a real Elasticsearch for the tests of this room, and the cleared ground after each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.servers.elasticsearch import Elasticsearch
from tests.servers.flink import Flink
from tests.servers.machine import UnavailableError


class Servers(NamedTuple):
    flink: Flink
    elasticsearch: Elasticsearch


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="wirewatch-cluster-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = Servers(Flink(folder / "flink", slots=2), Elasticsearch(folder / "elasticsearch"))
        try:
            found.elasticsearch.start()
            found.flink.start()
            yield found
        except UnavailableError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"NO FLINK HERE, so the chain was not tried on it: {error}")
        finally:
            found.flink.stop()
            found.elasticsearch.stop()
