"""Memory of the local loop over many ticks with new stories each: `wirewatch run` as a user starts it. Prints one JSON line.

    python benchmarks/memory.py [--cycles 200] [--stories 6] [--warm 50]

A feed on loopback has new stories of 550 words, with words nobody has seen, whenever it is polled. Resident memory of the service
and of its reading processes is read after each cycle; the last 50 are compared with the 50 after warm-up.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from loopback import Feeds, rss
from texts import texts

from pipeline.store.address import close_stores, store_at

COMMAND = str(Path(sys.executable).with_name("wirewatch"))
CONFIGURATION = """
store: sqlite:///{folder}/wirewatch.db
feeds: [{{url: "{feed}", every: 1s}}]
entities: {{musk: {{name: Elon Musk, kind: person}}, putin: {{name: Vladimir Putin, kind: person}}}}
watches: [{{name: musk-putin, all: [musk, putin], within: story}}]
"""
COMPARED = 50
CYCLE_WITHIN_S = 60.0


def new_word(rng: random.Random) -> str:
    return "".join(rng.choices("bcdfghjklmnprstvwz", k=3) + rng.choices("aeiou", k=2) + rng.choices("bcdfghklmnprst", k=4))


def resident_mb(service: psutil.Process) -> tuple[float, float, float]:
    """Of the service, how much of that is mapped from files (the database), and of its reading processes together."""
    own = service.memory_info()
    children = service.children(recursive=True)
    return own.rss / 1e6, own.shared / 1e6, sum(child.memory_info().rss for child in children) / 1e6


def main() -> int:
    """Run, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--stories", type=int, default=6)
    parser.add_argument("--warm", type=int, default=50)
    options = parser.parse_args()
    rng = random.Random(5)
    made = texts(options.cycles * options.stories, seed=5)
    sizes: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder, Feeds() as feeds:
        feeds.bodies["/feed"] = rss([])
        config = Path(folder, "wirewatch.yaml")
        config.write_text(CONFIGURATION.format(folder=folder, feed=feeds.url("/feed")))
        process = subprocess.Popen([COMMAND, "run", "--json", "-c", str(config)], stdout=subprocess.DEVNULL)
        service = psutil.Process(process.pid)
        store = store_at(f"sqlite:///{folder}/wirewatch.db")
        try:
            for cycle in range(options.cycles):
                numbers = range(cycle * options.stories, (cycle + 1) * options.stories)
                feeds.bodies["/feed"] = rss(
                    [
                        (f"https://news.example/{n}", f"Report {n}", made[n] + " " + " ".join(new_word(rng) for _ in range(50)))
                        for n in numbers
                    ]
                )
                until = time.monotonic() + CYCLE_WITHIN_S
                while store.stories.count() < numbers.stop and time.monotonic() < until:
                    time.sleep(0.05)
                sizes.append(resident_mb(service))
            indexed = store.stories.count()
        finally:
            process.terminate()
            process.wait(15)
            close_stores()
    both = [service_mb + readers_mb for service_mb, _, readers_mb in sizes]
    warm = statistics.median(both[options.warm : options.warm + COMPARED])
    last = statistics.median(both[-COMPARED:])
    print(
        json.dumps(
            {
                "benchmark": "memory",
                "cycles": len(sizes),
                "stories": indexed,
                "after_warm_up_mb": round(warm, 1),
                "last_mb": round(last, 1),
                "growth": round(last / warm - 1, 4),
                "service_mb_by_25": [round(service_mb) for service_mb, _, _ in sizes[::25]] + [round(sizes[-1][0])],
                "of_it_files_mb_by_25": [round(files_mb) for _, files_mb, _ in sizes[::25]] + [round(sizes[-1][1])],
                "readers_mb_by_25": [round(readers_mb) for _, _, readers_mb in sizes[::25]] + [round(sizes[-1][2])],
                "wanted": {"growth": 0.05},
            }
        )
    )
    return 0 if indexed == options.cycles * options.stories and abs(last / warm - 1) <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
