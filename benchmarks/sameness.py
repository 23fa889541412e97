"""What it costs to tell whose story an item is and whose copy, beside what a store holds already. Prints one JSON line.

    python benchmarks/sameness.py [--kept 1000000] [--few 10000] [--stories 448] [--data ../shared/data]

Stories of 550 words by ten publishers are taken through the chain's steps. Timed is all that sameness asks of the processor and
of the store: cleaning, fingerprints, claims and stored stories (`identify`); lines, habits, bands and comparison (`placed`);
not the write of the story itself. Then the same in a store whose claims and bands hold as many stories as `--kept` says; and,
for the ratio, the tuned model on such texts. Exit 1 where both take over 6% of the model's time, or where cost or the process's
memory grows by over a fifth.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Numpy reads it when it is first imported: a model's share of a core is asked for, not what its threads wait for each other.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import psutil
from bare import recognise, tuned
from copies import ecbplus, neus
from told import LATER, NOW, Steps, read

from pipeline.model import Item, ItemVersion, stable_id
from pipeline.store.sqlite.store import SqliteStore
from pipeline.stories import copies, identify

BATCH = 32
WORDS = 550
MOST_OF_NER = 0.06
MOST_GROWTH = 1.2
_FILLED_AT_ONCE = 200_000


def fill(path: Path, stories: int) -> None:
    """Three claims each and sixteen bands. In the order of their keys, as it is quicker."""
    store = SqliteStore(path)
    keys = (hashlib.blake2b(str(n).encode(), digest_size=12).digest() for n in range(3 * stories))
    rows = sorted((key, key.hex()) for key in keys)
    with store._database.writing() as connection:
        connection.executemany("INSERT INTO claim VALUES(?, ?) ON CONFLICT DO NOTHING", rows)
    rng = random.Random(stories)
    for at in range(0, stories, BATCH):
        store.bands.keep({stable_id("kept", str(at + n)): [rng.getrandbits(32) for _ in range(16)] for n in range(BATCH)})
    store.close()


def versions(data: Path, seed: int = 0) -> list[ItemVersion]:
    """Stories of 550 words, made of real sentences in a drawn order, each used once: real language, and no two about one thing."""
    sentences = [line for text in (*ecbplus(data), *neus(data)) for line in text.text.replace(". ", ".\n").split("\n")]
    random.Random(seed).shuffle(sentences)
    made, story = [], []
    for sentence in sentences:
        story.append(sentence)
        if sum(len(each.split()) for each in story) >= WORDS:
            made.append(_version(len(made), "\n".join(" ".join(story[at : at + 3]) for at in range(0, len(story), 3))))
            story = []
    return made


def _version(number: int, text: str) -> ItemVersion:
    source = f"outlet{number % 10}.example"
    item = Item(f"https://{source}/rss", f"g{number}", f"https://{source}/{number}", text[:70], text, False, NOW)
    return ItemVersion(stable_id("sameness", str(number)), item, NOW)


def timed(work: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """What `work` gives, and the seconds of the processor that it takes, the kernel's included: others may be at work."""
    began = time.process_time()
    answer = work(*given)
    return answer, time.process_time() - began


def own_mb() -> float:
    """Megabytes that this process holds, but for what is mapped from files. It has imported what the chain does."""
    memory = psutil.Process().memory_info()
    return round((memory.rss - memory.shared) / 1e6, 1)


def cost(store: SqliteStore, all_versions: list[ItemVersion]) -> dict[str, float]:
    """Milliseconds of the processor a story, the median of the batches."""
    steps, same_story, same_text = Steps(store), [], []
    for at in range(0, len(all_versions), BATCH):
        batch = all_versions[at : at + BATCH]
        store.landing.land(batch, LATER)
        (passages, _), took = timed(identify.identify, batch, store)
        same_story.append(1000 * took / len(batch))
        (stored,) = steps.index.process(tuple(map(read, passages)))
        _, took = timed(copies.placed, stored, store, NOW)
        same_text.append(1000 * took / len(batch))
    together = [a + b for a, b in zip(same_story, same_text, strict=True)]
    return {
        "same_story_ms": round(statistics.median(same_story), 3),
        "same_text_ms": round(statistics.median(same_text), 3),
        "both_ms": round(statistics.median(together), 3),
        "both_mean_ms": round(statistics.mean(together), 3),
    }


def beside(path: Path, warm: list[ItemVersion], all_versions: list[ItemVersion]) -> dict[str, float]:
    """What a process costs that begins on a store as it is, and what it holds in the end."""
    store = SqliteStore(path)
    cost(store, warm)
    found = cost(store, all_versions) | {"own_mb": own_mb()}
    store.close()
    return found


def ner_ms(texts: list[str]) -> float:
    """Milliseconds of the processor that the model takes for a text."""
    nlp = tuned()
    _, took_s = timed(recognise, nlp, texts)
    return 1000 * took_s / len(texts)


def main() -> int:
    """Time a store with few stories and one with many, and the model between them, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--stories", type=int, default=448)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    given = parser.parse_args()
    drawn = versions(given.data)
    warm, few_versions, many_versions = drawn[:96], drawn[96 : 96 + given.stories], drawn[96 + given.stories :][: given.stories]
    with (
        tempfile.TemporaryDirectory() as folder,
        multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as process,
    ):
        path = Path(folder, "store.db")
        process.apply(fill, (path, given.few))
        few = process.apply(beside, (path, warm, few_versions))
        ner = process.apply(ner_ms, ([version.item.content for version in drawn[-96:]],))
        process.apply(fill, (path, given.kept))
        many = process.apply(beside, (path, drawn[-192:-96], many_versions))
    share = many["both_ms"] / ner
    growth, memory = (many[name] / few[name] for name in ("both_ms", "own_mb"))
    found = {
        "benchmark": "sameness",
        f"beside_{given.few}": few,
        f"beside_{given.kept}": many,
        "ner_ms": round(ner, 2),
        "of_ner": round(share, 4),
        "growth": round(growth, 3),
        "memory": round(memory, 3),
    }
    print(json.dumps(found))
    return 0 if share <= MOST_OF_NER and max(growth, memory) <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
