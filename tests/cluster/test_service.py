"""The service as a job on a real Flink with a real Elasticsearch, beside the local one with SQLite over the same feeds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.loopback import Feeds
from pipeline.config import Settings, load
from pipeline.demo.receiver import Receiver
from pipeline.errors import TransientError
from pipeline.jobs.flink_rest import Cluster
from pipeline.store.address import address_of, close_stores, store_at
from pipeline.store.roles import Store
from tests.cluster.conftest import Servers
from tests.cluster.newsroom import Article, Newsroom, article, copied, edited, outcome, told
from tests.servers.flink import Flink

pytestmark = [
    pytest.mark.slow,
    pytest.mark.flink,
    pytest.mark.enable_socket,
    pytest.mark.timeout(1200),  # Four minutes where the machine has little else to do.
    pytest.mark.xdist_group("flink"),
]
SECRET = "whsec_" + "A" * 32
WIREWATCH = str(Path(sys.executable).with_name("wirewatch"))
FEEDS = 6
SETTLED_WITHIN_S = 150
LASTS_S = 120
"""What the newsroom is open for, at least."""

ENTITIES = {
    "musk": {"name": "Elon Musk", "kind": "person", "aliases": ["Musk"]},
    "putin": {"name": "Vladimir Putin", "kind": "person", "aliases": ["Putin"]},
    "merkel": {"name": "Angela Merkel", "kind": "person"},
}
WATCHES = [
    {"name": "musk-putin", "all": ["musk", "putin"], "within": "sentence", "alert": ["desk"]},
    {"name": "merkel", "all": ["merkel"], "within": "story", "alert": ["desk"]},
]
LATER_ENTITIES = {**ENTITIES, "macron": {"name": "Emmanuel Macron", "kind": "person", "aliases": ["Macron"]}}
LATER_WATCHES = [*WATCHES, {"name": "macron-putin", "all": ["macron", "putin"], "within": "sentence", "alert": ["desk"]}]


class Service:
    """One service over the newsroom: its configuration's file, its store, its webhook."""

    def __init__(self, path: Path, store: dict[str, Any], receiver: Receiver) -> None:
        self.path, self._store, self.receiver = path, store, receiver

    def configure(self, urls: list[str], entities: dict[str, Any], watches: list[dict[str, Any]]) -> None:
        said = {
            **self._store,
            "feeds": [{"url": url, "every": "1s"} for url in urls],
            "entities": entities,
            "watches": watches,
            "webhooks": {"desk": {"url": self.receiver.url, "secret": SECRET}},
            "polling": {"timeout": "3s"},
            "processes": 1,
        }
        self.path.write_text(yaml.safe_dump(said))

    @property
    def settings(self) -> Settings:
        return load(self.path, {})

    @property
    def store(self) -> Store:
        return store_at(address_of(self.settings), 60)


class Both:
    """The service on the cluster and the one on this machine, over one newsroom."""

    def __init__(self, servers: Servers, newsroom: Newsroom, folder: Path, receivers: tuple[Receiver, Receiver]) -> None:
        self.servers, self.newsroom, self.folder = servers, newsroom, folder
        prefix = f"test-{uuid.uuid4().hex[:8]}"
        self.job = f"service-{prefix}"
        on_cluster = {"store": servers.elasticsearch.url, "elasticsearch": {"index_prefix": prefix, "timeout": "15s"}}
        self.cluster = Service(folder / "cluster.yaml", on_cluster, receivers[0])
        self.local = Service(folder / "local.yaml", {"store": f"sqlite:///{folder}/local.db"}, receivers[1])
        self._process: subprocess.Popen[bytes] | None = None
        self.published: dict[int, list[Article]] = {}

    def run(self, entities: dict[str, Any], watches: list[dict[str, Any]]) -> str:
        """Start both, or give both another configuration; what the command said of the cluster's."""
        for service in (self.cluster, self.local):
            service.configure(self.newsroom.urls, entities, watches)
        said = subprocess.run(self.submitting(), capture_output=True, text=True, timeout=400, check=False)
        assert said.returncode == 0, said.stderr
        self.stop_local()
        log = (self.folder / "local.log").open("ab")
        command = [WIREWATCH, "run", "--json", "-c", str(self.local.path)]
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        return said.stdout

    def submitting(self, *options: str) -> list[str]:
        """The command, with more options of Beam's."""
        flink = self.servers.flink
        return [
            WIREWATCH, "run", "-c", str(self.cluster.path), "--runner", "flink", "--job-endpoint", flink.job_endpoint,
            "--flink", flink.rest, "--job-name", self.job, "--checkpoints", flink.checkpoints, "--sdk_worker_parallelism=2",
            *flink.options, *options,
        ]  # fmt: skip

    def wait(self) -> None:
        """Until both have every story in its present wording and nothing is under way or untold."""
        for name, service in (("local", self.local), ("cluster", self.cluster)):
            wait_until(lambda service=service: is_settled(service, self.newsroom.titles), f"the {name} service is not done")  # type: ignore[misc]

    def stop_local(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def stop(self) -> None:
        self.stop_local()
        cluster = Cluster(self.servers.flink.rest)
        for job in cluster.living(self.job):
            cluster.cancel(job)
        close_stores()


def is_settled(service: Service, titles: dict[str, str]) -> bool:
    try:
        store = service.store
        found = {each.story.url: each.story.title for each in store.stories.all()}
        return found == titles and not store.landing.unfinished_count() and not store.outbox.waiting_count()
    except TransientError:
        return False


def wait_until(is_so: Callable[[], bool], trouble: str) -> None:
    ends_at = time.monotonic() + SETTLED_WITHIN_S
    while not is_so():
        assert time.monotonic() < ends_at, f"{trouble} after {SETTLED_WITHIN_S} s"
        time.sleep(0.5)


@pytest.fixture
def both(servers: Servers, tmp_path: Path) -> Iterator[Both]:
    with Feeds() as feeds, Receiver(SECRET) as one, Receiver(SECRET) as other:
        services = Both(servers, Newsroom(feeds, FEEDS), tmp_path, (one, other))
        yield services
        services.stop()


def assert_same(both: Both) -> None:
    """What is on the cluster is what the local service made of the same feeds, and every alert was told once."""
    on_cluster, local = outcome(both.cluster.store), outcome(both.local.store)
    assert on_cluster.stories.keys() == local.stories.keys()
    assert {url: (on_cluster.stories[url], read) for url, read in local.stories.items() if on_cluster.stories[url] != read} == {}
    assert on_cluster[1:] == local[1:]
    assert both.cluster.store.dead_letters.list() == []
    for service in (both.cluster, both.local):
        watch = {alert.id: alert.watch for alert in service.store.outbox.alerts()}
        alerts = sorted((watch[delivery.alert_id], delivery.id) for delivery in service.store.outbox.deliveries(watch))
        assert told(service.receiver) == alerts
        assert all(call.is_verified for call in service.receiver.calls)


def counters(both: Both) -> dict[str, int]:
    """What the job has counted since it was started; Flink hears of it every ten seconds."""
    cluster = Cluster(both.servers.flink.rest)
    return cluster.counters(cluster.living(both.job)[0])


def first_edition(newsroom: Newsroom) -> None:
    """Ten articles a feed; of two of each, the next outlet has a copy at the same moment."""
    fresh = {feed: [article(feed, n) for n in range(10)] for feed in range(FEEDS)}
    for feed in range(FEEDS):
        fresh[(feed + 1) % FEEDS] += [copied(article(feed, n), (feed + 1) % FEEDS, 100 * feed + n) for n in (2, 7)]
    newsroom.publish(fresh)


def test_what_is_killed_and_upgraded_tells_what_an_undisturbed_service_tells(both: Both) -> None:
    """Workers and TaskManager are killed while stories arrive, with no job server; then new code takes over by a savepoint."""
    opened_at = time.monotonic()
    first_edition(both.newsroom)
    both.run(ENTITIES, WATCHES)
    both.wait()
    flink = both.servers.flink
    flink.kill("job_server")

    both.newsroom.publish({feed: [article(feed, n) for n in range(10, 15)] + [edited(article(feed, 1))] for feed in range(FEEDS)})
    time.sleep(1.5)
    assert flink.workers()
    flink.kill_workers()
    wait_until(lambda: bool(flink.running()) and bool(flink.workers()), "the job is not back")

    both.newsroom.publish({feed: [article(feed, n) for n in range(15, 20)] for feed in range(FEEDS)})
    time.sleep(1.5)
    flink.kill("task_manager")
    flink.start_task_manager()
    wait_until(lambda: bool(flink.running()), "the job is not back")
    both.wait()
    assert "event='story.new'" in flink.said("worker_pool")

    flink.start_job_server()
    flink.wait()
    said = both.run(LATER_ENTITIES, LATER_WATCHES)
    assert "was stopped with the savepoint file:" in said
    both.newsroom.publish({feed: [article(feed, n) for n in range(20, 24)] + [edited(article(feed, 3))] for feed in range(FEEDS)})
    n = 24
    while time.monotonic() - opened_at < LASTS_S:
        both.newsroom.publish({feed: [article(feed, n)] for feed in range(FEEDS)})
        n += 1
        time.sleep(4)
    both.wait()
    assert_same(both)
    assert any(hit.watch == "macron-putin" for hit in both.cluster.store.outbox.hits())
    wait_until(lambda: counters(both).get("polls", 0) > 0, "Flink shows no polls counted")


def test_elasticsearch_killed_in_the_middle_costs_time_and_nothing_else(both: Both) -> None:
    """What was on its way waits until the store is back."""
    first_edition(both.newsroom)
    both.run(ENTITIES, WATCHES)
    time.sleep(3)
    both.newsroom.publish({feed: [article(feed, n) for n in range(10, 20)] for feed in range(FEEDS)})
    time.sleep(1.5)
    both.servers.elasticsearch.kill()
    time.sleep(5)
    both.servers.elasticsearch.start()
    both.newsroom.publish({feed: [article(feed, n) for n in range(20, 24)] for feed in range(FEEDS)})
    both.wait()
    assert_same(both)


def test_a_job_that_was_drained_or_lost_goes_on_where_it_was(both: Both) -> None:
    """Ended for good with a drain, or gone with its JobManager, which keeps nothing here: submitted again, it goes by the store."""
    flink = both.servers.flink
    first_edition(both.newsroom)
    both.run(ENTITIES, WATCHES)
    both.wait()
    cluster = Cluster(flink.rest)
    drain(flink, cluster.living(both.job)[0].id)
    wait_until(lambda: not cluster.living(both.job), "the job does not drain")

    both.newsroom.publish({feed: [article(feed, n) for n in range(10, 13)] for feed in range(FEEDS)})
    both.run(ENTITIES, WATCHES)
    time.sleep(1.5)
    flink.kill("job_manager")
    flink.start_job_manager()
    flink.wait()
    both.newsroom.publish({feed: [article(feed, n) for n in range(13, 15)] + [edited(article(feed, 11))] for feed in range(FEEDS)})
    both.run(ENTITIES, WATCHES)
    both.wait()
    assert_same(both)


def test_a_job_whose_workers_lack_wirewatch_is_not_said_to_run(both: Both) -> None:
    """Flink has every task of it run, and hears for minutes of no error: no checkpoint comes about."""
    flink, without = both.servers.flink, both.folder / "without"
    (without / "pipeline").mkdir(parents=True)
    (without / "pipeline" / "__init__.py").write_text("""raise ModuleNotFoundError("No module named 'pipeline'")""")
    flink.start_worker_pool("bare_pool", PYTHONPATH=str(without))
    flink.wait()
    both.cluster.configure(both.newsroom.urls, ENTITIES, WATCHES)
    submitting = subprocess.Popen(both.submitting(f"--environment_config={flink.pool('bare_pool')}"))
    try:
        wait_until(lambda: bool(flink.running()), "the tasks do not run")
        time.sleep(15)
        assert submitting.poll() is None
    finally:
        submitting.kill()
        submitting.wait(30)
        flink.kill("bare_pool")
    assert "No module named 'pipeline'" in flink.said("bare_pool")


def test_a_job_that_cannot_begin_is_told_of_with_its_reason(both: Both) -> None:
    """As soon as it has failed."""
    both.cluster.configure(both.newsroom.urls, ENTITIES, WATCHES)
    command = both.submitting("--state_backend_storage_path=file:///proc/none")
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (said.returncode, said.stdout) == (1, "")
    assert "has failed: java.io.IOException: Failed to create directory" in said.stderr


def drain(flink: Flink, job_id: str) -> None:
    """As docs/cluster.md has it."""
    body = json.dumps({"drain": True, "targetDirectory": flink.checkpoints}).encode()
    request = urllib.request.Request(f"http://{flink.rest}/jobs/{job_id}/stop", body)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 202
