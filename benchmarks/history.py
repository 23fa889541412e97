"""A week of one real feed, 380 bodies, by polling it on loopback and by `backfill`; each twice. Prints one JSON line.

    python benchmarks/history.py [--archive ../shared/data/bbcrss/raw_home_2021-06-07_7days.tar.xz]

By polling: each body is served with its ETag at the time it was captured, is polled, and polled again (304). What is expected is
counted by feedparser alone: a story a link, a wording a distinct title and description under it. Exit 1 where stories or wordings
are other than expected, a hit is not in an alert, a watch and event are told twice, or anything changes in the second pass.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import structlog
from loopback import Feeds, SetClock, set_clock

from pipeline.config import Settings
from pipeline.demo.receiver import Receiver
from pipeline.feeds.beam import close_pollers
from pipeline.jobs.backfill import Progress, backfill
from pipeline.jobs.deliver import Deliverer
from pipeline.jobs.local import tick_job
from pipeline.language.pool import close_pools
from pipeline.store.address import store_at

SECRET = "whsec_" + "c2VjcmV0" * 4
ENTITIES = {
    "johnson": {"name": "Boris Johnson", "kind": "person", "aliases": ["Johnson", "the prime minister"]},
    "england": {"name": "England", "kind": "place"},
    "covid": {"name": "Covid", "kind": "other", "aliases": ["coronavirus"]},
}
WATCHES = [{"name": f"any-{key}", "all": [key], "within": "story", "alert": ["desk"]} for key in ENTITIES]
PATH = "/news/rss.xml"


def bodies(archive: Path) -> list[tuple[datetime, bytes]]:
    """When each body was captured, and the body, oldest first."""
    found = []
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            if member.isfile() and (stream := tar.extractfile(member)):
                at = datetime.strptime(Path(member.name).parts[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
                found.append((at, stream.read()))
    return sorted(found)


def expected(captured: list[tuple[datetime, bytes]]) -> tuple[int, int]:
    """Distinct links, and distinct wordings under them, by feedparser alone."""
    wordings = {
        (entry.link, " ".join(entry.title.split()), " ".join(entry.summary.split()))
        for _, body in captured
        for entry in feedparser.parse(body).entries
    }
    return len({link for link, _, _ in wordings}), len(wordings)


def settings_for(folder: Path, name: str, feed: str, webhook: str) -> Settings:
    return Settings.model_validate(
        {
            "store": f"sqlite:///{folder / name}.db",
            "feeds": [{"url": feed, "name": "BBC News", "every": "1s"}],
            "entities": ENTITIES,
            "watches": WATCHES,
            "webhooks": {"desk": {"url": webhook, "secret": SECRET}},
        }
    )


def polled(captured: list[tuple[datetime, bytes]], feeds: Feeds, settings: Settings, since: datetime) -> None:
    """Serve and poll every body, twice each; `since` is when the first of this pass was captured."""
    store = store_at(settings.store)
    job = tick_job(settings, 30.0, set_clock)
    shift = since - captured[0][0]
    SetClock.at(since)
    store.feeds.subscribe([feed.url for feed in settings.feeds], set_clock())
    for at, body in captured:
        feeds.bodies[PATH] = body
        for moment in (at + shift, at + shift + timedelta(minutes=1)):
            SetClock.at(moment)
            job.run()


def told(settings: Settings, receiver: Receiver) -> dict[str, object]:
    """What is in the store, and what was told of it."""
    store = store_at(settings.store)
    deliverer = Deliverer(store, settings.webhooks, lambda: datetime.now(UTC))
    calls_before = len(receiver.calls)
    deliverer.start()
    deliverer.run_until_idle(60.0)
    deliverer.stop(5.0)
    stories = [read.story for read in store.stories.all()]
    alerts = list(store.outbox.alerts())
    calls = receiver.calls[calls_before:]
    return {
        "stories": len(stories),
        "links": len({story.url for story in stories}),
        "wordings": sum(len(story.versions) for story in stories),
        "edited": sum(len(story.versions) > 1 for story in stories),
        "duplicates": sum(story.duplicate_of is not None for story in stories),
        "hits": sum(1 for _ in store.outbox.hits()),
        "hits_untold": sum(hit.alert_id is None for hit in store.outbox.hits()),
        "hits_twice": sum(n - 1 for n in Counter((hit.story_id, hit.watch) for hit in store.outbox.hits()).values()),
        "alerts": len(alerts),
        "alerts_twice": sum(n - 1 for n in Counter((alert.event_id, alert.watch) for alert in alerts).values()),
        "calls": len(calls),
        "calls_twice": len(calls) - len({call.id for call in calls}),
        "calls_refused": sum(not call.is_verified for call in calls),
        "unfinished": store.landing.unfinished_count(),
        "dead_letters": len(store.dead_letters.list()),
    }


def passes(one: Callable[[int], None], settings: Settings, receiver: Receiver) -> list[dict[str, object]]:
    """What stands after the first and the second pass."""
    found = []
    for number in range(2):
        began = time.perf_counter()
        one(number)
        found.append(told(settings, receiver) | {"seconds": round(time.perf_counter() - began, 1)})
    return found


def is_right(found: list[dict[str, object]], links: int, wordings: int) -> bool:
    first, second = found
    same = ("stories", "links", "wordings", "edited", "hits", "alerts")
    never = ("hits_untold", "hits_twice", "alerts_twice", "calls_twice", "calls_refused", "unfinished", "dead_letters")
    return (
        first["stories"] == first["links"] == links
        and first["wordings"] == wordings
        and first["calls"] == first["alerts"]
        and second["calls"] == 0
        and all(first[name] == second[name] for name in same)
        and not any(each[name] for each in found for name in never)
    )


def main() -> int:
    """Run both ways, print, and answer the exit code."""
    data = Path(__file__).parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, default=data / "bbcrss" / "raw_home_2021-06-07_7days.tar.xz")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    captured = bodies(parser.parse_args().archive)
    links, wordings = expected(captured)
    with tempfile.TemporaryDirectory() as name, Feeds() as feeds, Receiver(SECRET) as receiver:
        folder = Path(name)
        by_poll = settings_for(folder, "polled", feeds.url(PATH), receiver.url)
        week = timedelta(days=7)
        polls = passes(lambda number: polled(captured, feeds, by_poll, captured[0][0] + number * week), by_poll, receiver)
        answers = dict(feeds.answers)
        close_pollers()
        for at, body in captured:
            Path(folder, "archive", f"{at:%Y%m%dT%H%M%SZ}").mkdir(parents=True)
            Path(folder, "archive", f"{at:%Y%m%dT%H%M%SZ}", "home_uk.xml").write_bytes(body)
        by_file = settings_for(folder, "backfilled", feeds.url(PATH), receiver.url)
        files = passes(lambda _: backfill(by_file, [folder / "archive"], Progress(), tells=True), by_file, receiver)
        close_pools()
    print(
        json.dumps(
            {
                "benchmark": "history",
                "bodies": len(captured),
                "distinct_links": links,
                "distinct_wordings": wordings,
                "answers": answers,
                "polled": polls,
                "backfilled": files,
            }
        )
    )
    return 0 if is_right(polls, links, wordings) and is_right(files, links, wordings) else 1


if __name__ == "__main__":
    sys.exit(main())
