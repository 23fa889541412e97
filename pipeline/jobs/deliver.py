"""The deliverer: takes what is due from the outbox, sends it, writes down what came of it. A thread beside the ingest loop.

At least once: an attempt is written down after it was made, so that a crash in between repeats it, under the same `webhook-id`. It
does not care what makes an alert, nor in which order a webhook receives several.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar

import structlog
from pydantic import SecretStr

from pipeline.alerts import schedule, sign
from pipeline.alerts.compose import payload
from pipeline.alerts.lanes import Lanes
from pipeline.alerts.send import Sender
from pipeline.errors import TransientError
from pipeline.model import Alert, DeadLetter, Delivery, stable_id
from pipeline.store.roles import Store

log = structlog.get_logger()

_Answer = TypeVar("_Answer")

_LEASE_MARGIN = timedelta(seconds=5)
"""What a leased delivery may wait for its place and for being written down, beyond its webhook's timeout."""

_BATCH = 64
_ENOUGH_IN_HAND = 16
"""Of one webhook; while so many wait here, the rest stay in the outbox."""

_REST_S = 1.0
_MAX_BACKOFF_S = 5.0

_RESOLVERS = 32
"""Threads that look up host names: one that hangs delays no other."""


class WebhookSettings(Protocol):
    """What the configuration says of a webhook."""

    @property
    def url(self) -> object:
        """What `str` makes the address of."""

    @property
    def secret(self) -> SecretStr: ...

    @property
    def timeout(self) -> timedelta: ...


class Deliverer:
    """Delivers what is in the outbox of `store` to `webhooks` (by name). `clock` answers the time, aware and UTC.

    A delivery to a webhook that is not configured stays in the outbox. Raises ConfigError where a secret is not usable.
    """

    def __init__(self, store: Store, webhooks: Mapping[str, WebhookSettings], clock: Callable[[], datetime]) -> None:
        for webhook in webhooks.values():
            sign.webhook_of(webhook.secret)
        self._store = store
        self._webhooks = webhooks
        self._clock = clock
        self._courier: _Courier | None = None
        self._thread: threading.Thread | None = None
        self.failure: Exception | None = None
        """What nobody foresaw, and what ended the thread; None while all is well."""

    def start(self) -> None:
        """Begin to deliver; starting twice is allowed."""
        if self._thread is not None:
            return
        self.failure = None
        self._courier = _Courier(self._store, self._webhooks, self._clock)
        self._thread = threading.Thread(target=self._run, args=(self._courier,), name="deliverer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look into the outbox at once instead of within the second; of no effect while stopped."""
        if self._courier is not None:
            self._courier.wake()

    def run_until_idle(self, limit_s: float, stop: threading.Event | None = None) -> bool:
        """Deliver until nothing is due and nothing under way; False where `limit_s` ran out, or `stop` was set.

        What failed and is due later is left waiting. Where the thread does not run yet, it runs for this only. Raises what ended
        the thread, where something did.
        """
        was_started = self._thread is not None
        self.start()
        try:
            return self._wait_until_idle(limit_s, stop)
        finally:
            if not was_started:
                self.stop(timeout_s=2 * _REST_S)

    def stop(self, timeout_s: float) -> None:
        """End within `timeout_s`; stopping twice is allowed.

        Attempts under way have half of it. What is unfinished then goes back into the outbox, to be sent again under its id.
        """
        if self._thread is None or self._courier is None:
            return
        self._courier.stop(timeout_s / 2)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("deliverer.abandoned", timeout_s=timeout_s)
        self._thread = self._courier = None

    def _wait_until_idle(self, limit_s: float, stop: threading.Event | None) -> bool:
        assert self._courier is not None
        idle = threading.Event()
        self._courier.tell_when_idle(idle.set)
        ends_at = time.monotonic() + limit_s
        while not idle.wait(0.05):
            if self.failure is not None:
                raise self.failure
            if time.monotonic() > ends_at or (stop is not None and stop.is_set()):
                return False
        return True

    def _run(self, courier: _Courier) -> None:
        try:
            asyncio.run(courier.run())
        except Exception as error:  # noqa: BLE001 - above a thread is nobody: `failure` carries it to whoever asks
            log.error("deliverer.failed", error=f"{type(error).__name__}: {error}")
            self.failure = error


class _Parcel(NamedTuple):
    """A leased delivery with what it tells; ours until `until`."""

    delivery: Delivery
    alert: Alert
    until: datetime


class _Outcome(NamedTuple):
    """A delivery as it now is, and what it was leased as."""

    delivery: Delivery
    parcel: _Parcel

    @property
    def was_tried(self) -> bool:
        return len(self.delivery.attempts) > len(self.parcel.delivery.attempts)


class _Courier:
    """One run of the deliverer, in an event loop of its own. `wake`, `stop` and `tell_when_idle` are for other threads."""

    def __init__(self, store: Store, webhooks: Mapping[str, WebhookSettings], clock: Callable[[], datetime]) -> None:
        self._store = store
        self._webhooks = webhooks
        self._clock = clock
        self._lease_for = max((webhook.timeout for webhook in webhooks.values()), default=timedelta()) + _LEASE_MARGIN
        self._lanes = Lanes()
        self._tasks: dict[asyncio.Task[Delivery], _Parcel] = {}
        self._unconfigured: set[str] = set()
        self._woken = asyncio.Event()
        self._asked_whether_idle: list[Callable[[], None]] = []
        self._grace_s: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        # A thread of its own: in the resolvers' the store would wait behind host names.
        self._clerk = ThreadPoolExecutor(1, thread_name_prefix="deliverer-store")

    # ── from other threads ──

    def wake(self) -> None:
        """End the present rest."""
        if self._loop is not None:
            with suppress(RuntimeError):  # The loop is closed: there is nobody to wake.
                self._loop.call_soon_threadsafe(self._woken.set)

    def stop(self, grace_s: float) -> None:
        """Take up nothing more, and put down what is not done in `grace_s`."""
        self._grace_s = grace_s
        self.wake()

    def tell_when_idle(self, tell: Callable[[], None]) -> None:
        """Call `tell`, once, when a look into the outbox that begins after now finds nothing to do."""
        self._asked_whether_idle.append(tell)
        self.wake()

    # ── in the loop ──

    async def run(self) -> None:
        """Deliver until `stop`; the store may go away and come back meanwhile."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver"))
        failures = 0
        with self._clerk:
            async with Sender() as sender:
                while self._grace_s is None:
                    self._woken.clear()
                    try:
                        rest_s = await self._round(sender)
                        failures = 0
                    except TransientError as error:
                        failures += 1
                        rest_s = min(0.1 * 2**failures, _MAX_BACKOFF_S)
                        log.warning("deliverer.waiting", error=str(error), rest_s=rest_s)
                    await self._rest(rest_s)
                await self._put_down(self._grace_s)

    async def _round(self, sender: Sender) -> float:
        """Write down what is done, take up what is due; answers how many seconds there is nothing to do unless woken."""
        asked = tuple(self._asked_whether_idle)
        await self._write_down_done()
        due_at = await self._of_store(self._store.outbox.next_due_at)
        now = self._clock()
        if due_at is not None and due_at <= now and await self._take_up(sender, now):
            return 0.0
        if not self._tasks:
            self._answer_idle(asked)
        if due_at is None or due_at <= now:  # What is due is not ours to send now.
            return _REST_S
        return min((due_at - now).total_seconds(), _REST_S)

    async def _take_up(self, sender: Sender, now: datetime) -> bool:
        """Lease what is due and start on it; whether there was anything."""
        until = now + self._lease_for
        leased = await self._of_store(lambda: self._store.outbox.lease(now, until, _BATCH, self._passed_over()))
        in_hand = {parcel.delivery.id for parcel in self._tasks.values()}
        deliveries = [delivery for delivery in leased if delivery.id not in in_hand and self._is_configured(delivery.webhook)]
        alert_ids = {delivery.alert_id for delivery in deliveries}
        alerts = {alert.id: alert for alert in await self._of_store(lambda: list(self._store.outbox.alerts(alert_ids)))}
        for delivery in deliveries:
            if alert := alerts.get(delivery.alert_id):
                self._begin(sender, _Parcel(delivery, alert, until))
            else:
                log.warning("delivery.without_alert", delivery=delivery.id, alert=delivery.alert_id, remedy="looked for again soon")
        return bool(leased)

    def _begin(self, sender: Sender, parcel: _Parcel) -> None:
        task = asyncio.create_task(self._attempt(sender, parcel))
        task.add_done_callback(lambda _: self._woken.set())
        self._tasks[task] = parcel

    async def _attempt(self, sender: Sender, parcel: _Parcel) -> Delivery:
        """The delivery after an attempt; or without one, due as before, where its turn came too late to be sure that it is ours."""
        delivery, alert, until = parcel
        webhook = self._webhooks[delivery.webhook]
        async with self._lanes.place(delivery.webhook) as lane:
            at = self._clock()
            if self._grace_s is not None or at + webhook.timeout > until:
                return delivery._replace(next_attempt_at=at)
            body = payload(alert)
            headers = sign.headers(webhook.secret, delivery.id, at, body)
            attempt, retry_after_s = await sender.send(str(webhook.url), headers, body, webhook.timeout.total_seconds(), at)
            lane.is_trusted = attempt.error is None
        return schedule.after_attempt(delivery, attempt, retry_after_s)

    async def _write_down_done(self) -> None:
        done = {task: parcel for task, parcel in self._tasks.items() if task.done()}
        await self._write_down([_Outcome(task.result(), parcel) for task, parcel in done.items()])
        for task in done:
            del self._tasks[task]

    async def _write_down(self, outcomes: Iterable[_Outcome]) -> None:
        """Record outcomes; of what was not tried only what is still ours, for another process may have delivered it since."""
        now = self._clock()
        kept = [outcome for outcome in outcomes if outcome.was_tried or now < outcome.parcel.until]
        letters = [_letter(outcome, now) for outcome in kept if outcome.delivery.status == "dead"]
        if letters:
            await self._of_store(lambda: self._store.dead_letters.add(letters))
        if kept:
            await self._of_store(lambda: self._store.outbox.record([outcome.delivery for outcome in kept]))
        for outcome in kept:
            if outcome.was_tried:
                _log(outcome)

    async def _put_down(self, grace_s: float) -> None:
        """Let attempts end in `grace_s`, write those down, and make the others due again."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._write_down(self._last_outcomes(ended))
        except TransientError as error:
            log.warning("deliverer.unwritten", error=str(error), remedy="what was under way is sent again under its id")

    def _last_outcomes(self, ended: Sequence[Delivery | BaseException]) -> Iterable[_Outcome]:
        now = self._clock()
        for parcel, delivery in zip(self._tasks.values(), ended, strict=True):
            if isinstance(delivery, asyncio.CancelledError):
                yield _Outcome(parcel.delivery._replace(next_attempt_at=now), parcel)
            elif isinstance(delivery, BaseException):
                raise delivery
            else:
                yield _Outcome(delivery, parcel)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _of_store(self, call: Callable[[], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._clerk, call)

    def _passed_over(self) -> set[str]:
        in_hand = Counter(parcel.delivery.webhook for parcel in self._tasks.values())
        return self._unconfigured | {webhook for webhook, count in in_hand.items() if count >= _ENOUGH_IN_HAND}

    def _is_configured(self, webhook: str) -> bool:
        if webhook not in self._webhooks and webhook not in self._unconfigured:
            self._unconfigured.add(webhook)
            log.warning("delivery.unconfigured", webhook=webhook, remedy=f"configure webhooks.{webhook}; what is for it waits")
        return webhook in self._webhooks

    def _answer_idle(self, asked: Iterable[Callable[[], None]]) -> None:
        for tell in asked:
            self._asked_whether_idle.remove(tell)
            tell()


def letter_id(delivery: Delivery) -> str:
    """The id of the dead letter that a delivery has where it was given up."""
    return stable_id("dead-letter", delivery.id)


def _letter(outcome: _Outcome, now: datetime) -> DeadLetter:
    delivery, alert = outcome.delivery, outcome.parcel.alert
    return DeadLetter(
        id=letter_id(delivery),
        stage="alerts",
        error=_last_error(delivery),
        payload=delivery.id.encode(),
        kind="delivery",
        at=now,
        about=f"{delivery.webhook}: {alert.watch}: {alert.title[:200]}",
    )


def _last_error(delivery: Delivery) -> str:
    return f"{delivery.attempts[-1].error} (attempt {len(delivery.attempts)})"


def _log(outcome: _Outcome) -> None:
    """Say what an attempt came to: `delivery.delivered`, `delivery.failed` or `delivery.dead`."""
    delivery, alert = outcome.delivery, outcome.parcel.alert
    last = delivery.attempts[-1]
    bound = log.bind(
        alert=alert.id,
        webhook=delivery.webhook,
        watch=alert.watch,
        attempt=len(delivery.attempts),
        status=last.status,
        ms=round(last.duration_s * 1000),
    )
    if delivery.status == "delivered":
        bound.info("delivery.delivered")
    elif delivery.status == "dead":
        bound.error("delivery.dead", error=last.error)
    else:
        assert delivery.next_attempt_at is not None
        bound.warning("delivery.failed", error=last.error, next_attempt_at=delivery.next_attempt_at.isoformat())
