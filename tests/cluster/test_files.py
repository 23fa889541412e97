"""Files and stored stories as bounded jobs on a real Flink with a real Elasticsearch, beside what one machine makes of the same."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import load
from pipeline.demo.receiver import Receiver
from pipeline.store.address import address_of, close_stores, store_at
from pipeline.store.roles import Store
from tests.cluster.conftest import Servers
from tests.cluster.newsroom import Article, article, copied, edited, outcome

pytestmark = [
    pytest.mark.slow,
    pytest.mark.flink,
    pytest.mark.enable_socket,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("flink"),
]
SECRET = "whsec_" + "A" * 32
WIREWATCH = str(Path(sys.executable).with_name("wirewatch"))
ENTITIES = {
    "musk": {"name": "Elon Musk", "kind": "person"},
    "putin": {"name": "Vladimir Putin", "kind": "person"},
}
LATER_ENTITIES = {**ENTITIES, "macron": {"name": "Emmanuel Macron", "kind": "person"}}
WATCHES = [{"name": "musk-putin", "all": ["musk", "putin"], "alert": ["desk"]}]
LATER_WATCHES = [*WATCHES, {"name": "macron-putin", "all": ["macron", "putin"], "alert": ["desk"]}]
FILES, LINES = 4, 100


class Desk:
    """One configuration, its store, and the commands that are given by it."""

    def __init__(self, path: Path, given: dict[str, Any], options: list[str]) -> None:
        self.path, self._given, self._options = path, given, options

    def configure(self, entities: dict[str, Any], watches: list[dict[str, Any]]) -> None:
        said = {**self._given, "entities": entities, "watches": watches, "processes": 1}
        self.path.write_text(yaml.safe_dump(said))

    @property
    def store(self) -> Store:
        return store_at(address_of(load(self.path, {})), 60)

    def begun(self, *words: str) -> subprocess.Popen[str]:
        command = [WIREWATCH, *words, "-c", str(self.path), *self._options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *words: str) -> str:
        return done(self.begun(*words))


def done(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    return said


@pytest.fixture
def desks(servers: Servers, tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """On the cluster, and on this machine."""
    flink = servers.flink
    on_cluster = {"store": servers.elasticsearch.url, "elasticsearch": {"index_prefix": f"test-{uuid.uuid4().hex[:8]}"}}
    options = ["--runner=flink", f"--job-endpoint={flink.job_endpoint}", f"--flink={flink.rest}", *flink.options]
    with Receiver(SECRET) as receiver:
        webhooks = {"webhooks": {"desk": {"url": receiver.url, "secret": SECRET}}}
        cluster = Desk(tmp_path / "cluster.yaml", on_cluster | webhooks, [*options, "--sdk_worker_parallelism=2"])
        local = Desk(tmp_path / "local.yaml", {"store": f"sqlite:///{tmp_path}/local.db"} | webhooks, [])
        for desk in (cluster, local):
            desk.configure(ENTITIES, WATCHES)
        yield cluster, local
        close_stores()


def lines(articles: list[Article]) -> bytes:
    return b"".join(
        json.dumps({"url": url, "title": title, "text": text, "published_at": "2026-11-20T08:00:00Z"}).encode() + b"\n"
        for url, title, text in articles
    )


def folder_of_files(folder: Path) -> Path:
    """Files of lines, half of them gzipped; the last one words some of the first's stories anew and copies others."""
    folder.mkdir()
    for n in range(FILES):
        told = [article(n, at) for at in range(LINES)]
        if n == FILES - 1:
            told += [edited(article(0, at)) for at in range(5)] + [copied(article(1, at), n, at) for at in range(5)]
        body = lines(told)
        (folder / f"{n}.jsonl{'.gz' if n % 2 else ''}").write_bytes(gzip.compress(body) if n % 2 else body)
    return folder


def wait_for_more(desk: Desk, stories: int) -> None:
    ends_at = time.monotonic() + 120
    while desk.store.stories.count() <= stories:
        assert time.monotonic() < ends_at, "nothing comes"
        time.sleep(0.2)


def test_a_cluster_makes_the_same_of_files_and_of_stored_stories(
    desks: tuple[Desk, Desk], servers: Servers, tmp_path: Path
) -> None:
    """Though it is stopped, and its Python workers are killed; then with entities and watches that are new."""
    cluster, local = desks
    files = str(folder_of_files(tmp_path / "files"))
    stopped = cluster.begun("backfill", files, "--alert")
    wait_for_more(cluster, 0)
    stopped.send_signal(signal.SIGINT)
    said, _ = stopped.communicate(timeout=200)
    assert (stopped.returncode, "Stopped: run it again to go on." in said) == (130, True), said
    so_far = cluster.store.stories.count()
    assert so_far < FILES * LINES
    killed = cluster.begun("backfill", files, "--alert")
    wait_for_more(cluster, so_far)
    servers.flink.kill_workers()
    done(killed)
    local.run("backfill", files, "--alert")
    assert outcome(cluster.store) == outcome(local.store)
    assert cluster.store.landing.unfinished_count() == 0
    assert cluster.store.dead_letters.list() == []

    said = cluster.run("backfill", files)
    assert f"{FILES * LINES + 10} read, 0 new, 0 refused" in said

    for desk in desks:
        desk.configure(LATER_ENTITIES, LATER_WATCHES)
        said = desk.run("reannotate", "--alert")
        assert f"{FILES * LINES + 5} looked at, {FILES * LINES + 5} read" in said
    assert outcome(cluster.store) == outcome(local.store)
    assert {watch for watch, _ in outcome(cluster.store).hits} == {"musk-putin", "macron-putin"}
