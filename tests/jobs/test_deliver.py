"""The deliverer over a small store of its own, against receivers on loopback."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
import structlog
from aiohttp import web
from pydantic import SecretStr
from standardwebhooks import Webhook

from pipeline.alerts.compose import deliveries_of
from pipeline.alerts.schedule import DELAYS, JITTER
from pipeline.demo.receiver import Misbehaviour, Receiver
from pipeline.errors import ConfigError, TransientError
from pipeline.jobs.deliver import Deliverer
from pipeline.model import Alert, DeadLetter, Delivery

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE_S = 20.0


class Hook(NamedTuple):
    """What the configuration says of a webhook."""

    url: str
    secret: SecretStr = SecretStr(SECRET)
    timeout: timedelta = timedelta(seconds=10)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Outbox:
    """Deliveries and alerts in memory; a lease is kept apart from the delivery, and a record ends it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alerts: dict[str, Alert] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._leased_until: dict[str, datetime] = {}
        self.leases: list[tuple[str, datetime]] = []
        """Every lease ever given, with its end."""
        self.calls = 0
        self.refused: set[int] = set()
        """Which calls, counted from 1, are answered with TransientError."""

    def put(self, alert: Alert, deliveries: Sequence[Delivery]) -> None:
        with self._lock:
            self._alerts[alert.id] = alert
            self._deliveries.update({delivery.id: delivery for delivery in deliveries})

    def all(self) -> list[Delivery]:
        with self._lock:
            return list(self._deliveries.values())

    def lease(self, now: datetime, until: datetime, limit: int, without: Collection[str] = ()) -> list[Delivery]:
        self._answer()
        with self._lock:
            due = [delivery for delivery in self._waiting() if delivery.webhook not in without and self._due_at(delivery) <= now]
            leased = sorted(due, key=self._due_at)[:limit]
            self._leased_until.update({delivery.id: until for delivery in leased})
            self.leases.extend((delivery.id, until) for delivery in leased)
            return leased

    def next_due_at(self) -> datetime | None:
        self._answer()
        with self._lock:
            return min((self._due_at(delivery) for delivery in self._waiting()), default=None)

    def record(self, deliveries: Sequence[Delivery]) -> None:
        self._answer()
        with self._lock:
            for delivery in deliveries:
                self._deliveries[delivery.id] = delivery
                self._leased_until.pop(delivery.id, None)

    def alerts(self, ids: Collection[str] | None = None) -> Iterator[Alert]:
        self._answer()
        with self._lock:
            return iter([alert for alert in self._alerts.values() if ids is None or alert.id in ids])

    def _waiting(self) -> list[Delivery]:
        return [delivery for delivery in self._deliveries.values() if delivery.status == "waiting"]

    def _due_at(self, delivery: Delivery) -> datetime:
        return max(delivery.next_attempt_at, self._leased_until.get(delivery.id, delivery.next_attempt_at))

    def _answer(self) -> None:
        with self._lock:
            self.calls += 1
            if self.calls in self.refused:
                raise TransientError("database is locked")


class DeadLetters:
    def __init__(self) -> None:
        self.letters: dict[str, DeadLetter] = {}

    def add(self, letters: Sequence[DeadLetter]) -> None:
        self.letters.update({letter.id: letter for letter in letters})


class MemoryStore:
    """The two roles that a deliverer needs."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.dead_letters = DeadLetters()

    def tell(self, webhooks: Sequence[str], count: int = 1, now: datetime = START) -> None:
        """Queue `count` alerts to each of `webhooks`."""
        for number in range(count):
            alert = Alert(
                f"alert-{number}", "musk-putin", "event-1", ("story-1",), f"Story {number}", None, "example.org", now, (), (), now
            )
            self.outbox.put(alert, deliveries_of(alert, webhooks, now))


class Call(NamedTuple):
    """What a strange receiver saw of a call."""

    path: str
    id: str
    timestamp: int
    body: bytes
    is_signed: bool


class Strange:
    """A receiver in a thread that answers as `answer` says, and does not mind in which year a call was signed."""

    def __init__(self, answer: Callable[[str, int], tuple[int, dict[str, str]]]) -> None:
        self._answer = answer
        self.calls: list[Call] = []
        self.url = ""
        self._up = threading.Event()
        self._down: asyncio.Event
        self._loop: asyncio.AbstractEventLoop

    @contextmanager
    def open(self) -> Iterator[Strange]:
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        thread.start()
        assert self._up.wait(PATIENCE_S)
        yield self
        self._loop.call_soon_threadsafe(self._down.set)
        thread.join(PATIENCE_S)

    def wait_for(self, calls: int) -> bool:
        """Wait until so many calls have come; False where they do not."""
        for _ in range(2_000):
            if len(self.calls) >= calls:
                return True
            time.sleep(0.01)
        return False

    async def _serve(self) -> None:
        self._loop, self._down = asyncio.get_running_loop(), asyncio.Event()
        application = web.Application()
        application.add_routes([web.post("/{name}", self._take)])
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._up.set()
        await self._down.wait()
        await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        webhook_id, timestamp = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
        signature = Webhook(SECRET).sign(webhook_id, datetime.fromtimestamp(timestamp, tz=UTC), body.decode())
        self.calls.append(Call(request.path, webhook_id, timestamp, body, signature == request.headers["webhook-signature"]))
        status, headers = self._answer(webhook_id, len(self.calls))
        if status == 0:
            await asyncio.sleep(PATIENCE_S)
        return web.Response(status=status, headers=headers)


def a_deliverer(store: MemoryStore, clock: Callable[[], datetime] = lambda: datetime.now(tz=UTC), **urls: str) -> Deliverer:
    return Deliverer(store, {name: Hook(url) for name, url in urls.items()}, clock)


def statuses(store: MemoryStore) -> Counter[str]:
    return Counter(delivery.status for delivery in store.outbox.all())


def test_alerts_are_delivered_signed():
    """What waits is sent to its webhook, verified by the public library, and written down."""
    store = MemoryStore()
    store.tell(["desk"], count=100)
    with Receiver(SECRET) as receiver:
        assert a_deliverer(store, desk=receiver.url).run_until_idle(PATIENCE_S)
    assert statuses(store) == {"delivered": 100}
    assert {message.id for message in receiver.messages} == {delivery.id for delivery in store.outbox.all()}
    assert all(call.is_verified for call in receiver.calls)
    assert len(receiver.calls) == 100


def test_it_delivers_what_comes_while_it_runs():
    """After a wake what was queued meanwhile is sent; stopped, nothing more is."""
    store = MemoryStore()
    with Receiver(SECRET) as receiver:
        deliverer = a_deliverer(store, desk=receiver.url)
        deliverer.start()
        assert deliverer.run_until_idle(PATIENCE_S)
        store.tell(["desk"])
        deliverer.wake()
        assert receiver.wait_for(1, PATIENCE_S)
        deliverer.stop(PATIENCE_S)
        store.tell(["desk"], count=2)
        deliverer.wake()
        deliverer.stop(PATIENCE_S)
        assert len(receiver.messages) == 1
        assert deliverer.run_until_idle(PATIENCE_S)
        assert len(receiver.messages) == 2


def test_three_days_of_failure_follow_the_schedule():
    """A receiver that answers 500 for three days is called ten times, as documented, under one webhook-id, and given up."""
    store, clock = MemoryStore(), Clock()
    store.tell(["desk"])
    with Strange(lambda webhook_id, call: (500, {})).open() as receiver:
        deliverer = a_deliverer(store, clock, desk=f"{receiver.url}/desk")
        deliverer.start()
        for _ in range(len(DELAYS)):
            assert deliverer.run_until_idle(PATIENCE_S)
            clock.now = store.outbox.next_due_at() or clock.now
        clock.now += timedelta(days=30)
        assert deliverer.run_until_idle(PATIENCE_S)
        deliverer.stop(PATIENCE_S)
    (delivery,) = store.outbox.all()
    assert (delivery.status, len(delivery.attempts), delivery.next_attempt_at) == ("dead", 10, None)
    assert {call.id for call in receiver.calls} == {delivery.id}
    assert {call.body for call in receiver.calls} == {receiver.calls[0].body}
    assert all(call.is_signed for call in receiver.calls)
    assert len(receiver.calls) == 10
    for before, after, delay in zip(receiver.calls[:-1], receiver.calls[1:], DELAYS[1:], strict=True):
        assert after.timestamp - before.timestamp == pytest.approx(delay.total_seconds(), rel=JITTER, abs=2)


def test_what_is_given_up_is_a_dead_letter():
    """A delivery that is dead can be found among the dead letters, with why, and its secret is not in there."""
    store = MemoryStore()
    store.tell(["desk"])
    with Strange(lambda webhook_id, call: (410, {})).open() as receiver:
        assert a_deliverer(store, desk=f"{receiver.url}/{SECRET}").run_until_idle(PATIENCE_S)
    (delivery,) = store.outbox.all()
    (letter,) = store.dead_letters.letters.values()
    assert delivery.status == "dead"
    assert (letter.kind, letter.payload, letter.stage) == ("delivery", delivery.id.encode(), "alerts")
    assert letter.error == "answered 410 (attempt 1)"
    assert letter.about == "desk: musk-putin: Story 0"
    assert SECRET not in repr(letter)


def test_a_receiver_can_ask_for_time():
    """A Retry-After longer than the schedule's delay is kept to."""
    store, clock = MemoryStore(), Clock()
    store.tell(["desk"])
    with Strange(lambda webhook_id, call: (429, {"Retry-After": "7200"}) if call == 1 else (204, {})).open() as receiver:
        deliverer = a_deliverer(store, clock, desk=f"{receiver.url}/desk")
        assert deliverer.run_until_idle(PATIENCE_S)
        assert store.outbox.next_due_at() - START == pytest.approx(timedelta(hours=2), abs=timedelta(seconds=10))
        clock.now += timedelta(hours=1)
        assert deliverer.run_until_idle(PATIENCE_S)
        assert len(receiver.calls) == 1
        clock.now += timedelta(hours=2)
        assert deliverer.run_until_idle(PATIENCE_S)
    assert statuses(store) == {"delivered": 1}


def test_a_crash_between_sending_and_writing_down_repeats_under_the_same_id():
    """An attempt that was made and not recorded is made again when its lease is over, and the receiver can tell by the id."""
    store, clock = MemoryStore(), Clock()
    store.tell(["desk"])
    with Strange(lambda webhook_id, call: (204, {})).open() as receiver:
        first = a_deliverer(store, clock, desk=f"{receiver.url}/desk")
        record, store.outbox.record = store.outbox.record, dies
        with pytest.raises(ZeroDivisionError):
            first.run_until_idle(PATIENCE_S)
        store.outbox.record = record
        again = a_deliverer(store, clock, desk=f"{receiver.url}/desk")
        assert again.run_until_idle(PATIENCE_S)
        assert len(receiver.calls) == 1
        clock.now += timedelta(seconds=16)
        assert again.run_until_idle(PATIENCE_S)
    assert len({call.id for call in receiver.calls}) == 1
    assert len(receiver.calls) == 2
    assert statuses(store) == {"delivered": 1}


def dies(deliveries: Sequence[Delivery]) -> None:
    raise ZeroDivisionError


def test_what_ends_the_thread_is_there_to_be_seen():
    """An error that nobody foresaw stays in `failure`, and a new start forgets it."""
    store = MemoryStore()
    store.tell(["desk"])
    with Receiver(SECRET) as receiver:
        deliverer = a_deliverer(store, desk=receiver.url)
        record, store.outbox.record = store.outbox.record, dies
        with pytest.raises(ZeroDivisionError):
            deliverer.run_until_idle(PATIENCE_S)
        assert isinstance(deliverer.failure, ZeroDivisionError)
        store.outbox.record = record
        deliverer.start()
        assert deliverer.failure is None
        deliverer.stop(PATIENCE_S)


def test_a_receiver_that_hangs_delays_no_other():
    """While every delivery to one webhook hangs, all to the others are made."""
    store = MemoryStore()
    store.tell(["dead", "good", "fine"], count=100)
    with Strange(lambda webhook_id, call: (0, {})).open() as dead, Receiver(SECRET) as good, Receiver(SECRET) as fine:
        deliverer = a_deliverer(store, dead=f"{dead.url}/dead", good=good.url, fine=fine.url)
        deliverer.start()
        assert good.wait_for(100, PATIENCE_S)
        assert fine.wait_for(100, PATIENCE_S)
        deliverer.stop(0.5)
        assert len(dead.calls) == 1
    assert statuses(store) == {"waiting": 100, "delivered": 200}
    assert len(leased(store, "dead")) < 100


def test_a_receiver_that_fails_is_called_one_at_a_time():
    """After a failure the next attempt is made alone, so that a webhook that begins to hang holds one place, not all of its own."""
    store = MemoryStore()
    store.tell(["desk"], count=100)
    with Strange(lambda webhook_id, call: (204 if call < 20 else 503 if call < 40 else 0, {})).open() as receiver:
        deliverer = a_deliverer(store, desk=f"{receiver.url}/desk")
        deliverer.start()
        assert receiver.wait_for(40)
        assert not deliverer.run_until_idle(0.3)
        deliverer.stop(0.5)
    assert len(receiver.calls) == 40


def leased(store: MemoryStore, webhook: str) -> set[str]:
    """The deliveries to `webhook` that were ever leased."""
    ids = {delivery.id for delivery in store.outbox.all() if delivery.webhook == webhook}
    return ids & {delivery_id for delivery_id, _ in store.outbox.leases}


def test_nothing_is_sent_on_a_lease_that_may_end_under_way():
    """Deliveries that wait so long for their turn that another process may take them are not sent before they are leased again."""
    store, clock = MemoryStore(), Clock()
    store.tell(["desk"], count=20)

    def slow(webhook_id: str, call: int) -> tuple[int, dict[str, str]]:
        clock.now += timedelta(seconds=4)
        return 503 if call < 3 else 204, {}

    with Strange(slow).open() as receiver:
        deliverer = a_deliverer(store, clock, desk=f"{receiver.url}/desk")
        deliverer.start()
        while statuses(store) != {"delivered": 20}:
            assert deliverer.run_until_idle(PATIENCE_S)
            clock.now += timedelta(seconds=6)
        deliverer.stop(PATIENCE_S)
    assert len(receiver.calls) == 22
    timeout_s = 10
    for call in receiver.calls:
        ends = [until.timestamp() for webhook_id, until in store.outbox.leases if webhook_id == call.id]
        assert any(call.timestamp + timeout_s <= end <= call.timestamp + timeout_s + 5 for end in ends)


def test_a_stop_gives_up_attempts_and_makes_them_due_again():
    """What hangs when the deliverer stops is due at once, no attempt is counted, and the next run sends it under the same id."""
    store = MemoryStore()
    store.tell(["desk"])
    with Strange(lambda webhook_id, call: (0 if call == 1 else 204, {})).open() as receiver:
        deliverer = a_deliverer(store, desk=f"{receiver.url}/desk")
        deliverer.start()
        assert receiver.wait_for(1)
        assert not deliverer.run_until_idle(0.1)
        deliverer.stop(0.5)
        (delivery,) = store.outbox.all()
        assert (delivery.status, delivery.attempts) == ("waiting", ())
        assert deliverer.run_until_idle(PATIENCE_S)
        assert len({call.id for call in receiver.calls}) == 1
        assert len(receiver.calls) == 2
    assert statuses(store) == {"delivered": 1}


def test_a_stop_lets_quick_attempts_end():
    """An attempt that ends within half of the time to stop is written down as what it came to; no other is begun."""
    store = MemoryStore()
    store.tell(["desk"], count=5)
    with Receiver(SECRET, misbehaviour=Misbehaviour(calls=1, status=204, hang_s=0.3)) as receiver:
        deliverer = a_deliverer(store, desk=receiver.url)
        deliverer.start()
        assert receiver.wait_for(1, PATIENCE_S)
        deliverer.stop(PATIENCE_S)
        assert len(receiver.calls) == 1
    assert statuses(store) == {"delivered": 1, "waiting": 4}


def test_a_stop_does_not_undo_what_another_process_did():
    """A delivery whose lease ran out while its attempt hung, and which another process made since, stays delivered."""
    store, clock, its_clock = MemoryStore(), Clock(), Clock()
    store.tell(["desk"])
    with Strange(lambda webhook_id, call: (0 if call == 1 else 204, {})).open() as receiver:
        # A clock of its own: else it may be the first to find the delivery due again.
        hanging = a_deliverer(store, its_clock, desk=f"{receiver.url}/desk")
        hanging.start()
        assert receiver.wait_for(1)
        clock.now += timedelta(seconds=16)
        assert a_deliverer(store, clock, desk=f"{receiver.url}/desk").run_until_idle(PATIENCE_S)
        assert statuses(store) == {"delivered": 1}
        its_clock.now = clock.now
        hanging.stop(0.5)
    assert statuses(store) == {"delivered": 1}


def test_a_delivery_to_an_unknown_webhook_waits():
    """What is for a webhook that is not configured stays in the outbox, is warned about once, and is sent once it is configured."""
    store, clock = MemoryStore(), Clock()
    store.tell(["gone", "desk"], count=100)
    with Strange(lambda webhook_id, call: (204, {})).open() as receiver:
        with structlog.testing.capture_logs() as logs:
            assert a_deliverer(store, clock, desk=f"{receiver.url}/desk").run_until_idle(PATIENCE_S)
        assert statuses(store) == {"delivered": 100, "waiting": 100}
        warnings = [entry for entry in logs if entry["event"] == "delivery.unconfigured"]
        assert [entry["webhook"] for entry in warnings] == ["gone"]
        assert len(leased(store, "gone")) < 100
        clock.now += timedelta(minutes=1)
        assert a_deliverer(store, clock, gone=f"{receiver.url}/gone").run_until_idle(PATIENCE_S)
    assert statuses(store) == {"delivered": 200}


@pytest.mark.parametrize("refused", [{1}, {2}, {3}, {4}, {5}, {1, 2, 4}])
def test_a_store_that_is_away_is_waited_for(refused: set[int]):
    """Whichever call the store refuses, the delivery is made once and written down, after its lease at the latest."""
    store, clock = MemoryStore(), Clock()
    store.tell(["desk"])
    store.outbox.refused = refused
    with Strange(lambda webhook_id, call: (204, {})).open() as receiver:
        deliverer = a_deliverer(store, clock, desk=f"{receiver.url}/desk")
        assert deliverer.run_until_idle(PATIENCE_S)
        clock.now += timedelta(seconds=16)
        assert deliverer.run_until_idle(PATIENCE_S)
    assert statuses(store) == {"delivered": 1}
    assert len(receiver.calls) == 1


def test_a_record_that_the_store_refuses_is_not_sent_again():
    """While an outcome cannot be written down it is kept, and nobody is called twice."""
    store = MemoryStore()
    store.tell(["desk"])
    refusals = iter([TransientError("away")] * 3)
    record = store.outbox.record

    def reluctant(deliveries: Sequence[Delivery]) -> None:
        if error := next(refusals, None):
            raise error
        record(deliveries)

    store.outbox.record = reluctant
    with Receiver(SECRET) as receiver, structlog.testing.capture_logs() as logs:
        assert a_deliverer(store, desk=receiver.url).run_until_idle(PATIENCE_S)
    assert len(receiver.calls) == 1
    assert statuses(store) == {"delivered": 1}
    assert [entry["event"] for entry in logs] == ["deliverer.waiting"] * 3 + ["delivery.delivered"]


def test_what_happened_is_logged_without_secrets():
    """Failed and delivered attempts are told with what a person asks about, and nothing of URL or secret."""
    store, clock = MemoryStore(), Clock()
    store.tell(["desk"])
    with (
        structlog.testing.capture_logs() as logs,
        Strange(lambda webhook_id, call: (500 if call == 1 else 204, {})).open() as receiver,
    ):
        deliverer = a_deliverer(store, clock, desk=f"{receiver.url}/s3cr3t?token=s3cr3t")
        assert deliverer.run_until_idle(PATIENCE_S)
        clock.now += timedelta(hours=1)
        assert deliverer.run_until_idle(PATIENCE_S)
    failed, delivered = logs
    assert (failed["event"], failed["log_level"], failed["attempt"], failed["status"]) == ("delivery.failed", "warning", 1, 500)
    assert failed["error"].startswith("answered 500")
    assert failed["next_attempt_at"].startswith("2026-03-01T12:00:0")
    assert (delivered["event"], delivered["log_level"], delivered["attempt"], delivered["status"]) == (
        "delivery.delivered", "info", 2, 204,
    )  # fmt: skip
    assert (delivered["alert"], delivered["webhook"], delivered["watch"]) == ("alert-0", "desk", "musk-putin")
    assert isinstance(delivered["ms"], int)
    assert "s3cr3t" not in repr(logs)
    assert SECRET not in repr(logs)


def test_a_secret_that_is_none_is_refused_at_once():
    """A deliverer whose webhook cannot sign does not begin."""
    with pytest.raises(ConfigError):
        Deliverer(MemoryStore(), {"desk": Hook("http://127.0.0.1/", SecretStr("not a secret"))}, Clock())


def test_a_deliverer_without_webhooks_is_idle():
    """Nothing configured, nothing to do; stopping what never ran is allowed."""
    deliverer = a_deliverer(MemoryStore())
    deliverer.wake()
    deliverer.stop(1.0)
    assert deliverer.run_until_idle(PATIENCE_S)
