"""Events: how well stories of one happening come together, what that costs, and whether it depends on order or on how much is kept.

    python benchmarks/events.py quality [--set ecbplus --set neus]   the real chain, by `wirewatch backfill` and `wirewatch export`
                                        [--encoder minilm.onnx]       also by what stories mean; see `wirewatch events encoder`
    python benchmarks/events.py cost [--stories 512] [--encoder …]    against the recogniser, in one process and one run
    python benchmarks/events.py orders [--stories 5000]               two processes at once, each in an order of its own; twice
    python benchmarks/events.py growth [--stories 300000]             a story's time and memory with many kept and with few

The annotated sets and the script that scores them stand beside the clone (`--shared`). Each prints one JSON line and ends with 1
where a figure is missed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

# Numpy reads it when it is first imported: a model's share of a core is asked for, not what its threads wait for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import psutil
from bare import recognise, tuned
from bulk import readings
from texts import texts

from pipeline.jobs.regroup import regroup
from pipeline.model import Item, ItemVersion, Passage, Reading, ReadStory, Sketch, Story, Version, stable_id
from pipeline.store.beam import BATCH, batches
from pipeline.store.sqlite.store import SqliteStore
from pipeline.stories import copies
from pipeline.stories.encoder import encoder_at
from pipeline.stories.events import Placing
from pipeline.stories.identify import identify
from pipeline.stories.likeness import packed_terms, slots, telling
from tests.fakes import MemoryStore

WANTED = {"ecbplus": (0.80, 0.85), "neus": (0.55, 0.77)}
"""Pair F1 and B-cubed F1."""
WANTED_WITH_ENCODER = {"ecbplus": (0.82, 0.87), "neus": (0.60, 0.79)}
MOST_OF_NER = 0.15
MOST_GROWTH = 1.2
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


# ── quality ──────────────────────────────────────────────────────────────────────────────────────────────────────


def quality(options: argparse.Namespace) -> tuple[dict[str, object], bool]:
    """The figures of each set, by commands alone."""
    found = {name: scored(name, options.shared, options.encoder) for name in options.set or WANTED}
    wanted = WANTED_WITH_ENCODER if options.encoder else WANTED
    good = all(each["pairs"]["F1"] >= wanted[name][0] and each["bcubed_F1"] >= wanted[name][1] for name, each in found.items())
    return found, good


def scored(name: str, shared: Path, encoder: Path | None) -> dict:
    """A set's figures: its stories taken the whole way, exported and compared with what people say."""
    command, judge = str(Path(sys.executable).with_name("wirewatch")), str(shared / "eval/newseval.py")
    with tempfile.TemporaryDirectory() as folder:
        by_meaning = f"events: {{encoder: {encoder.resolve()}}}\n" if encoder else ""
        Path(folder, "wirewatch.yaml").write_text(f"store: sqlite:///{folder}/wirewatch.db\n{by_meaning}")
        run([sys.executable, judge, "prepare", name, folder, "--root", str(shared / "data")])
        run([command, "backfill", f"{folder}/stories.jsonl", "-c", f"{folder}/wirewatch.yaml"])
        run([command, "export", "stories", "--full", "-o", f"{folder}/export.jsonl", "-c", f"{folder}/wirewatch.yaml"])
        return json.loads(run([sys.executable, judge, "score", "events", folder, f"{folder}/export.jsonl"]))


def run(command: Sequence[str]) -> str:
    """What a command prints; it has to end well."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=3_600, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


# ── cost ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def cost(options: argparse.Namespace) -> tuple[dict[str, object], bool]:
    """Processor time of a story's identity and of its event, against that of recognising its names, taking turns.

    Before what is counted comes a batch that is not: a service loads its tables once.

    `recogniser` is spaCy's at its fastest, the yardstick; `own_recogniser` the one that the chain reads with.
    """
    from pipeline.language.ner import load
    from pipeline.language.read import Reader, text_of

    reader = Reader({})
    models = {"recogniser": tuned(), "own_recogniser": load()}
    written = texts(BATCH + options.stories, seed=11)
    spent = {"identity_and_copies": 0.0, "event": 0.0, "recogniser": 0.0, "own_recogniser": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder, "cost.db"))
        placing = Placing(store, encode=encoder_at(str(options.encoder.resolve())) if options.encoder else None)
        for batch in batches(list(enumerate(written))):
            if batch[0][0] == BATCH:
                spent = dict.fromkeys(spent, 0.0)
            versions = [version(str(n), text, n) for n, text in batch]
            began = time.process_time()
            passages, _ = identify(versions, store)
            identified = time.process_time()
            readings = [each for each in reader.read([text_of(each.story) for each in passages]) if isinstance(each, Reading)]
            passages = [each._replace(reading=reading) for each, reading in zip(passages, readings, strict=True)]
            known = time.process_time()
            passages = placing.placed(passages, NOW)
            spent["event"] += time.process_time() - known
            for name, nlp in models.items():
                read = time.process_time()
                recognise(nlp, [text for _, text in batch])
                spent[name] += time.process_time() - read
            keep(store, passages)
            stored = time.process_time()
            copies.placed(passages, store, NOW)
            spent["identity_and_copies"] += identified - began + time.process_time() - stored
        store.close()
    ms = {name: round(1_000 * seconds / options.stories, 3) for name, seconds in spent.items()}
    all_s = spent["event"] + spent["identity_and_copies"]
    share, of_own = (round(all_s / spent[name], 4) for name in models)
    event_share = round(spent["event"] / spent["recogniser"], 4)
    found = {"ms_per_story": ms, "share": share, "share_of_own_recogniser": of_own, "share_of_event": event_share}
    return found, share <= MOST_OF_NER


def version(name: str, text: str, minute: int, title: str = "") -> ItemVersion:
    """A story of one of ten publishers, a minute after the one before."""
    url = f"https://outlet{minute % 10}.example/{name}"
    item = Item("events", None, url, title or text[:60], text, is_html=False, published_at=NOW - timedelta(days=9, minutes=-minute))
    return ItemVersion(stable_id("events", name), item, NOW)


def keep(store: SqliteStore, passages: Sequence[Passage]) -> None:
    """Store passages as if they had been read; where another process was faster, its story stands."""
    store.stories.put(
        [ReadStory(each.story, each.reading or Reading(each.story.versions[-1].id), each.revision) for each in passages]
    )


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def orders(options: argparse.Namespace) -> tuple[dict[str, object], bool]:
    """Two stores, each filled by two processes at once, of which each has all the stories in an order of its own."""
    sys.path.insert(0, str(options.shared / "eval"))
    import newseval

    root = options.shared / "data"
    told = [story for story, _ in (*newseval.ecbplus(root), *newseval.neus(root, limit=10_000_000))][: options.stories]
    versions = [version(f"{n}", each["text"], n, each["title"]) for n, each in enumerate(told)]
    read = readings(identify(versions, MemoryStore())[0])
    ends = []
    online = []
    for seed in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "orders.db")
            SqliteStore(path).close()
            context = multiprocessing.get_context("spawn")
            workers = [context.Process(target=ingest, args=(path, shuffled(versions, 10 * seed + n), read)) for n in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            store = SqliteStore(path)
            online.append(events_of(store))
            regroup(store, NOW)
            ends.append(events_of(store))
            store.close()
    found = {
        "stories": [sum(map(len, end)) for end in ends],
        "events": [len(end) for end in ends],
        "the_same_before": online[0] == online[1],
        "events_that_differ": len(ends[0] ^ ends[1]),
    }
    return found, ends[0] == ends[1]


def shuffled(versions: Sequence[ItemVersion], seed: int) -> list[ItemVersion]:
    """The same in another order."""
    return random.Random(seed).sample(versions, len(versions))


def ingest(path: Path, versions: Sequence[ItemVersion], read: Mapping[str, Reading]) -> None:
    """Take stories the way from landed to stored; what is read in each wording was read before."""
    store = SqliteStore(path)
    placing = Placing(store)
    for batch in batches(versions):
        passages, _ = identify(batch, store)
        passages = [each._replace(reading=each.reading or read.get(each.story.versions[-1].id)) for each in passages]
        passages = placing.placed(passages, NOW)
        keep(store, passages)
        copies.placed(passages, store, NOW)
    store.close()


def events_of(store: SqliteStore) -> set[frozenset[str]]:
    """The stories of each event."""
    found: dict[str, set[str]] = {}
    for read in store.stories.all():
        found.setdefault(read.story.event_id, set()).add(read.story.id)
    return {frozenset(ids) for ids in found.values()}


# ── growth ───────────────────────────────────────────────────────────────────────────────────────────────────────


def growth(options: argparse.Namespace) -> tuple[dict[str, object], bool]:
    """A story's time, and memory, behind 10,000 stories and behind many; a day brings `--a-day`, and what is old is forgotten."""
    rng = np.random.default_rng(3)
    apart = timedelta(days=1) / options.a_day
    marks = (10_000, options.stories)
    measured: dict[int, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder, "growth.db"))
        at, n = NOW, 0
        for mark in marks:
            while n < mark:
                count = min(500, mark - n)
                store.events.keep([sketch(rng, n + k, at + (n + k) * apart) for k in range(count)], at + n * apart)
                n += count
                if n % 10_000 == 0:
                    store.tend(at + n * apart)
            measured[mark] = placing_time(store, rng, n, at, apart)
            n += PROBED
        kept = len(list(store.events.kept(NOW, at + (n + 1) * apart)))
        store.close()
    few, many = (measured[mark] for mark in marks)
    ratios = {"time": round(many[0] / few[0], 3), "memory": round(many[1] / few[1], 3)}
    found = {mark: {"ms_per_story": round(ms, 3), "own_mb": round(mb, 1)} for mark, (ms, mb) in measured.items()}
    return {"stories": found, "sketches_kept": kept, "ratios": ratios}, max(ratios.values()) <= MOST_GROWTH


PROBED = 2_000
MOST_WORDS = 300_000


def placing_time(store: SqliteStore, rng: np.random.Generator, n: int, at: datetime, apart: timedelta) -> tuple[float, float]:
    """Milliseconds of processor time a story, and megabytes of its own that the process holds, over the next stories."""
    placing = Placing(store)
    passages = [made(rng, n + k, at + (n + k) * apart) for k in range(PROBED)]
    spent = 0.0
    for batch in batches(passages):
        began = time.process_time()
        placing.placed(batch, at + n * apart)
        spent += time.process_time() - began
    memory = psutil.Process().memory_info()
    # What is mapped from the database is the system's to take back.
    return 1_000 * spent / PROBED, (memory.rss - memory.shared) / 1e6


def ranks(rng: np.random.Generator, words: int) -> np.ndarray:
    """Words as news has them: few are common, most are rare."""
    return np.minimum(rng.zipf(1.25, words), MOST_WORDS)


def sketch(rng: np.random.Generator, n: int, at: datetime) -> Sketch:
    """A story's sketch, made without a text."""
    terms, counts = np.unique(places()[ranks(rng, 330)], return_counts=True)
    packed = (terms.astype("<u4") << 8 | np.minimum(counts, 255).astype("<u4")).tobytes()
    return Sketch(f"s{n}", stable_id("event", f"s{n}"), f"outlet{n % 500}.example", at, telling(packed), packed)


@cache
def places() -> np.ndarray:
    """Where each made word counts, by its rank."""
    return np.array([slots(packed_terms("", f"w{rank}"))[0] for rank in range(MOST_WORDS + 1)])


def made(rng: np.random.Generator, n: int, at: datetime) -> Passage:
    """A story with a text of 330 words that say something."""
    text = " ".join(f"w{rank}" for rank in ranks(rng, 330))
    story = Story(
        f"s{n}", text[:60], text, None, f"outlet{n % 500}.example", (), "en", at, at, (Version(f"v{n}", at, at, ""),), f"e{n}"
    )
    return Passage(story, (), is_new=True, revision=0)


def main() -> int:
    """Measure, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    commands = parser.add_subparsers(dest="command", required=True)
    for function in (quality, cost, orders, growth):
        command = commands.add_parser(function.__name__, help=function.__doc__)
        command.set_defaults(measure=function)
        if function is quality:
            command.add_argument("--set", action="append", choices=list(WANTED))
        else:
            command.add_argument("--stories", type=int, default={cost: 512, orders: 5_000, growth: 300_000}[function])
        if function in (quality, cost):
            command.add_argument("--encoder", type=Path, help="the file that `wirewatch events encoder` makes")
        if function is growth:
            command.add_argument("--a-day", type=int, default=20_000)
    options = parser.parse_args()
    found, good = options.measure(options)
    print(json.dumps({"benchmark": f"events {options.command}", **found, "good": good}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
