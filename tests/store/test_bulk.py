"""What becomes of writes that a cluster refuses: for ever, or for now."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.errors import TransientError
from pipeline.model import Item, ItemVersion, Passage, ReadStory
from pipeline.search.beam import IndexStories
from pipeline.store.address import StoreAddress, close_stores, store_at
from pipeline.store.elasticsearch.client import Access, Cluster, Write
from tests.contract.conftest import ON_ELASTICSEARCH
from tests.contract.told import NOW, STORIES

LATER = NOW + timedelta(minutes=1)

Reply = Callable[[list[str]], tuple[int, list[int]]]
"""From the ids of a bulk request to its status, and those of its operations."""


@contextmanager
def cluster_that(reply: Reply, timeout_s: float = 5.0) -> Iterator[Cluster]:
    """A cluster that knows nothing but to take a bulk request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            lines = self.rfile.read(int(self.headers["content-length"])).splitlines()
            status, items = reply([json.loads(line)["create"]["_id"] for line in lines[::2]])
            error = {"type": "es_rejected_execution_exception", "reason": "the queue is full"}
            answers = [{"create": {"status": each} | ({"error": error} if each >= 300 else {})} for each in items]
            body = json.dumps({"items": answers} if status < 300 else {"error": error, "status": status}).encode()
            self.send_response(status)
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cluster = Cluster(Access(f"http://127.0.0.1:{server.server_port}", timeout_s=timeout_s))
    try:
        yield cluster
    finally:
        cluster.close()
        server.shutdown()
        server.server_close()


WRITES = [Write("create", "index", id, {"a": 1}) for id in "abcd"]


@pytest.mark.enable_socket
def test_what_a_busy_cluster_refuses_is_tried_again_alone():
    """After a rest; what it took is not sent twice, and what it never takes is not sent again."""
    asked: list[str] = []

    def reply(ids: list[str]) -> tuple[int, list[int]]:
        asked.append("".join(ids))
        by_id = {"a": 201, "b": 429 if len(asked) < 3 else 201, "c": 400, "d": 503 if len(asked) < 2 else 409}
        return 200, [by_id[id] for id in ids]

    with cluster_that(reply) as cluster:
        answers = cluster.bulk(WRITES)
    assert asked == ["abcd", "bd", "b"]
    assert [answer.status for answer in answers] == [201, 201, 400, 409]


@pytest.mark.enable_socket
@pytest.mark.parametrize("status", [429, 503, 408])
def test_a_cluster_that_is_busy_as_a_whole_is_waited_for(status: int):
    """The work is tried again later; nothing is set aside."""
    with cluster_that(lambda ids: (status, [])) as cluster, pytest.raises(TransientError, match=f"answers {status}"):
        cluster.bulk(WRITES)


@pytest.mark.enable_socket
def test_a_cluster_that_does_not_answer_in_time_is_waited_for():
    """No wait is without a limit."""
    done = threading.Event()

    def reply(ids: list[str]) -> tuple[int, list[int]]:
        done.wait(20)
        return 200, [201 for _ in ids]

    with cluster_that(reply, timeout_s=0.3) as cluster:
        try:
            with pytest.raises(TransientError, match="does not answer"):
                cluster.bulk(WRITES)
        finally:
            done.set()
            time.sleep(0)


def landed(read: ReadStory) -> ItemVersion:
    return ItemVersion(f"v-{read.story.id}", Item("f", read.story.id, None, "T", "W", is_html=False), NOW)


class TestOnARealServer:
    """A document that the server never takes."""

    pytestmark = ON_ELASTICSEARCH

    def test_one_story_that_is_refused_is_its_own_dead_letter(self, elasticsearch_url: str):
        """The rest of its batch is stored, each once, and goes on."""
        address = StoreAddress(elasticsearch_url, index_prefix="test-bulk")
        store = store_at(address)
        too_long = STORIES[2]._replace(story=STORIES[2].story._replace(source="x" * 40_000))
        stories = [*STORIES[:2], too_long, *STORIES[3:6]]
        store.landing.land([landed(read) for read in stories], LATER)
        step = IndexStories(address, lambda stored, passage: passage)
        step.setup()
        passages = tuple(Passage(read.story, (landed(read).id,), True, 0, reading=read.reading) for read in stories)
        try:
            (passed,) = step.process(passages)
            assert [passage.story.id for passage in passed] == ["a", "b", "d", "e", "f"]
            assert sorted((read.story.id, read.revision) for read in store.stories.all()) == [(id, 1) for id in "abdef"]
            (letter,) = store.dead_letters.list()
            assert letter.stage == "search"
            assert "story c" in letter.error
            assert store.landing.read(["v-c"]) == []
            assert store.landing.unfinished_count() == 5
        finally:
            store.wipe()  # type: ignore[attr-defined]
            close_stores()
