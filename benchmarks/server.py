"""A real Elasticsearch of a benchmark's own: the tests' server, in a folder that goes away with it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from tests.servers.elasticsearch import Elasticsearch


@contextmanager
def cluster(heap: str = "1g", major: int = 9) -> Iterator[Elasticsearch]:
    """A server that answers, with no data."""
    with tempfile.TemporaryDirectory(prefix="wirewatch-benchmark-") as folder:
        Path(folder).chmod(0o755)
        server = Elasticsearch(Path(folder), heap=heap, major=major)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def served(url: str | None) -> Iterator[str]:
    """The address of the server that is given, or of one of our own."""
    if url:
        yield url
        return
    with cluster("512m") as server:
        yield server.url
