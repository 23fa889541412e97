"""What a cluster's ticks drive: steps that a store that is away stops for a tick, and deliverers that a process shares."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from pipeline.config import Settings
from pipeline.errors import TransientError
from pipeline.jobs import upkeep
from pipeline.jobs.deliverers import close_deliverers, deliverer_for
from pipeline.jobs.engine import Deliver, Engine, KeepUp, Patient
from pipeline.model import Reading, ReadStory
from pipeline.store.address import close_stores, keep_open, store_at
from pipeline.store.beam import Step, speak_through_beam
from pipeline.store.roles import Store
from pipeline.stories.beam import TakeUnfinished
from pipeline.stories.events import sketch_of
from tests.contract.test_roles import version
from tests.contract.told import STORIES
from tests.fakes import MemoryStore
from tests.stories.happenings import story

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SECRET = "whsec_" + "A" * 32


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    yield f"sqlite:///{tmp_path}/store.db"
    close_deliverers()
    close_stores()


class Flaky(Step):
    """Emits what it is given, until the store is away."""

    stage = "feeds"

    def process(self, element: int) -> Iterator[int]:
        yield element
        if element == 13:
            raise TransientError("the store is away")
        yield -element


def test_a_tick_to_a_store_that_is_away_does_no_harm(address: str) -> None:
    """What came before is handed on; the next tick tries again."""
    patient = Patient(Flaky(address))
    patient.setup()
    assert list(patient.process(13)) == [13]
    assert list(patient.process(7)) == [7, -7]


def test_a_process_has_one_deliverer_for_a_configuration(address: str) -> None:
    """Other webhooks are another configuration: the deliverer before it ends."""
    webhooks = Settings.model_validate({"webhooks": {"desk": {"url": "http://127.0.0.1:9/", "secret": SECRET}}}).webhooks
    first = deliverer_for(address, webhooks, lambda: NOW)
    assert deliverer_for(address, dict(webhooks), lambda: NOW) is first
    assert deliverer_for(address, {}, lambda: NOW) is not first


class Asked:
    """The outbox of a store, and whether anybody asked it for anything."""

    def __init__(self, store: Store) -> None:
        self._outbox = store.outbox
        self.is_asked = threading.Event()

    def __getattr__(self, name: str) -> object:
        self.is_asked.set()
        return getattr(self._outbox, name)


def test_a_tick_has_the_outbox_looked_into(address: str) -> None:
    """By the deliverer of its process."""
    store = MemoryStore()
    asked = Asked(store)
    store.outbox = asked  # type: ignore[assignment]
    keep_open(address, store)
    step = Deliver(address, Settings(), lambda: NOW)
    step.setup()
    assert list(step.process(b"")) == []
    assert asked.is_asked.wait(30)


def test_a_tick_has_what_is_too_old_dropped(address: str) -> None:
    """As the configuration says how long stories are kept."""
    old, new = (
        STORIES[at]._replace(story=STORIES[at].story._replace(id=f"{at}", published_at=NOW - timedelta(days=9 - 9 * at)))
        for at in (0, 1)
    )
    step = KeepUp(address, Settings.model_validate({"retention": {"stories": "7d"}}), lambda: NOW)
    step.setup()
    step.store.stories.put([old, new])
    assert list(step.process(b"")) == []
    assert upkeep.wait(30)
    assert [read.story.id for read in step.store.stories.all()] == ["1"]


def test_what_was_left_is_looked_for_seldom_where_there_is_none(address: str) -> None:
    """To look is a search, and every slot's ticks ask for one."""
    seconds = iter(range(9))
    step = TakeUnfinished(address, lambda: NOW + timedelta(seconds=next(seconds)), limit=1, rest=timedelta(seconds=3))
    step.setup()
    taken = [list(step.process(b""))]
    step.store.landing.land([version("a"), version("b")], NOW)
    taken += [list(step.process(b"")) for _ in range(8)]
    a, b = version("a").id, version("b").id
    assert taken == [[], [], [], [(a,)], [(b,)], [], [], [], []]


def test_a_tick_groups_by_the_window_that_is_configured(address: str) -> None:
    """Of two stories two hours apart."""
    told = [story(name, "fire", at, 120 * at) for at, name in enumerate("ab")]
    events = []
    for window, later in (("1h", 0), ("24h", 3)):
        settings = Settings.model_validate({"events": {"window": window}})
        step = KeepUp(address, settings, lambda later=later: NOW + timedelta(minutes=later))  # type: ignore[misc]
        step.setup()
        if not events:
            step.store.stories.put([ReadStory(each, Reading(each.versions[-1].id)) for each in told])
            step.store.events.keep([sketch_of(each) for each in told], NOW)
        assert list(step.process(b"")) == []
        assert upkeep.wait(30)
        events.append({read.story.event_id for read in step.store.stories.all()})
    assert [*map(len, events)] == [2, 1]


def test_there_are_as_many_ticks_on_many_slots_as_on_one() -> None:
    assert Engine(slots=8).tick_ms == 8 * Engine().tick_ms


def test_a_worker_speaks_through_beam_unless_told_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    """Without the passwords of addresses."""
    structlog.reset_defaults()
    try:
        with caplog.at_level("INFO"):
            speak_through_beam()
            structlog.get_logger().info("feed.polled", feed="https://me:secret@news.example/")
        assert [said.partition("event=")[2] for said in caplog.messages] == ["'feed.polled' feed='https://news.example/'"]
    finally:
        structlog.reset_defaults()


def test_what_a_worker_of_beams_pool_says_is_on_its_standard_error() -> None:
    """There Beam sets up no log, and Python leaves out what is less than a warning."""
    says = "speak_through_beam(); structlog.get_logger('pipeline.feeds.beam').info('feed.polled', items=3)"
    command = [sys.executable, "-c", f"import structlog; from pipeline.store.beam import speak_through_beam; {says}"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert re.search(r"^INFO:pipeline.feeds.beam:timestamp='20[\d:T.-]+Z' event='feed.polled' items=3$", said.stderr, re.MULTILINE)


def test_a_store_that_cannot_be_opened_is_waited_for_no_longer_than_asked() -> None:
    with pytest.raises(TransientError):
        store_at("http://127.0.0.1:9", 0.1)
