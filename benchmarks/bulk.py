"""What Elasticsearch costs: stories through the store against the same documents by bare bulk, and the server's time for the chain.

    python benchmarks/bulk.py [--stories 2000] [--rounds 5]

The stories have 550 words and were really read. By turns, each into new indices: `helpers.parallel_bulk` of the documents, ready
made, with its four threads; `store.stories.put` in batches of 100 from four threads, and from one. The store makes the documents,
looks what is there, and returns when they can be searched; the bare bulk is searchable once it has ended.

Then all that the chain asks of the store, batch after batch of 100 new stories: a feed's lease, landing, reading it back, claims,
sketches and the stories like them, writing, bands and habits and copies, hits and alerts, finishing, what is due, delivering.
Counted is the processor time of the server's process, by the role it was asked as; what it does by itself in between (refreshes,
merges) is told apart.

Prints one JSON line. Exit 1 below .8 of the bare bulk, or above 4 ms a story.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import structlog
from elasticsearch import Elasticsearch as Client
from elasticsearch import helpers
from server import Elasticsearch, cluster
from texts import versions

from pipeline.alerts.compose import alert_of, deliveries_of
from pipeline.config import Settings
from pipeline.language.pool import ReadingPool
from pipeline.language.read import Text
from pipeline.model import ItemVersion, Passage, Reading, ReadStory
from pipeline.search.beam import read_story
from pipeline.store.beam import batches
from pipeline.store.elasticsearch.client import Access
from pipeline.store.elasticsearch.documents import document
from pipeline.store.elasticsearch.indices import mappings, settings
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.roles import Store
from pipeline.stories import copies
from pipeline.stories.events import Placing
from pipeline.stories.identify import identify
from pipeline.watches.match import WatchIndex, matched
from tests.fakes import MemoryStore

BATCH = 100
WRITERS = 4
CONFIGURED = Settings.model_validate(
    {
        "entities": {
            "musk": {"name": "Elon Musk", "kind": "person", "aliases": ["Musk"]},
            "putin": {"name": "Vladimir Putin", "kind": "person", "aliases": ["Putin"]},
        },
        "watches": [{"name": "musk-putin", "all": ["musk", "putin"], "within": "sentence"}],
    }
)
WARM_ROUNDS = 6
"""The server's code is compiled by then: before that, its compilers take as long as its work."""
SETTLED_S = 2.0


def readings(passages: Sequence[Passage]) -> dict[str, Reading]:
    """What is read in each story, by its version."""
    texts = [Text(each.story.versions[-1].id, each.story.title, each.story.text) for each in passages]
    with ReadingPool(CONFIGURED.entities) as pool:
        futures = [pool.submit(batch) for batch in batches(texts)]
        found = [reading for future in futures for reading in future.result(300)]
    return {reading.version_id: reading for reading in found if isinstance(reading, Reading)}


# ── stories, against bare bulk ───────────────────────────────────────────────────────────────────────────────────


def bare(server: Elasticsearch, documents: Sequence[dict[str, Any]]) -> float:
    """Documents a second by the client's own helper, until they can be searched."""
    client, index = Client(server.url, request_timeout=60), f"bare-{uuid.uuid4().hex[:8]}"
    client.indices.create(index=index, settings=settings("stories"), mappings=mappings("stories"))
    actions = [{"_op_type": "create", "_index": index, "_id": each["story_id"], "_source": each} for each in documents]
    began = time.perf_counter()
    for is_done, answer in helpers.parallel_bulk(client, actions, thread_count=WRITERS):
        assert is_done, answer
    client.indices.refresh(index=index)
    took_s = time.perf_counter() - began
    assert client.count(index=index)["count"] == len(documents)
    client.indices.delete(index=index)
    client.close()
    return len(documents) / took_s


def put(server: Elasticsearch, stories: Sequence[ReadStory], writers: int) -> float:
    """Stories a second through the store."""
    store = ElasticsearchStore(Access(server.url), f"put-{uuid.uuid4().hex[:8]}")
    began = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        assert not set().union(*pool.map(store.stories.put, batches(stories, BATCH)))
    took_s = time.perf_counter() - began
    assert store.stories.count() == len(stories)
    store.wipe()
    store.close()
    return len(stories) / took_s


# ── the chain ────────────────────────────────────────────────────────────────────────────────────────────────────


class Meter:
    """The server's processor time, by what it was used for."""

    def __init__(self, server: Elasticsearch) -> None:
        self._server = server
        self.used_s: Counter[str] = Counter()
        self._last_s = server.cpu_s()

    def reset(self) -> None:
        self.used_s.clear()
        self._last_s = self._server.cpu_s()

    def charge(self, role: str) -> None:
        """Put down to `role` what was used since the last time."""
        now_s = self._server.cpu_s()
        self.used_s[role] += now_s - self._last_s
        self._last_s = now_s


class Metered:
    """A role of the store whose calls are put down to it."""

    def __init__(self, role: str, inner: object, meter: Meter) -> None:
        self._role, self._inner, self._meter = role, inner, meter

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*arguments: Any) -> Any:
            self._meter.charge("by itself")
            answer = method(*arguments)
            self._meter.charge(self._role)
            return answer

        return call


class MeteredStore:
    """A store each of whose roles is metered."""

    def __init__(self, store: Store, meter: Meter) -> None:
        for role in ("feeds", "landing", "claims", "stories", "bands", "habits", "events", "outbox"):
            setattr(self, role, Metered(role, getattr(store, role), meter))


def chain(store: Any, batch: Sequence[ItemVersion], read: dict[str, Reading], watches: WatchIndex, placing: Placing) -> int:
    """All that the chain and the deliverer ask of the store for a batch of what a feed brings; how many alerts it made."""
    now = batch[-1].seen_at
    until = now + timedelta(minutes=2)
    store.feeds.next_due_at()
    store.landing.next_due_at()
    for state in store.feeds.lease(now, until, 1):
        landed = store.landing.land(batch, until, [state._replace(next_poll_at=now, etag=str(now))])
    passages, _ = identify(store.landing.read(landed), store)
    passages = [each._replace(reading=read[each.story.versions[-1].id]) for each in passages]
    passages = [matched(each, watches, now) for each in placing.placed(passages, now)]
    assert store.stories.put([read_story(each) for each in passages]) == set()
    passages = copies.placed(passages, store, now)
    hits = [(hit, each.story) for each in passages for hit in each.hits]
    assert not store.outbox.known_hits([hit.id for hit, _ in hits])
    alerts = [alert_of(hit, story, now) for hit, story in hits]
    deliveries = [each for alert in alerts for each in deliveries_of(alert, ["desk"], now)]
    store.outbox.tell([hit for hit, _ in hits], alerts, deliveries)
    store.landing.finish([id for each in passages for id in each.item_version_ids])
    leased = store.outbox.lease(now, until, BATCH)
    list(store.outbox.alerts({each.alert_id for each in leased}))
    store.outbox.record([each._replace(status="delivered", next_attempt_at=None) for each in leased])
    return len(alerts)


def chained(server: Elasticsearch, landing: Sequence[ItemVersion], read: dict[str, Reading]) -> tuple[Meter, int]:
    """The server's time for all of `landing`, and how many alerts it made."""
    store, meter = ElasticsearchStore(Access(server.url), f"chain-{uuid.uuid4().hex[:8]}"), Meter(server)
    store.feeds.subscribe(["https://outlet.example/rss"], landing[0].seen_at)
    time.sleep(SETTLED_S)
    meter.reset()
    metered, watches = MeteredStore(store, meter), WatchIndex(CONFIGURED.watches)
    placing = Placing(metered)
    alerts = sum(chain(metered, batch, read, watches, placing) for batch in batches(landing, BATCH))
    time.sleep(SETTLED_S)
    meter.charge("by itself")
    assert store.stories.count() == len(landing)
    assert store.landing.unfinished_count() == store.outbox.waiting_count() == 0
    store.wipe()
    store.close()
    return meter, alerts


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────────────────


def spread(figures: Sequence[float], digits: int) -> list[float]:
    return [round(each, digits) for each in (min(figures), statistics.median(figures), max(figures))]


def main() -> int:
    """Measure, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    landing = versions(options.stories)
    passages, _ = identify(landing, MemoryStore())
    read = readings(passages)
    stories = [ReadStory(each.story, read[each.story.versions[-1].id]) for each in passages]
    documents = [document(each) for each in stories]
    rates: dict[str, list[float]] = {"bare": [], "put by four": [], "put by one": []}
    costs: list[Counter[str]] = []
    with cluster() as server:
        for n in range(WARM_ROUNDS + options.rounds):
            found = {
                "bare": bare(server, documents),
                "put by four": put(server, stories, WRITERS),
                "put by one": put(server, stories, 1),
            }
            meter, alerts = chained(server, landing, read)
            print(n, round(sum(meter.used_s.values()) / options.stories * 1000, 2), "ms a story", file=sys.stderr)
            if n >= WARM_ROUNDS:
                costs.append(meter.used_s)
                for name, rate in found.items():
                    rates[name].append(rate)
    totals = [sum(cost.values()) / options.stories * 1000 for cost in costs]
    ratios = [ours / theirs for ours, theirs in zip(rates["put by four"], rates["bare"], strict=True)]
    result = {
        "benchmark": "bulk",
        "stories": options.stories,
        "rounds": options.rounds,
        "stories_per_s": {name: spread(found_rates, 0) for name, found_rates in rates.items()},
        "against_bare": spread(ratios, 3),
        "against_bare_by_one": spread([a / b for a, b in zip(rates["put by one"], rates["bare"], strict=True)], 3),
        "server_ms_a_story": spread(totals, 2),
        "server_ms_by_role": {
            role: round(statistics.median(cost[role] for cost in costs) / options.stories * 1000, 2) for role in sorted(costs[0])
        },
        "alerts": alerts,
        "wanted": {"against_bare": 0.8, "server_ms_a_story": 4.0},
    }
    print(json.dumps(result))
    return 0 if statistics.median(ratios) >= 0.8 and statistics.median(totals) <= 4.0 else 1


if __name__ == "__main__":
    sys.exit(main())
