"""Copies of real stories, edited as desks do it, found among look-alikes: recall and precision. Prints one JSON line.

    python benchmarks/copies.py [--data ../shared/data] [--seed 1] [--most 600]

Stories of ecbplus and neus with at least 60 words are copied to other publishers in each of the ways below; originals and
copies are taken through the chain's steps into a store in a shuffled order. A copy is found where it ends in one group with its
story. Then all stories of both sets are taken, whose clusters tell one event in different words: two of them in one group are a
mistake, unless one is a copy in fact (its words nearly all stand in the other, in their order: these sets hold some, counted
apart as `verbatim`). Precision is of all pairs found. Exit 1 where a figure is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from rapidfuzz.distance import LCSseq
from told import NOW, Steps

from pipeline.model import Item, ItemVersion, stable_id
from pipeline.store.sqlite.store import SqliteStore

BATCH = 32
LEAST_WORDS = 60
WANTED = {"edited_5": 0.97, "edited_10": 0.90, "edited_20": 0.70, "first_third": 0.93}
LEAST_PRECISION = 0.99
LEAST_VERBATIM = 0.85
"""Of the shorter text's words, in order in the other: copies in fact, whatever the cluster says."""


class Text(NamedTuple):
    """A story of a set, or a copy of one."""

    name: str
    cluster: str
    title: str
    text: str


def ecbplus(path: Path) -> Iterator[Text]:
    """Documents; the first line is the title."""
    with gzip.open(path / "ecbplus" / "documents.jsonl.gz", "rt", encoding="utf-8") as rows:
        for doc in map(json.loads, rows):
            title, _, text = doc["text"].replace("``", '"').replace("''", '"').partition("\n")
            yield Text(f"ecb {doc['doc']}", f"ecb {doc['subtopic']}", title, text)


def neus(path: Path) -> Iterator[Text]:
    """What three outlets wrote of an event."""
    with gzip.open(path / "neus" / "events.jsonl.gz", "rt", encoding="utf-8") as rows:
        for event in map(json.loads, rows):
            for n, item in enumerate(event["items"]):
                yield Text(f"neus {event['event']} {n}", f"neus {event['event']}", item["title"], item["lede"])


def edited(rate: float) -> Callable[[str, random.Random, Sequence[str]], str]:
    """Words replaced, left out, put in and swapped, at `rate` of them, replacements from the words of all stories."""

    def edit(text: str, rng: random.Random, words: Sequence[str]) -> str:
        out: list[str] = []
        for word in text.split(" "):
            if rng.random() >= rate:
                out.append(word)
                continue
            kind = rng.random()
            if kind < 0.6:
                out.append(rng.choice(words))
            elif kind < 0.8:
                out += [word, rng.choice(words)]
            elif kind < 0.9 and out:
                out.insert(-1, word)
        return " ".join(out)

    return edit


def first_third(text: str, _rng: random.Random, _words: Sequence[str]) -> str:
    """The first third of the words."""
    kept = text.split(" ")
    return " ".join(kept[: len(kept) // 3])


def datelined(text: str, rng: random.Random, _words: Sequence[str]) -> str:
    """Dateline, byline and credit added."""
    place, desk = rng.choice(("LONDON", "WASHINGTON", "PARIS", "NAIROBI")), rng.choice(("our correspondent", "agencies", "Jo Hart"))
    return f"By {desk}\n{place}, {rng.randint(1, 28)} March (Wire) — {text}\nReporting by {desk}; editing by the night desk."


def fewer_paragraphs(text: str, rng: random.Random, _words: Sequence[str]) -> str:
    """A quarter of the paragraphs (sentences, where there is one) dropped."""
    parts = text.split("\n") if text.count("\n") >= 3 else text.split(". ")
    joint = "\n" if text.count("\n") >= 3 else ". "
    dropped = set(rng.sample(range(len(parts)), len(parts) // 4))
    return joint.join(part for at, part in enumerate(parts) if at not in dropped)


def retyped(text: str, _rng: random.Random, _words: Sequence[str]) -> str:
    """Quotes and dashes as another house sets them."""
    return text.replace('"', "”").replace("'", "’").replace(" - ", " — ").replace("...", "…")


WAYS: dict[str, Callable[[str, random.Random, Sequence[str]], str]] = {
    "edited_5": edited(0.05),
    "edited_10": edited(0.1),
    "edited_20": edited(0.2),
    "first_third": first_third,
    "datelined": datelined,
    "fewer_paragraphs": fewer_paragraphs,
    "retyped": retyped,
}


def version(text: Text, source: str, minutes: int) -> ItemVersion:
    """A text as it stands in a publisher's feed."""
    url = f"https://{source}/{stable_id(text.name)}"
    published = NOW - timedelta(days=60) + timedelta(minutes=minutes)
    item = Item(f"https://{source}/rss", None, url, text.title, text.text, False, published, ref=text.name)
    return ItemVersion(stable_id("copies", url), item, NOW)


def taken(originals: Sequence[Text], copies: Sequence[Text], rng: random.Random) -> dict[str, str]:
    """For each text the id of its original (or its own), once all are taken the whole way in a drawn order."""
    versions = [version(text, f"outlet{n % 7}.example", n) for n, text in enumerate(originals)]
    versions += [version(copy, f"paper{n % 5}.example", len(originals) + n) for n, copy in enumerate(copies)]
    rng.shuffle(versions)
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder, "store.db"))
        steps = Steps(store)
        for at in range(0, len(versions), BATCH):
            steps.take(versions[at : at + BATCH])
        group = {str(read.story.ref): read.story.duplicate_of or read.story.id for read in store.stories.all()}
        store.close()
    return group


def mistakes(texts: Sequence[Text], group: dict[str, str]) -> tuple[int, int]:
    """How many pairs of stories are in one group and are no copies of each other; how many are."""
    together: defaultdict[str, list[Text]] = defaultdict(list)
    for text in texts:
        together[group[text.name]].append(text)
    alike = [is_verbatim(a.text, b.text) for each in together.values() for a, b in combinations(each, 2)]
    return len(alike) - sum(alike), sum(alike)


def is_verbatim(some: str, other: str) -> bool:
    """Whether the shorter text stands in the longer, word by word."""
    a, b = some.casefold().split(), other.casefold().split()
    return bool(LCSseq.similarity(a, b) >= LEAST_VERBATIM * min(len(a), len(b))) and min(len(a), len(b)) * 8 > max(len(a), len(b))


def main() -> int:
    """Make the copies, ingest everything, and compare groups."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=600, help="stories that are copied in each way")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    texts = [text for text in (*ecbplus(given.data), *neus(given.data)) if text.text]
    words = [word for text in texts for word in text.text.split()]
    long = [text for text in texts if len(text.text.split()) >= LEAST_WORDS]
    copied = rng.sample(long, min(given.most, len(long)))
    recall: dict[str, float] = {}
    true_pairs, false_pairs, verbatim = 0, 0, 0
    for way, edit in WAYS.items():
        copies = [Text(f"copy of {text.name}", text.cluster, text.title, edit(text.text, rng, words)) for text in copied]
        group = taken(copied, copies, rng)
        found = sum(group[text.name] == group[copy.name] for text, copy in zip(copied, copies, strict=True))
        mistaken, real = mistakes(copied, group)
        recall[way] = round(found / len(copied), 4)
        true_pairs, false_pairs, verbatim = true_pairs + found, false_pairs + mistaken, verbatim + real
        print(way, recall[way], mistaken, real, file=sys.stderr, flush=True)
    mistaken, real = mistakes(texts, taken(texts, [], rng))
    false_pairs, verbatim = false_pairs + mistaken, verbatim + real
    precision = true_pairs / (true_pairs + false_pairs)
    result = {
        "benchmark": "copies",
        "texts": len(texts),
        "copied": len(copied),
        "recall": recall,
        "precision": round(precision, 4),
        "pairs": {"copies_found": true_pairs, "look_alikes": false_pairs, "verbatim": verbatim},
        "all_look_alikes": {"mistaken": mistaken, "verbatim": real},
    }
    print(json.dumps(result))
    missed = [way for way, least in WANTED.items() if recall[way] < least]
    return 0 if not missed and precision >= LEAST_PRECISION else 1


if __name__ == "__main__":
    sys.exit(main())
