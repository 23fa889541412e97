"""`kill -9` of `wirewatch run` and its reading processes at random instants, started again each time. Prints one JSON line.

    python benchmarks/kills.py [--stories 500] [--kills 20] [--seed 1]

Ten feeds on loopback hold the stories, 550 words each, a few more at each start; the service is killed so soon that most kills find
it at work. A tenth of the stories names the two that are watched, and a webhook verifies what it is sent. Exit 1 unless in the end
every story is in the index exactly once and no other, every expected alert has come, and each under one webhook-id alone. That a
call comes twice under its id is allowed, and counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil
from loopback import Feeds, rss
from texts import made_up, words_of

from pipeline.demo.receiver import Receiver
from pipeline.store.address import close_stores, store_at

COMMAND = str(Path(sys.executable).with_name("wirewatch"))
SECRET = "whsec_" + "c2VjcmV0" * 4
FEEDS = 10
MET = "Elon Musk met Vladimir Putin."
CONFIGURATION = """
store: sqlite:///{folder}/wirewatch.db
feeds:
{feeds}
entities:
  musk: {{name: Elon Musk, kind: person, aliases: [Musk]}}
  putin: {{name: Vladimir Putin, kind: person, aliases: [Putin]}}
watches: [{{name: musk-putin, all: [musk, putin], alert: [desk]}}]
webhooks: {{desk: {{url: "{webhook}", secret: "{secret}", timeout: 2s}}}}
"""
INSTANTS_S = 1.0, 5.0
"""After the start: the first poll goes out at 1.4 s."""
LAST_RUN_S = 120.0


def story(n: int, rng: random.Random) -> tuple[str, str, str]:
    """Address, title and text of story `n`, each of a happening of its own; every tenth is one that alerts."""
    text = " ".join(rng.choices([*words_of(), *made_up(rng, len(words_of()))], k=550))
    return f"https://outlet{n % FEEDS}.example/{n}", f"Report {n}", f"{text}.\n{MET if n % 10 == 0 else 'Nobody met.'}"


def publish(feeds: Feeds, stories: Sequence[tuple[str, str, str]]) -> None:
    """Let the feeds hold these, each its share."""
    for feed in range(FEEDS):
        feeds.bodies[f"/{feed}"] = rss(stories[feed::FEEDS])


def run_for(config: Path, seconds: float) -> None:
    """Start the service, and after so many seconds kill it and all that it started."""
    process = subprocess.Popen([COMMAND, "run", "--json", "-c", str(config)], stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        os.kill(member.pid, signal.SIGKILL)
    process.wait(10)


def run_to_end(config: Path, receiver: Receiver, alerts: int, address: str, stories: int) -> float:
    """Start the service and let it run until all is told and stored, or time is up; seconds that it took."""
    process = subprocess.Popen([COMMAND, "run", "--json", "-c", str(config)], stdout=subprocess.DEVNULL)
    began = time.perf_counter()
    store = store_at(address)
    while time.perf_counter() - began < LAST_RUN_S:
        time.sleep(0.5)
        if len(receiver.messages) >= alerts and store.stories.count() >= stories and not store.landing.unfinished_count():
            break
    took_s = time.perf_counter() - began
    time.sleep(3)  # whatever comes too much has time to come
    process.terminate()
    process.wait(15)
    return took_s


def main() -> int:
    """Run, look, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    stories = [story(n, rng) for n in range(options.stories)]
    expected = {url for url, _, text in stories if MET in text}
    stored_at_kills, instants = [], []
    with tempfile.TemporaryDirectory() as folder, Feeds() as feeds, Receiver(SECRET) as receiver:
        listed = "\n".join(f'  - {{url: "{feeds.url(f"/{feed}")}", every: 1s}}' for feed in range(FEEDS))
        config = Path(folder, "wirewatch.yaml")
        config.write_text(CONFIGURATION.format(folder=folder, feeds=listed, webhook=receiver.url, secret=SECRET))
        address = f"sqlite:///{folder}/wirewatch.db"
        for run in range(options.kills):
            publish(feeds, stories[: len(stories) * (run + 1) // (options.kills + 1)])
            instants.append(rng.uniform(*INSTANTS_S))
            run_for(config, instants[-1])
            stored_at_kills.append(store_at(address).stories.count())
        publish(feeds, stories)
        last_s = run_to_end(config, receiver, len(expected), address, len(stories))
        store = store_at(address)
        found = Counter(read.story.url for read in store.stories.all())
        dead = len(store.dead_letters.list())
        unfinished = store.landing.unfinished_count()
        close_stores()
        calls = receiver.calls
    told: dict[str, set[str]] = {}
    for call in calls:
        if call.payload:
            told.setdefault(call.payload["data"]["story"]["url"], set()).add(call.id)
    result = {
        "benchmark": "kills",
        "stories": len(stories),
        "kills": options.kills,
        "instants_s": [round(min(instants), 2), round(max(instants), 2)],
        "stored_at_kills": stored_at_kills,
        "last_run_s": round(last_s, 1),
        "indexed_once": sum(found[url] == 1 for url, _, _ in stories),
        "indexed_besides": sum(found.values()) - len(stories),
        "alerts_expected": len(expected),
        "alerts_told": len(expected & told.keys()),
        "alerts_besides": len(told.keys() - expected),
        "alerts_under_two_ids": sum(len(ids) > 1 for ids in told.values()),
        "calls": len(calls),
        "calls_again": sum(call.attempt > 1 for call in calls),
        "calls_refused": sum(not call.is_verified for call in calls),
        "unfinished": unfinished,
        "dead_letters": dead,
    }
    print(json.dumps(result))
    never = ("indexed_besides", "alerts_besides", "alerts_under_two_ids", "calls_refused", "unfinished", "dead_letters")
    is_whole = result["indexed_once"] == len(stories) and result["alerts_told"] == len(expected)
    return 0 if is_whole and not any(result[name] for name in never) else 1


if __name__ == "__main__":
    sys.exit(main())
