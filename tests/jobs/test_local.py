"""The whole way on one machine: real processes, real Beam, a real newsroom and a real receiver, all on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pipeline.config import RetentionSettings, Settings, load
from pipeline.demo.play import play
from pipeline.errors import TransientError
from pipeline.feeds.files import from_line
from pipeline.jobs import upkeep
from pipeline.jobs.backfill import Progress, backfill
from pipeline.jobs.local import LocalService
from pipeline.language.pool import close_pools
from pipeline.store.address import address_of, close_stores, keep_open, store_at
from pipeline.stories.beam import MOST_TAKEN
from tests.contract.told import STORIES
from tests.fakes import MemoryStore
from tests.jobs.slow import SlowEvents

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

CONFIG = """
store: sqlite:///{folder}/wirewatch.db
processes: 1
entities:
  musk: {{name: Elon Musk, kind: person, aliases: [Musk]}}
  putin: {{name: Vladimir Putin, kind: person, aliases: [Putin]}}
watches:
  - {{name: musk-putin, all: [musk, putin], within: sentence}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    (tmp_path / "wirewatch.yaml").write_text(CONFIG.format(folder=tmp_path))
    yield load(tmp_path / "wirewatch.yaml", {})
    close_pools()
    close_stores()


def write_stories(path: Path, *stories: Mapping[str, str]) -> Path:
    path.write_text("".join(json.dumps(story) + "\n" for story in stories))
    return path


def story(n: int, text: str) -> dict[str, str]:
    return {
        "ref": str(n),
        "url": f"https://news{n}.example/{n}",
        "title": f"Story {n}",
        "text": text,
        "published_at": "2026-11-24T08:00:00Z",
    }


def test_every_expected_alert_of_the_demo_arrives_once(tmp_path: Path):
    """From feeds to a signed webhook, with edits, copies, broken documents and an outlet that hangs in between."""

    def service(path: Path, environment: Mapping[str, str], stop: threading.Event) -> None:
        LocalService(load(path, environment)).run(stop)

    outcome = play(tmp_path, service, now=datetime.now(UTC), speed=8.0, limit_s=90.0)
    assert outcome.is_right, outcome


def test_a_backfill_run_again_does_nothing_twice(settings: Settings, tmp_path: Path):
    """The same files a second time bring no story, no hit and no alert; what is no story is a dead letter."""
    file = write_stories(
        tmp_path / "stories.jsonl", story(1, "Elon Musk met Vladimir Putin."), story(2, "Nothing happened in Geneva.")
    )
    file.write_text(file.read_text() + "not json\n")
    for _ in range(2):
        backfill(settings, [file], Progress(), tells=True)
    store = store_at(settings.store)
    assert sorted(read.story.ref or "" for read in store.stories.all()) == ["1", "2"]
    assert [hit.ref for hit in store.outbox.hits()] == ["1"]
    assert [len(alert.story_ids) for alert in store.outbox.alerts()] == [1]
    assert [letter.about for letter in store.dead_letters.list()] == [f"{file}:3"]
    assert store.landing.unfinished_count() == 0


def test_a_backfill_without_alert_tells_nobody_not_even_later(settings: Settings, tmp_path: Path):
    """What matched silently does not alert when the story is edited; what newly matches does."""
    first = write_stories(tmp_path / "a.jsonl", story(1, "Elon Musk met Vladimir Putin."), story(2, "Nothing happened."))
    backfill(settings, [first], Progress())
    edited = write_stories(
        tmp_path / "b.jsonl", story(1, "Elon Musk met Vladimir Putin again."), story(2, "Musk wrote to Putin, Elon Musk said.")
    )
    backfill(settings, [edited], Progress(), tells=True)
    store = store_at(settings.store)
    assert sorted((hit.ref, hit.alert_id is not None) for hit in store.outbox.hits()) == [("1", False), ("2", True)]
    assert [len(read.story.versions) for read in store.stories.all()] == [2, 2]


def test_a_copy_joins_the_alert_of_its_original(settings: Settings, tmp_path: Path):
    """Forty outlets carry it, the analyst is told once."""
    text = "Elon Musk met Vladimir Putin. " + " ".join(f"Sentence number {n} of a long report." for n in range(40))
    others = [story(n, f"Something else of no interest happened in town number {n}.") for n in range(100, 140)]
    backfill(settings, [write_stories(tmp_path / "1.jsonl", story(1, text))], Progress(), tells=True)
    # Two more in one run and two batches: the second is identified before the first is stored.
    backfill(settings, [write_stories(tmp_path / "2.jsonl", story(2, text), *others, story(3, text))], Progress(), tells=True)
    store = store_at(settings.store)
    (alert,) = store.outbox.alerts()
    assert len(alert.story_ids) == 3
    copies = [read.story for read in store.stories.all() if read.story.ref in {"1", "2", "3"}]
    assert len({copy.event_id for copy in copies}) == 1
    assert sum(copy.duplicate_of is None for copy in copies) == 1


def test_copies_that_are_on_their_way_together_are_known_for_copies(settings: Settings, tmp_path: Path):
    """The original is in an earlier batch of the same run, read but not yet stored."""
    text = "Elon Musk met Vladimir Putin. " + " ".join(f"Sentence number {n} of a long report." for n in range(40))
    others = [story(n, f"Something else of no interest happened in town number {n}.") for n in range(100, 140)]
    backfill(settings, [write_stories(tmp_path / "a.jsonl", story(1, text), *others, story(2, text))], Progress(), tells=True)
    (alert,) = store_at(settings.store).outbox.alerts()
    assert len(alert.story_ids) == 2


def test_a_store_that_is_away_from_the_start_to_the_end_is_waited_for(settings: Settings):
    """The service neither ends by itself nor refuses to end."""
    away = settings.model_copy(update={"store": "http://127.0.0.1:1"})
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    LocalService(away).run(stop)
    assert stop.is_set()


def test_a_single_run_says_that_its_store_is_away(settings: Settings):
    """Whoever runs it once wants to know."""
    away = settings.model_copy(update={"store": "http://127.0.0.1:1"})
    with pytest.raises(TransientError, match="does not answer"):
        LocalService(away).run_once(threading.Event())


def test_the_counts_of_the_ticks_add_up(settings: Settings):
    """More stories than one tick takes up are counted as one at the end."""
    now = datetime.now(UTC)
    stories = [from_line(json.dumps(story(n, "It rained.")).encode(), "lines", now, tells=False) for n in range(MOST_TAKEN + 1)]
    store_at(settings.store).landing.land(stories, now)
    service = LocalService(settings)
    with capture_logs() as told:
        assert service.run_once(threading.Event())
    assert service.counts["stories_finished"] == MOST_TAKEN + 1
    assert [event["stories_finished"] for event in told if event["event"] == "service.counts"] == [MOST_TAKEN + 1]


def test_a_single_run_groups_again_and_drops_what_is_too_old(settings: Settings):
    """All of it, in as many parts as it takes: nobody goes on afterwards."""
    old = datetime(2026, 1, 1, tzinfo=UTC)
    reads = [STORIES[0]._replace(story=STORIES[0].story._replace(id=f"{n}", published_at=old)) for n in range(250)]
    store_at(settings.store).stories.put(reads)
    assert LocalService(settings.model_copy(update={"retention": RetentionSettings(stories=timedelta(days=1))})).run_once(
        threading.Event()
    )
    assert store_at(settings.store).stories.count() == 0
    assert store_at(settings.store).events.looked_at() is not None


def test_no_story_waits_for_others_to_be_grouped_again(settings: Settings):
    """Thousands of them take a while: what lands meanwhile is finished. And when told to stop, nobody waits for it either."""
    memory = MemoryStore()
    slow = SlowEvents(memory.events)
    memory.events = slow  # type: ignore[assignment]
    keep_open(address_of(settings), memory)
    stop = threading.Event()
    service = threading.Thread(target=LocalService(settings).run, args=(stop,))
    service.start()
    try:
        assert slow.is_looked_through.wait(60)
        now = datetime.now(UTC)
        told = json.dumps(story(1, "A warehouse burned.")).encode()
        memory.landing.land([from_line(told, "lines", now, tells=False)], now)
        wait_until(lambda: memory.stories.count() == 1 and not memory.landing.unfinished_count())
    finally:
        stop.set()
        service.join(30)
        is_over = not service.is_alive()
        slow.goes_on.set()
        assert upkeep.wait(60)
    assert is_over


def wait_until(is_so: Callable[[], bool], within_s: float = 60.0) -> None:
    ends_at = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.02)
