"""What waiting costs, and how soon the first poll goes out: `wirewatch run` as a user starts it. Prints one JSON line.

    python benchmarks/idle.py [--rounds 5] [--seconds 20]

Three figures: from the command to the first request that a feed sees; the processor time of a second in which nothing is due; and
that of a tick whose one feed has nothing new (304), a job of the whole chain.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from loopback import Feeds, rss

COMMAND = str(Path(sys.executable).with_name("wirewatch"))
CONFIGURATION = """
store: sqlite:///{folder}/wirewatch.db
feeds: [{{url: "{feed}", every: {every}}}]
entities: {{musk: {{name: Elon Musk, kind: person}}, putin: {{name: Vladimir Putin, kind: person}}}}
watches: [{{name: musk-putin, all: [musk, putin]}}]
"""
WARM_S = 6.0


def started(folder: Path, feeds: Feeds, every: str) -> tuple[subprocess.Popen[bytes], float]:
    """The service, and the seconds from the command to its first poll."""
    folder.mkdir()
    (folder / "wirewatch.yaml").write_text(CONFIGURATION.format(folder=folder, feed=feeds.url("/feed"), every=every))
    feeds.first_asked.clear()
    began = time.perf_counter()
    command = [COMMAND, "run", "--json", "-c", str(folder / "wirewatch.yaml")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    if not feeds.first_asked.wait(60):
        process.kill()
        raise SystemExit("no poll within 60 s")
    return process, time.perf_counter() - began


def stopped(process: subprocess.Popen[bytes]) -> float:
    """Seconds that SIGTERM takes to end the service."""
    began = time.perf_counter()
    process.terminate()
    process.wait(30)
    return time.perf_counter() - began


def used_s(process: subprocess.Popen[bytes]) -> float:
    """Processor seconds of the service and its reading processes."""
    service = psutil.Process(process.pid)
    return sum(sum(each.cpu_times()[:2]) for each in (service, *service.children(recursive=True)))


def measured(process: subprocess.Popen[bytes], feeds: Feeds, seconds: float) -> tuple[float, int]:
    """Processor seconds in `seconds`, and the polls in them."""
    time.sleep(WARM_S)
    polls, used = sum(feeds.answers.values()), used_s(process)
    time.sleep(seconds)
    return used_s(process) - used, sum(feeds.answers.values()) - polls


def main() -> int:
    """Measure, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    first_polls, stops = [], []
    with tempfile.TemporaryDirectory() as name, Feeds() as feeds:
        feeds.bodies["/feed"] = rss([("https://news.example/1", "A report", "Elon Musk met Vladimir Putin.")])
        for n in range(options.rounds):
            process, first_poll_s = started(Path(name, str(n)), feeds, "1h")
            first_polls.append(first_poll_s)
            if n == options.rounds - 1:
                idle_s, _ = measured(process, feeds, options.seconds)
            stops.append(stopped(process))
        process, _ = started(Path(name, "busy"), feeds, "1s")
        tick_s, ticks = measured(process, feeds, options.seconds)
        stops.append(stopped(process))
    found = {
        "benchmark": "idle",
        "first_poll_s": [round(figure, 2) for figure in (min(first_polls), statistics.median(first_polls), max(first_polls))],
        "idle_cpu_ms_per_s": round(idle_s / options.seconds * 1000, 1),
        "tick_without_news_cpu_ms": round(tick_s / ticks * 1000, 1),
        "ticks_without_news": ticks,
        "stop_s": [round(min(stops), 2), round(max(stops), 2)],
        "wanted": {"first_poll_s": 3, "tick_without_news_cpu_ms": 100, "stop_s": 10},
    }
    print(json.dumps(found))
    is_right = max(first_polls) < 3 and tick_s / ticks < 0.1 and idle_s / options.seconds < 0.1 and max(stops) < 10
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
