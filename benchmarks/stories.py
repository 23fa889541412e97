"""Months of a real feed in any order, in any batches, with any crash: the same stories, each wording kept. Prints one JSON line.

    python benchmarks/stories.py [--data ../shared/data] [--orders 4] [--dies 0.01]

18,425 item versions of BBC News; the address, which they give as guid and as link, says which story each is of. Each order but
the first (the file's own) hides the link of a third of the items and the guid of another third. Exit 1 where an order ends in
other stories than the addresses say, a wording is missing, or an order ends differently from another.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from told import DiedError, Mortal, Steps

from pipeline.model import Item, ItemVersion, stable_id
from pipeline.store.sqlite.store import SqliteStore


def versions(path: Path) -> list[ItemVersion]:
    """The file's item versions; which of its names an item keeps is drawn by its address and wording."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [_version(json.loads(line)) for line in lines]


def _version(told: dict[str, Any]) -> ItemVersion:
    id = stable_id("bbc", json.dumps(told, sort_keys=True))
    item = Item(
        feed=f"https://feeds.bbci.co.uk/news/{told['feed']}/rss.xml",
        guid=told["guid"],
        url=told["link"],
        title=told["title"],
        content=told["description"] or "",
        is_html=True,
        published_at=parsedate_to_datetime(told["pubDate"]).astimezone(UTC) if told["pubDate"] else None,
    )
    return ItemVersion(id, item, datetime.fromtimestamp(told["polled"], UTC))


def without_a_name(version: ItemVersion, rng: random.Random) -> ItemVersion:
    """The same item, as a feed that gives no guid or no link would have it; both are the address here, so that either will do."""
    kept = rng.choice(({"guid": None}, {"url": None}, {}))
    return version._replace(item=version.item._replace(**kept)) if version.item.guid else version


def ingest(all_versions: list[ItemVersion], seed: int, dies: float, folder: Path) -> dict[str, Any]:
    """One order on a store of its own; what is not finished when its worker dies is taken up by the next, later."""
    rng = random.Random(seed)
    order = [without_a_name(version, rng) for version in all_versions] if seed else list(all_versions)
    if seed:
        rng.shuffle(order)
    store = SqliteStore(folder / f"{seed}.db")
    deaths = 0
    steps = Steps(Mortal(store, lambda: rng.choice(("before", "after")) if rng.random() < dies else None))  # type: ignore[arg-type]
    began, at = time.perf_counter(), 0
    left: list[str] = []
    while at < len(order) or left:
        batch = order[at : at + rng.randint(1, 64)]
        at += len(batch)
        try:
            if batch:
                store.landing.land(batch, datetime.max.replace(tzinfo=UTC))
            again = left if not batch or rng.random() < 0.1 else []
            left = left if not again else []
            ids = again[:64] + [version.id for version in batch]
            left += again[64:]
            steps.go_on(ids)
        except DiedError:
            deaths += 1
            left += ids
    took = time.perf_counter() - began
    stories = [read.story for read in store.stories.all()]
    store.close()
    return {"stories": stories, "deaths": deaths, "took_s": took}


def main() -> int:
    """Ingest every order, and compare what is stored with what the addresses say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--orders", type=int, default=4)
    parser.add_argument("--dies", type=float, default=0.01, help="of the words to the store, at how many the worker dies")
    parser.add_argument("--first", type=int, default=0, help="the first seed; 0 is the file's own order")
    given = parser.parse_args()
    all_versions = versions(given.data / "bbcrss" / "item_versions.jsonl.gz")
    wordings = defaultdict(set)
    for version in all_versions:
        wordings[version.item.url].add((version.item.title, version.item.content))
    expected = Counter(len(each) for each in wordings.values())
    runs, ends = [], set()
    for seed in range(given.first, given.first + given.orders):
        with tempfile.TemporaryDirectory() as folder:
            run = ingest(all_versions, seed, given.dies, Path(folder))
        stories = run.pop("stories")
        ends.add(frozenset((story.title, story.text, story.published_at, tuple(v.id for v in story.versions)) for story in stories))
        found = Counter(len(story.versions) for story in stories)
        runs.append({"seed": seed, "stories": len(stories), "wordings": sum(len(s.versions) for s in stories),
                     "as_expected": found == expected, **run})  # fmt: skip
        print(json.dumps(runs[-1]), file=sys.stderr, flush=True)
    result = {
        "benchmark": "stories",
        "versions": len(all_versions),
        "expected_stories": len(wordings),
        "expected_wordings": sum(map(len, wordings.values())),
        "orders": runs,
        "different_ends": len(ends),
    }
    print(json.dumps(result))
    good = all(run["stories"] == len(wordings) for run in runs) and len(ends) == 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
