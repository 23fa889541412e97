"""A first-version index brought to the newest mapping while stories arrive, by a process that is killed. Prints one JSON line.

    python benchmarks/migration.py [--stories 5000] [--kills 8] [--seed 1]

`wirewatch store migrate` is killed (SIGKILL) at random instants and run again, at last to its end. All the while another process's
store takes new stories and edits of those that were there. Exit 1 unless in the end each story is there once, in its last wording,
and found by what the first version's index did not know.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import structlog
from server import served
from texts import NOW, words_of

from pipeline.errors import TransientError
from pipeline.model import Entity, Reading, ReadStory, Story, Version
from pipeline.search.language import query_of
from pipeline.store.beam import batches
from pipeline.store.elasticsearch.client import Access, Cluster
from pipeline.store.elasticsearch.indices import VERSION, Indices, mappings, settings
from pipeline.store.elasticsearch.store import ElasticsearchStore

COMMAND = str(Path(sys.executable).with_name("wirewatch"))
PREFIX = f"migration-{uuid.uuid4().hex[:8]}"
UNKNOWN = ("terms", "pair_names")
"""Fields that the first version's index is without."""
ARRIVE = 5
"""Stories that arrive together, and as many edits."""


def story(n: int, rng: random.Random, title: str, revision: int = 0) -> ReadStory:
    """A story of 550 words about Elon Musk."""
    text = " ".join(rng.choices(words_of(), k=550))
    at = NOW + timedelta(seconds=n)
    told = Story(
        f"s{n:06d}", title, text, f"https://outlet.example/{n}", "outlet.example", ("https://outlet.example/rss",), "en", at, at,
        (Version(f"v{n}", at, at, title),), f"e{n:06d}",
    )  # fmt: skip
    return ReadStory(told, Reading(f"v{n}", entities=(Entity("musk", "Elon Musk", "person", 1),)), revision)


def first_version(url: str) -> None:
    """The index of stories as the first version made it."""
    mapped = mappings("stories")
    mapped |= {
        "_meta": {"version": 1},
        "properties": {name: kind for name, kind in mapped["properties"].items() if name not in UNKNOWN},
    }
    client = Cluster(Access(url)).client
    aliases: dict[str, dict[str, str]] = {f"{PREFIX}-stories": {}}
    client.indices.create(index=f"{PREFIX}-stories-000001", settings=settings("stories"), mappings=mapped, aliases=aliases)
    client.close()


class Arrivals:
    """Stories and edits that arrive, in a thread, until stopped: what of them has been taken."""

    def __init__(self, url: str, there: int, rng: random.Random) -> None:
        self._store, self._there, self._rng = ElasticsearchStore(Access(url), PREFIX), there, rng
        self._stop = threading.Event()
        self.new = 0
        self.edits: Counter[int] = Counter()
        self.waits = 0
        self._thread = threading.Thread(target=self._arrive)
        self._thread.start()

    def _arrive(self) -> None:
        while not self._stop.is_set():
            edited = self._rng.sample(range(self._there), ARRIVE)
            stories = [story(self._there + self.new + n, self._rng, "New") for n in range(ARRIVE)]
            stories += [story(n, self._rng, f"Edited {self.edits[n] + 1}", self.edits[n] + 1) for n in edited]
            self._write(stories)
            self.new += ARRIVE
            self.edits.update(edited)

    def _write(self, stories: Sequence[ReadStory]) -> None:
        """Write as the chain does: what cannot be written now is written later."""
        while True:
            try:
                stale = self._store.stories.put(stories)
            except TransientError:
                self.waits += 1
                time.sleep(0.1)
            else:
                assert not stale, stale
                return

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)


def main() -> int:
    """Run, look, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a server that is there, instead of one of its own")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder, served(options.url) as url:
        config = Path(folder, "wirewatch.yaml")
        config.write_text(f"store: {url}\nelasticsearch: {{index_prefix: {PREFIX}}}\n")
        first_version(url)
        store = ElasticsearchStore(Access(url), PREFIX)
        for batch in batches([story(n, rng, "First") for n in range(options.stories)], 200):
            assert not store.stories.put(batch)
        before = store.stories.facets(query_of("entity:musk", NOW)).stories
        arrivals = Arrivals(url, options.stories, random.Random(options.seed + 1))
        ended_early = 0
        command = [COMMAND, "store", "migrate", "-c", str(config)]
        for _ in range(options.kills):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(1.0, 5.0))
            ended_early += process.poll() is not None
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        began = time.perf_counter()
        migrated = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
        took_s = time.perf_counter() - began
        arrivals.stop()
        titles = {read.story.id: read.story.title for read in store.stories.all()}
        expected = {f"s{n:06d}": "First" for n in range(options.stories)}
        expected |= {f"s{n:06d}": f"Edited {edit}" for n, edit in arrivals.edits.items()}
        expected |= {f"s{options.stories + n:06d}": "New" for n in range(arrivals.new)}
        count, found = store.stories.count(), store.stories.facets(query_of("entity:musk", NOW)).stories
        versions = Indices(Cluster(Access(url)), PREFIX).versions("stories")
        store.wipe()
        store.close()
    result = {
        "benchmark": "migration",
        "stories_before": options.stories,
        "found_by_entity_before": before,
        "kills": options.kills,
        "killed_after_its_end": ended_early,
        "last_run_s": round(took_s, 1),
        "arrived": arrivals.new,
        "edits": arrivals.edits.total(),
        "writes_that_waited": arrivals.waits,
        "stories": count,
        "found_by_entity": found,
        "lost": len(expected.keys() - titles.keys()),
        "besides": len(titles.keys() - expected.keys()),
        "twice": count - len(titles),
        "in_an_older_wording": sum(titles.get(id) != title for id, title in expected.items()),
        "indices": versions,
    }
    print(json.dumps(result))
    never = ("lost", "besides", "twice", "in_an_older_wording", "found_by_entity_before")
    is_whole = not migrated and found == count == len(expected) and set(versions.values()) == {VERSION}
    return 0 if is_whole and not any(result[name] for name in never) else 1


if __name__ == "__main__":
    sys.exit(main())
