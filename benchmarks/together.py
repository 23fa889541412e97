"""Two processes that ingest the same stories at once in different orders: one end, and the one that a single process reaches.

    python benchmarks/together.py [--stories 5000] [--rounds 2]

Of the stories one in four is a copy of another (edited, cut, with a byline), one in four is sighted again edited, moved or under
another guid. Prints one JSON line; exit 1 where stories, wordings, copies or originals differ from those of one process alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from copies import datelined, edited, first_third
from texts import NOW, texts
from told import Steps

from pipeline.model import Item, ItemVersion, stable_id
from pipeline.store.sqlite.store import SqliteStore

WAYS = (edited(0.05), edited(0.1), first_third, datelined)


def sighted(number: int, text: str, minutes: int, guid: str | None, path: str, title: str, seen: int = 0) -> ItemVersion:
    """A story of a publisher as it stands in its feed."""
    source = f"outlet{number % 23}.example"
    published = NOW + timedelta(minutes=minutes)
    item = Item(f"https://{source}/rss", guid, f"https://{source}/{path}", title, text, False, published, ref=str(number))
    return ItemVersion(stable_id("together", str(number), str(seen)), item, NOW + timedelta(days=30, minutes=seen))


def made(count: int, seed: int = 0) -> list[ItemVersion]:
    """Sightings of `count` stories: originals, copies of them by other publishers, and further wordings."""
    rng = random.Random(seed)
    originals = texts(3 * count // 4, words=180, seed=seed)
    words = [word for text in originals[:100] for word in text.split()]
    told = list(enumerate(originals))
    for number in range(len(originals), count):
        original = rng.randrange(len(originals))
        # Not the publisher's own.
        number += 23 * count if number % 23 == original % 23 else 0
        told.append((number if number % 23 != original % 23 else number + 1, rng.choice(WAYS)(originals[original], rng, words)))
    versions = []
    for place, (number, text) in enumerate(told):
        title = " ".join(text.split()[:8])
        versions.append(sighted(number, text, rng.randrange(10_000), f"g{number}", f"{number}", title))
        if place % 4 == 0:
            again = rng.choice(((f"g{number}", f"moved/{number}"), (f"h{number}", f"{number}"), (None, f"{number}")))
            edit = " ".join((text, "More follows."))
            versions.append(sighted(number, edit, rng.randrange(10_000), *again, f"{title} again", seen=1 + rng.randrange(60)))
    return versions


def ingest(path: Path, versions: list[ItemVersion], seed: int) -> None:
    """Take every version the whole way, in an order of one's own; what the other process is about to finish is done as well."""
    rng = random.Random(seed)
    order = rng.sample(versions, len(versions)) if seed else versions
    store = SqliteStore(path)
    steps = Steps(store)
    at = 0
    while at < len(order):
        batch = order[at : at + rng.randint(8, 48)]
        at += len(batch)
        # Each process lands for itself, as two feeds' pollers would: under an id of its own.
        own = [version._replace(id=stable_id(version.id, str(seed))) for version in batch]
        steps.take(own)
    store.close()


def end(path: Path) -> dict[str, Any]:
    """What is stored, by the address of each story."""
    store = SqliteStore(path)
    stories = {read.story.id: read.story for read in store.stories.all()}
    store.close()
    name = {id: (story.source, story.ref) for id, story in stories.items()}
    return {
        str(name[id]): (
            story.title,
            [version.id for version in story.versions],
            story.duplicate_of and str(name[story.duplicate_of]),
        )
        for id, story in stories.items()
    } | {"count": len(stories)}


def main() -> int:
    """One process alone, then two at once, round by round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    versions = made(given.stories)
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        ingest(Path(folder, "alone.db"), versions, 0)
        alone = end(Path(folder, "alone.db"))
        rounds = []
        for n in range(given.rounds):
            path = Path(folder, f"{n}.db")
            began = time.perf_counter()
            both = [fork.Process(target=ingest, args=(path, versions, 1 + 2 * n + side)) for side in range(2)]
            for process in both:
                process.start()
            for process in both:
                process.join()
            found = end(path)
            differing = sorted(key for key in alone.keys() | found.keys() if alone.get(key) != found.get(key))
            rounds.append(
                {
                    "stories": found["count"],
                    "exit_codes": [process.exitcode for process in both],
                    "differing": len(differing),
                    "some": [(key, alone.get(key), found.get(key)) for key in differing[:2]],
                    "took_s": round(time.perf_counter() - began, 1),
                }
            )
    copies = sum(value[2] is not None for key, value in alone.items() if key != "count")
    print(
        json.dumps(
            {"benchmark": "together", "versions": len(versions), "stories": alone["count"], "copies": copies, "rounds": rounds}
        )
    )
    return 0 if all(not each["differing"] and each["exit_codes"] == [0, 0] for each in rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
