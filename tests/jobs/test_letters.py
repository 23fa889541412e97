"""Dead letters sent through again: what can be is, and nothing is lost or told twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import RLock

import pytest

from pipeline.jobs.deliver import letter_id
from pipeline.jobs.letters import send_again
from pipeline.model import Alert, DeadLetter, Delivery, DeliveryStatus
from tests.fakes import MemoryDeadLetters, MemoryStore

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def letter(kind, payload: bytes, about: str = "/archive/a.jsonl:2") -> DeadLetter:
    return DeadLetter("d", "feeds", "longer than 4,000,000 bytes", payload, kind, NOW, about)


@pytest.mark.parametrize("kind", ["line", "document"])
def test_a_letter_without_its_content_stays_with_its_reason(kind):
    """Its file has to be read again; sending nothing through would be losing it."""
    store = MemoryStore()
    store.dead_letters.add([letter(kind, b"")])
    assert send_again(store.dead_letters.list(), store, NOW) == (0, 1)
    assert store.dead_letters.list() == [letter(kind, b"")]


def test_a_line_that_was_mended_goes_through(monkeypatch):
    """Under the feed that its file is."""
    store = MemoryStore()
    store.dead_letters.add([letter("line", b'{"title": "A meeting"}')])
    assert send_again(store.dead_letters.list(), store, NOW) == (1, 0)
    (id,) = store.landing.unfinished(NOW, NOW, 10)
    assert store.landing.read([id])[0].item.feed == "/archive/a.jsonl"
    assert store.dead_letters.list() == []


@pytest.mark.parametrize(("status", "due"), [("dead", 1), ("delivered", 0), ("waiting", 0)])
def test_only_a_delivery_that_was_given_up_is_revived(status: DeliveryStatus, due: int):
    """One that arrived since is not sent again; its letter has nothing more to say."""
    store = MemoryStore()
    delivery = Delivery("msg_1", "alert", "desk", status, None)
    alert = Alert("alert", "w", "e", ("s",), "T", None, "news.example", NOW, (), (), NOW)
    store.outbox.tell([], [alert], [delivery])
    store.dead_letters.add([DeadLetter(letter_id(delivery), "alerts", "503", b"msg_1", "delivery", NOW, "desk")])
    send_again(store.dead_letters.list(), store, NOW)
    assert len(store.outbox.lease(NOW, NOW, 10)) == due
    assert store.dead_letters.list() == []


def test_what_fails_again_at_once_is_set_aside_again():
    """While the others are still being sent through: under the same id."""
    again = letter("line", b"[]")._replace(at=NOW + timedelta(seconds=1))

    class FailsAgain(MemoryDeadLetters):
        def remove(self, letters: Sequence[DeadLetter]) -> None:
            self.add([again])
            super().remove(letters)

    store = MemoryStore()
    store.dead_letters = FailsAgain(RLock())
    store.dead_letters.add([letter("line", b'{"title": "A meeting"}')])
    assert send_again(store.dead_letters.list(), store, NOW) == (1, 0)
    assert store.dead_letters.list() == [again]
