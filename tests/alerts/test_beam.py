"""Who is told what once: an alert a watch and event, also where events become one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.alerts.beam import QueueAlerts
from pipeline.model import Alert, Passage
from pipeline.store.address import close_stores
from tests.alerts.test_compose import NOW, a_hit, a_story


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[QueueAlerts]:
    step = QueueAlerts(f"sqlite:///{tmp_path}/store.db", {"musk-putin": ["desk"]}, lambda: NOW)
    step.setup()
    yield step
    close_stores()


def told(queue: QueueAlerts, name: str, event: str) -> None:
    """A story of an event that the watch matches goes through the step."""
    hit = a_hit(id=f"hit-{name}", story_id=name, event_id=event)
    passage = Passage(a_story(id=name, event_id=event), (), is_new=True, revision=0, hits=(hit,))
    assert list(queue.process((passage,))) == [(passage,)]


def alerts(queue: QueueAlerts) -> dict[str, Alert]:
    return {alert.event_id: alert for alert in queue.store.outbox.alerts()}


def deliveries(queue: QueueAlerts) -> int:
    return len(queue.store.outbox.deliveries([alert.id for alert in queue.store.outbox.alerts()]))


def test_an_event_is_told_once_a_watch(queue: QueueAlerts):
    """A second story joins the alert; another event makes another."""
    told(queue, "a", "e1")
    told(queue, "b", "e1")
    told(queue, "c", "e2")
    assert {event: alert.story_ids for event, alert in alerts(queue).items()} == {"e1": ("a", "b"), "e2": ("c",)}
    assert deliveries(queue) == 2


def test_a_merge_of_events_tells_nobody_again(queue: QueueAlerts):
    """Whichever of the two was told before, a later story of either joins that alert."""
    told(queue, "a", "younger")
    queue.store.events.redirect({"younger": "older"})
    told(queue, "b", "older")
    told(queue, "c", "younger")
    assert {event: alert.story_ids for event, alert in alerts(queue).items()} == {"younger": ("a", "b", "c")}
    assert deliveries(queue) == 1


def test_of_two_alerts_of_what_is_one_event_now_the_older_events_goes_on(queue: QueueAlerts):
    """Both were told before it was known."""
    told(queue, "a", "younger")
    told(queue, "b", "older")
    queue.store.events.redirect({"younger": "older"})
    told(queue, "c", "younger")
    assert alerts(queue)["older"].story_ids == ("b", "c")
    assert deliveries(queue) == 2


def test_a_story_on_its_way_while_its_event_is_merged_is_told_under_the_older(queue: QueueAlerts):
    """Nobody is told under an id that is no more."""
    queue.store.events.redirect({"younger": "older"})
    told(queue, "a", "younger")
    assert set(alerts(queue)) == {"older"}
