"""Memory of a reading process over many stories whose words nobody has seen. Prints one JSON line.

    python benchmarks/reading_memory.py [--stories 100000]

Short stories (30 words, a third of them new, with new people) are read by one process of the pool, as the chain has them read.
Its resident memory is taken every 2,000 stories; the last tenth is compared with the fourth, when what is learnt once has been
learnt (`ner.LEARN_FROM`, the caches of `forms.py`) and the model been loaded anew for the first time (`ner.FORGET_AT_MOST`).
Exit 1 where it grew by more than 3%.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time

import psutil
from memory import new_word
from texts import sentences

from pipeline.language.pool import ReadingPool
from pipeline.language.read import Text
from pipeline.model import Reading

MOST_GROWTH = 0.03
BATCH = 32
TAKEN_EVERY = 2_000


def story(number: int, rng: random.Random, stock: list[str]) -> Text:
    """About thirty words."""
    person = f"{new_word(rng).title()} {new_word(rng).title()}"
    text = f"{person} met {new_word(rng).title()} {new_word(rng).title()} in {new_word(rng).title()}. {rng.choice(stock)}"
    return Text(
        str(number), f"{person} {new_word(rng)}", text + " " + " ".join(new_word(rng) for _ in range(6)), "example.org", "en"
    )


def main() -> int:
    """Read, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=100_000)
    count = parser.parse_args().stories
    rng, stock = random.Random(3), sentences()
    sizes: list[float] = []
    read = 0
    began = time.perf_counter()
    with ReadingPool({}, 1) as pool:
        pool.submit([story(0, rng, stock)]).result(120)
        (process,) = psutil.Process().children()
        while read < count:
            futures = [pool.submit([story(read + at, rng, stock) for at in range(BATCH)]) for _ in range(4)]
            for future in futures:
                read += sum(isinstance(reading, Reading) for reading in future.result(120))
            if read // TAKEN_EVERY > len(sizes) - 1:
                sizes.append(process.memory_info().rss / 1e6)
    tenth = max(1, len(sizes) // 10)
    warm, last = statistics.median(sizes[3 * tenth : 4 * tenth] or sizes), statistics.median(sizes[-tenth:])
    print(
        json.dumps(
            {
                "benchmark": "reading_memory",
                "stories": read,
                "seconds": round(time.perf_counter() - began, 1),
                "after_warm_up_mb": round(warm, 1),
                "last_mb": round(last, 1),
                "growth": round(last / warm - 1, 4),
                "mb_by_tenth": [round(size) for size in sizes[::tenth]],
                "wanted": {"growth": MOST_GROWTH},
            }
        )
    )
    return 0 if last / warm - 1 <= MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
