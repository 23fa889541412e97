"""What a cluster's ticks drive: steps that a store that is away stops for a tick, and deliverers that a process shares."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from pipeline.config import Settings
from pipeline.errors import TransientError
from pipeline.jobs.deliverers import close_deliverers, deliverer_for
from pipeline.jobs.engine import DeliverAndTend, Engine, GroupAgain, Patient, wait_for_grouping
from pipeline.model import Reading, ReadStory
from pipeline.store.address import close_stores, store_at
from pipeline.store.beam import Step, speak_through_beam
from pipeline.stories.beam import TakeUnfinished
from pipeline.stories.events import sketch_of
from tests.contract.test_roles import version
from tests.contract.told import STORIES
from tests.jobs.slow import FailingEvents, SlowEvents
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


def test_a_tick_wakes_the_deliverer_and_tends_the_store_once_an_hour(address: str) -> None:
    moments = iter([NOW, NOW + timedelta(minutes=59), NOW + timedelta(minutes=60)])
    step = DeliverAndTend(address, Settings(), lambda: next(moments))
    step.setup()
    deliverer_for(address, {}, lambda: NOW)
    tended = []
    for _ in range(3):
        assert list(step.process(b"")) == []
        tended.append(step.tended_at)
    assert tended == [NOW, NOW, NOW + timedelta(minutes=60)]


def test_what_is_too_old_is_dropped(address: str) -> None:
    """As the configuration says how long stories are kept."""
    old, new = (
        STORIES[at]._replace(story=STORIES[at].story._replace(id=f"{at}", published_at=NOW - timedelta(days=9 - 9 * at)))
        for at in (0, 1)
    )
    step = DeliverAndTend(address, Settings.model_validate({"retention": {"stories": "7d"}}), lambda: NOW)
    step.setup()
    step.store.stories.put([old, new])
    deliverer_for(address, {}, lambda: NOW)
    while step.tended_at is None:
        assert list(step.process(b"")) == []
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


def test_a_tick_groups_again_where_nobody_did_for_three_minutes(address: str) -> None:
    """Whichever process it is that looks."""
    moments = [NOW, NOW + timedelta(minutes=2), NOW + timedelta(minutes=3)]
    looked = []
    for moment in moments:
        step = GroupAgain(address, lambda moment=moment: moment)  # type: ignore[misc]
        step.setup()
        assert list(step.process(b"")) == []
        assert wait_for_grouping(30)
        looked.append(step.store.events.looked_at())
    assert looked == [NOW, NOW, NOW + timedelta(minutes=3)]


def test_ticks_pass_by_a_process_that_groups(address: str) -> None:
    """A pass over many takes minutes, and no tick waits for it, nor begins another."""
    step = GroupAgain(address, lambda: NOW)
    step.setup()
    slow = SlowEvents(step.store.events)
    step.store.events = slow  # type: ignore[misc, assignment]
    try:
        assert list(step.process(b"")) == []
        assert slow.is_looked_through.wait(30)
        slow.is_looked_through.clear()
        assert list(step.process(b"")) == []
        assert not slow.is_looked_through.wait(0.2)
        assert not wait_for_grouping(0)
    finally:
        slow.goes_on.set()
        assert wait_for_grouping(30)
    assert step.store.events.looked_at() == NOW


@pytest.mark.parametrize(("error", "told"), [(TransientError("away"), "regrouping.waits"), (KeyError("ours"), "regrouping.failed")])
def test_a_pass_that_fails_is_told_and_done_again_in_time(address: str, error: Exception, told: str) -> None:
    """Not by each tick: it may take minutes to fail. Of a mistake of ours, the log says where it is."""
    moments = iter([NOW, NOW + timedelta(seconds=1), NOW + timedelta(minutes=3)])
    step = GroupAgain(address, lambda: next(moments))
    step.setup()
    whole = step.store.events
    step.store.events = FailingEvents(whole, error)  # type: ignore[misc, assignment]
    with structlog.testing.capture_logs() as logs:
        assert list(step.process(b"")) == []
        assert wait_for_grouping(30)
    assert [each["event"] for each in logs] == [told]
    assert ("slow.py" in logs[0].get("trace", "")) == (told == "regrouping.failed")
    step.store.events = whole
    looked = []
    for _ in range(2):
        assert list(step.process(b"")) == []
        assert wait_for_grouping(30)
        looked.append(whole.looked_at())
    assert looked == [None, NOW + timedelta(minutes=3)]


def test_a_tick_groups_by_the_window_that_is_configured(address: str) -> None:
    """Of two stories ten minutes apart, and after it a day."""
    told = [story(name, "fire", at, 10 * at) for at, name in enumerate("ab")]
    events = []
    for minutes, later in ((5, 0), (1440, 3)):
        step = GroupAgain(address, lambda later=later: NOW + timedelta(minutes=later), timedelta(minutes=minutes))  # type: ignore[misc]
        step.setup()
        if not events:
            step.store.stories.put([ReadStory(each, Reading(each.versions[-1].id)) for each in told])
            step.store.events.keep([sketch_of(each) for each in told], NOW)
        assert list(step.process(b"")) == []
        assert wait_for_grouping(30)
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
