"""The demo played through: the newsroom, the service on it and a receiver, until every expected alert has come or time is up.

What flows is told by the log alone; this module prints nothing.
"""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog

from pipeline.demo.config import SECRET_VARIABLE, write_configuration
from pipeline.demo.expected import Arrival, Expected, Verdict, expected_alerts, judge
from pipeline.demo.newsroom import Newsroom
from pipeline.demo.programme import Programme, programme
from pipeline.demo.receiver import Received, Receiver
from pipeline.errors import WirewatchError

log = structlog.get_logger()

Service = Callable[[Path, Mapping[str, str], threading.Event], None]
"""Runs the service with the configuration at a path and an environment, until the event is set."""

_STEP_S = 0.1
_STOP_S = 15.0
"""What the service may take to stop: it promises ten seconds."""


class Outcome(NamedTuple):
    """What came of a play."""

    verdict: Verdict
    refused: int
    """Calls of the receiver whose signature did not verify."""
    polls: Mapping[str, int]
    """How often the newsroom gave each kind of answer."""
    duration_s: float

    @property
    def is_right(self) -> bool:
        """Whether every expected alert came, verified and once, and nothing else did."""
        return self.verdict.is_right and not self.refused


def play(
    directory: Path,
    service: Service,
    *,
    now: datetime,
    speed: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    limit_s: float = 150.0,
    quiet_s: float = 4.0,
    stop: threading.Event | None = None,
) -> Outcome:
    """Play the programme `speed` times as fast to `service`, whose files go into `directory`.

    Ends `quiet_s` after the timetable is over and the last call came, once nothing is missing; after `limit_s` in any case; and
    when `stop` is set. Raises what ended the service early, WirewatchError where it does not stop when told.
    """
    plan = programme()
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    started_at = clock()
    with Receiver(secret) as receiver, Newsroom(plan, now=now, speed=speed, clock=clock) as newsroom:
        path = write_configuration(directory, newsroom.feeds(), receiver.url)
        log.info("demo.opened", outlets=len(plan.outlets), stories=len(plan.articles), configuration=str(path))
        worker = _Worker(service, path, {SECRET_VARIABLE: secret})
        worker.start()
        try:
            _watch(plan, newsroom, receiver, worker, _Patience(clock, started_at + limit_s, quiet_s, stop or threading.Event()))
        finally:
            worker.stop()
        calls = receiver.calls
        outcome = Outcome(_verdict(plan, calls), _refused(calls), dict(newsroom.answers), clock() - started_at)
    log.info("demo.closed", arrived=len(outcome.verdict.arrived), missing=len(outcome.verdict.missing), is_right=outcome.is_right)
    return outcome


class _Patience(NamedTuple):
    """How long a play goes on."""

    clock: Callable[[], float]
    ends_at: float
    quiet_s: float
    stop: threading.Event


class _Worker:
    """The service in a thread, and what it died of."""

    def __init__(self, service: Service, path: Path, environment: Mapping[str, str]) -> None:
        self._service = service
        self._path = path
        self._environment = environment
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="service", daemon=True)
        self._failure: Exception | None = None

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop; raises what the service died of."""
        self._stop.set()
        self._thread.join(_STOP_S)
        if self._failure is not None:
            raise self._failure
        if self._thread.is_alive():
            raise WirewatchError(f"the service did not stop within {_STOP_S:.0f} s")

    def _run(self) -> None:
        try:
            self._service(self._path, self._environment, self._stop)
        except Exception as error:  # noqa: BLE001 - raised again by `stop`, in the thread that asked for the play
            self._failure = error


def _watch(plan: Programme, newsroom: Newsroom, receiver: Receiver, worker: _Worker, patience: _Patience) -> None:
    """Return when there is nothing more to wait for."""
    expected = expected_alerts(plan)
    quiet_since, calls = patience.clock(), 0
    while worker.is_running and patience.clock() < patience.ends_at and not patience.stop.wait(_STEP_S):
        received = receiver.calls
        if len(received) != calls or not newsroom.is_over or _lacks(expected, received):
            quiet_since, calls = patience.clock(), len(received)
        elif patience.clock() - quiet_since >= patience.quiet_s:
            return


def _lacks(expected: tuple[Expected, ...], calls: list[Received]) -> bool:
    return bool(judge(expected, _arrivals(calls)).missing)


def _verdict(plan: Programme, calls: list[Received]) -> Verdict:
    return judge(expected_alerts(plan), _arrivals(calls))


def _refused(calls: list[Received]) -> int:
    return sum(not call.is_verified for call in calls)


def _arrivals(calls: list[Received]) -> list[Arrival]:
    return [_arrival(call.id, call.payload) for call in calls if call.payload is not None]


def _arrival(webhook_id: str, payload: Mapping[str, object]) -> Arrival:
    """What an alert's message is about; what it lacks is empty, and so matches nothing that was expected."""
    data = payload.get("data")
    data = data if isinstance(data, dict) else {}
    story = data.get("story")
    url = story.get("url") if isinstance(story, dict) else None
    return Arrival(webhook_id, str(data.get("watch", "")), url if isinstance(url, str) else None)
