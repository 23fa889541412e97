"""Reads every captured feed and every published fixture of other parsers; prints one JSON line.

    python benchmarks/captures.py [--list] [--data ../shared/data]

Each file is read by us and by feedparser alone. Exit 1 where a file crashes, is refused without a reason, takes more than 2 s, or
gives fewer items than feedparser finds in it (an item that has nothing to read or to follow counts as found where it is reported).
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import feedparser

from pipeline.errors import BadElement
from pipeline.feeds.document import parse

MOST_S = 2.0
ADDRESS = "https://feeds.example.org/feed"


class Outcome(NamedTuple):
    """What became of one file."""

    file: str
    format: str
    items: int
    unusable: int
    by_feedparser: int
    refused: str | None
    problems: tuple[str, ...]
    duration_s: float
    feedparser_s: float
    crash: str | None = None

    @property
    def is_fewer(self) -> bool:
        return self.items + self.unusable < self.by_feedparser


def files(data: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file in the archives of `captures` and `feeds`; licences and notes of their collectors left out."""
    for archive in sorted([*data.glob("captures/*.tar.xz"), *data.glob("feeds/*.tar.xz")]):
        with tarfile.open(archive) as tar:
            for member in sorted(tar.getmembers(), key=lambda member: member.name):
                name = Path(member.name).name
                if member.isfile() and not name.startswith((".", "README", "LICENSE")) and (stream := tar.extractfile(member)):
                    yield f"{archive.name.split('.')[0]}/{member.name}", stream.read()


def read(name: str, body: bytes) -> Outcome:
    """Read one file both ways."""
    theirs, feedparser_s = by_feedparser(body)
    began = time.perf_counter()
    try:
        document = parse(body, None, ADDRESS)
    except BadElement as error:
        return Outcome(name, "", 0, 0, theirs, str(error), (), time.perf_counter() - began, feedparser_s)
    except Exception as error:  # noqa: BLE001 - a crash is what this looks for
        return Outcome(name, "", 0, 0, theirs, None, (), time.perf_counter() - began, feedparser_s, crash=repr(error))
    duration_s = time.perf_counter() - began
    return Outcome(
        name,
        document.format,
        len(document.items),
        unusable(document.problems),
        theirs,
        None,
        document.problems,
        duration_s,
        feedparser_s,
    )


def by_feedparser(body: bytes) -> tuple[int, float]:
    """How many entries feedparser finds by itself, and in how many seconds."""
    began = time.perf_counter()
    try:
        found = len(feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False).entries)
    except Exception:  # noqa: BLE001 - it then found nothing
        found = 0
    return found, time.perf_counter() - began


def unusable(problems: tuple[str, ...]) -> int:
    """How many items were left out for want of anything to read."""
    told = next((problem for problem in problems if problem.startswith("an item without title, content and link")), "")
    times = re.search(r"\((\d+) times\)", told)
    return int(times[1]) if times else bool(told)


def reason(refused: str) -> str:
    """A refusal without the particulars of its file."""
    return re.sub(r"\(.*?\)|names .*", "…", refused)[:90]


def report(outcomes: list[Outcome]) -> dict[str, object]:
    """The figures."""
    slowest = max(outcomes, key=lambda outcome: outcome.duration_s)
    captures = [outcome for outcome in outcomes if outcome.file.startswith("captures")]
    return {
        "files": len(outcomes),
        "parsed": sum(not outcome.refused and not outcome.crash for outcome in outcomes),
        "with_problems": sum(bool(outcome.problems) for outcome in outcomes),
        "items": sum(outcome.items for outcome in outcomes),
        "items_of_feedparser": sum(outcome.by_feedparser for outcome in outcomes),
        "captures": {
            "files": len(captures),
            "parsed": sum(not outcome.refused and not outcome.crash for outcome in captures),
            "items": sum(outcome.items for outcome in captures),
            "items_of_feedparser": sum(outcome.by_feedparser for outcome in captures),
        },
        "formats": dict(Counter(outcome.format for outcome in outcomes if outcome.format).most_common()),
        "refused": dict(Counter(reason(outcome.refused) for outcome in outcomes if outcome.refused).most_common()),
        "fewer_than_feedparser": [outcome.file for outcome in outcomes if outcome.is_fewer],
        "crashes": [f"{outcome.file}: {outcome.crash}" for outcome in outcomes if outcome.crash],
        "seconds": round(sum(outcome.duration_s for outcome in outcomes), 2),
        "seconds_of_feedparser": round(sum(outcome.feedparser_s for outcome in outcomes), 2),
        "slowest": {"file": slowest.file, "seconds": round(slowest.duration_s, 3)},
    }


def is_good(outcome: Outcome) -> bool:
    """Whether nothing is wrong with how a file was read."""
    has_reason = outcome.refused is None or bool(outcome.refused.strip())
    return has_reason and not outcome.crash and not outcome.is_fewer and outcome.duration_s <= MOST_S


def main() -> int:
    """Read all, print, and answer the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--list", action="store_true", help="a line for each file")
    arguments.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    chosen = arguments.parse_args()
    outcomes = []
    for name, body in files(chosen.data):
        outcome = read(name, body)
        outcomes.append(outcome)
        if chosen.list:
            told = (
                outcome.crash or (outcome.refused and f"refused: {outcome.refused}") or f"{outcome.format}: {outcome.items} items"
            )
            print(outcome.file, told, *outcome.problems, f"feedparser: {outcome.by_feedparser}", sep=" | ")
    if not outcomes:
        print(f"no captures in {chosen.data}", file=sys.stderr)
        return 1
    print(json.dumps(report(outcomes)))
    return 0 if all(map(is_good, outcomes)) else 1


if __name__ == "__main__":
    sys.exit(main())
