"""Elasticsearch killed (SIGKILL) at random instants under the service's feet, and once away for ten minutes. Prints one JSON line.

    python benchmarks/outage.py [--stories 2000] [--kills 20] [--seed 1]

The service is started before its cluster is. Twenty feeds on loopback bring more stories after each kill, 550 words each; the
cluster is killed after so many writes, drawn at random from those that these stories take from landing to the end, and started
again on its data. Each time the clock that the service goes by is pushed on by three minutes, so that what it had leased is due;
half-way the cluster is away for ten minutes more of that clock. A tenth of the stories names the two that are watched. At the end
the cluster is killed once more, and the service stopped without it.

Exit 1 unless the service never ended and in the end every story is in the index exactly once and no other, every expected alert has
come, each under one webhook-id alone, nothing is unfinished, waiting or among the dead letters.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import structlog
from kills import MET, SECRET, story
from loopback import Desk, Feeds, PushedClock, pushed_clock, rss
from server import Elasticsearch, cluster

from pipeline.config import Settings
from pipeline.errors import TransientError
from pipeline.jobs.local import LocalService
from pipeline.store.elasticsearch.client import Access
from pipeline.store.elasticsearch.store import ElasticsearchStore

FEEDS = 20
WRITES_WITHIN_S = 120.0
WRITES_A_STORY = 25
"""What lands, its mark made and deleted, its claims, the story: about so many."""
LAST_ROUNDS, LAST_ROUND_S = 10, 60.0
PREFIX = "wirewatch"
HEAP = "512m -XX:TieredStopAtLevel=1"
"""The server starts in half the time where its code is compiled only once: it does not live long."""


class Service:
    """The service in a thread; `failure` is what ended it."""

    def __init__(self, settings: Settings) -> None:
        self._stop = threading.Event()
        self._settings = settings
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="service")
        self._thread.start()

    def _run(self) -> None:
        try:
            LocalService(self._settings, pushed_clock).run(self._stop)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the result
            self.failure = error

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> float:
        """Seconds that it takes to end."""
        began = time.perf_counter()
        self._stop.set()
        self._thread.join(60)
        return time.perf_counter() - began


class Found(NamedTuple):
    """What the store holds when all is done."""

    urls: Counter[str]
    unfinished: int
    waiting: int
    dead: int
    broken_feeds: int


def writes(server: Elasticsearch) -> int:
    """How many documents were written since the server was started."""
    try:
        with urllib.request.urlopen(f"{server.url}/{PREFIX}-*/_stats/indexing", timeout=5) as answer:
            return int(json.load(answer)["_all"]["primaries"]["indexing"]["index_total"])
    except (OSError, KeyError):
        return 0


def wait_until(is_so: Callable[[], bool], within_s: float) -> bool:
    until = time.monotonic() + within_s
    while not (so := is_so()) and time.monotonic() < until:
        time.sleep(0.1)
    return so


def look(server: Elasticsearch) -> Found:
    """Raises `TransientError` where the cluster is away."""
    store = ElasticsearchStore(Access(server.url), PREFIX)
    try:
        return Found(
            Counter(read.story.url or "" for read in store.stories.all()),
            store.landing.unfinished_count(),
            store.outbox.waiting_count(),
            len(store.dead_letters.list()),
            sum(state.error is not None for state in store.feeds.states()),
        )
    finally:
        store.close()


def stored(server: Elasticsearch) -> int:
    """How many stories are there, as far as it is known."""
    try:
        return sum(look(server).urls.values())
    except TransientError:
        return -1


def settings_of(server: Elasticsearch, feeds: Feeds, desk: Desk) -> Settings:
    return Settings.model_validate(
        {
            "store": server.url,
            "feeds": [{"url": feeds.url(f"/{n}"), "every": "1s"} for n in range(FEEDS)],
            "entities": {
                "musk": {"name": "Elon Musk", "kind": "person", "aliases": ["Musk"]},
                "putin": {"name": "Vladimir Putin", "kind": "person", "aliases": ["Putin"]},
            },
            "watches": [{"name": "musk-putin", "all": ["musk", "putin"], "alert": ["desk"]}],
            "webhooks": {"desk": {"url": desk.url("/"), "secret": SECRET, "timeout": "2s"}},
        }
    )


def main() -> int:
    """Run, look, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    rng = random.Random(options.seed)
    stories = [story(n, rng) for n in range(options.stories)]
    expected = {url for url, _, text in stories if MET in text}
    stored_at_kills: list[int] = []
    killed_after: list[int] = []
    began = time.perf_counter()

    def bring(share: float) -> None:
        shown = stories[: round(len(stories) * share)]
        for feed in range(FEEDS):
            feeds.bodies[f"/{feed}"] = rss(shown[feed::FEEDS])

    with cluster(HEAP) as server, Feeds() as feeds, Desk() as desk:
        bring(0)
        server.stop()
        service = Service(settings_of(server, feeds, desk))
        time.sleep(3)
        server.start()
        for n in range(1, options.kills + 1):
            bring(n / options.kills)
            target = rng.randrange(1, WRITES_A_STORY * len(stories) // options.kills)
            wait_until(lambda target=target: writes(server) >= target, WRITES_WITHIN_S)
            killed_after.append(writes(server))
            server.kill()
            PushedClock.push(timedelta(minutes=3))
            if n == options.kills // 2:
                for _ in range(10):
                    PushedClock.push(timedelta(minutes=1))
                    time.sleep(0.5)
            server.start()
            stored_at_kills.append(stored(server))
            print(n, stored_at_kills[-1], file=sys.stderr)

        def is_done() -> bool:
            return stored(server) >= len(stories) and len(desk.told) >= len(expected) and look(server)[1:4] == (0, 0, 0)

        for _ in range(LAST_ROUNDS):
            # A feed that did not answer in time is asked again only some minutes later.
            PushedClock.push(timedelta(minutes=3))
            if wait_until(is_done, LAST_ROUND_S):
                break
        time.sleep(3)  # whatever comes too much has time to come
        found = look(server)
        was_running = service.is_running
        server.kill()
        stop_s = service.stop()
    result = {
        "benchmark": "outage",
        "stories": len(stories),
        "kills": options.kills,
        "killed_after_writes": killed_after,
        "minutes_of_its_clock": round(PushedClock.ahead.total_seconds() / 60),
        "stored_after_kills": stored_at_kills,
        "took_s": round(time.perf_counter() - began),
        "indexed_once": sum(found.urls[url] == 1 for url, _, _ in stories),
        "indexed_besides": sum(found.urls.values()) - len(stories),
        "alerts_expected": len(expected),
        "alerts_told": len(expected & desk.told.keys()),
        "alerts_besides": len(desk.told.keys() - expected),
        "alerts_under_two_ids": sum(len(ids) > 1 for ids in desk.told.values()),
        "calls_again": sum(ids.total() - len(ids) for ids in desk.told.values()),
        "unfinished": found.unfinished,
        "waiting": found.waiting,
        "dead_letters": found.dead,
        "feeds_that_did_not_answer": found.broken_feeds,
        "ended_by": repr(service.failure) if service.failure or not was_running else None,
        "stop_without_cluster_s": round(stop_s, 1),
    }
    print(json.dumps(result))
    never = ("indexed_besides", "alerts_besides", "alerts_under_two_ids", "unfinished", "waiting", "dead_letters", "ended_by")
    is_whole = result["indexed_once"] == len(stories) and result["alerts_told"] == len(expected)
    return 0 if is_whole and not any(result[name] for name in never) else 1


if __name__ == "__main__":
    sys.exit(main())
