"""What it costs to tell whose story an item is and whose copy, beside what a store holds already. Prints one JSON line.

    python benchmarks/sameness.py [--kept 1000000] [--few 10000] [--stories 960]

Stories of 550 words by ten publishers are taken through the chain's steps. Timed is all that sameness asks of the processor and
of the store: cleaning, fingerprints, claims and stored stories (`identify`); lines, habits, bands and comparison (`placed`);
not the write of the story itself. Then the same in a store whose claims and bands hold as many stories as `--kept` says; and,
for the ratio, the tuned model on such texts in the same process. Exit 1 where both take over 6% of the model's time, or cost
grows by over a fifth.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from texts import versions
from told import LATER, Steps, read

from pipeline.language.ner import load, spans
from pipeline.model import ItemVersion, stable_id
from pipeline.store.sqlite.store import SqliteStore
from pipeline.stories import copies, identify

BATCH = 32
MOST_OF_NER = 0.06
MOST_GROWTH = 1.2
_FILLED_AT_ONCE = 200_000


def fill(store: SqliteStore, stories: int) -> None:
    """What so many stories leave behind: three claims each and sixteen bands. In the order of their keys, as it is quicker."""
    keys = (hashlib.blake2b(str(n).encode(), digest_size=12).digest() for n in range(3 * stories))
    rows = sorted((key, key.hex()) for key in keys)
    with store._database.writing() as connection:
        connection.executemany("INSERT INTO claim VALUES(?, ?) ON CONFLICT DO NOTHING", rows)
    rng = random.Random(stories)
    for at in range(0, stories, BATCH):
        store.bands.keep({stable_id("kept", str(at + n)): [rng.getrandbits(32) for _ in range(16)] for n in range(BATCH)})


def timed(work: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """What `work` gives, and the seconds it takes."""
    began = time.perf_counter()
    answer = work(*given)
    return answer, time.perf_counter() - began


def cost(store: SqliteStore, all_versions: list[ItemVersion]) -> dict[str, float]:
    """Milliseconds a story, the median of the batches."""
    steps, same_story, same_text = Steps(store), [], []
    for at in range(0, len(all_versions), BATCH):
        batch = all_versions[at : at + BATCH]
        store.landing.land(batch, LATER)
        (passages, _), took = timed(identify.identify, batch, store)
        same_story.append(1000 * took / len(batch))
        (stored,) = steps.index.process(tuple(map(read, passages)))
        _, took = timed(copies.placed, stored, store)
        same_text.append(1000 * took / len(batch))
    together = [a + b for a, b in zip(same_story, same_text, strict=True)]
    return {
        "same_story_ms": round(statistics.median(same_story), 3),
        "same_text_ms": round(statistics.median(same_text), 3),
        "both_ms": round(statistics.median(together), 3),
        "both_mean_ms": round(statistics.mean(together), 3),
    }


def main() -> int:
    """Time an empty store, one with few stories and one with many, and the model between them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--stories", type=int, default=960)
    given = parser.parse_args()
    model = load()
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder, "store.db"))
        fill(store, given.few)
        cost(store, versions(320, seed=1))
        few = cost(store, versions(given.stories, seed=2))
        sample = [version.item.content for version in versions(128, seed=3)]
        _, took = timed(spans, model, sample)
        ner_ms = 1000 * took / len(sample)
        _, filling_s = timed(fill, store, given.kept)
        cost(store, versions(320, seed=4))
        many = cost(store, versions(given.stories, seed=5))
        _, took = timed(spans, model, sample)
        ner_ms = (ner_ms + 1000 * took / len(sample)) / 2
        store.close()
    share, growth = many["both_ms"] / ner_ms, many["both_ms"] / few["both_ms"]
    print(
        json.dumps(
            {
                "benchmark": "sameness",
                f"beside_{given.few}": few,
                f"beside_{given.kept}": many,
                "ner_ms": round(ner_ms, 2),
                "of_ner": round(share, 4),
                "growth": round(growth, 3),
                "filling_s": round(filling_s),
            }
        )
    )
    return 0 if share <= MOST_OF_NER and growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
