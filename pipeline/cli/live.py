"""The live views: what flows, as it flows, from the log. Each is the last processor of structlog's chain.

`LiveView` redraws a terminal, `PlainView` prints a line for each thing that happened. Both take events from any thread, and neither
lets one through: what they show is not logged again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from types import TracebackType
from typing import Any, NoReturn, TextIO

import structlog
from rich.console import Console, RenderableType
from rich.live import Live

from pipeline.cli.screen import screen
from pipeline.cli.tally import Tally, clean, counts_of, describe, text_of

_FRAMES_PER_SECOND = 4


class LiveView:
    """A screen of counters, stories, alerts, pairs and entities; a context manager that leaves its last frame behind.

    `clock` answers seconds that only grow.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._started_at = clock()
        self._lock = threading.Lock()
        self.tally = Tally()
        self._live = Live(
            console=console, screen=True, get_renderable=self.frame, refresh_per_second=_FRAMES_PER_SECOND, redirect_stderr=False
        )

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()
        self._console.print(self.frame(), height=self._console.height - 1)

    def __call__(self, _logger: object, method: str, event: MutableMapping[str, Any]) -> NoReturn:
        """Take an event out of structlog's chain."""
        self.show({"level": method, **event})
        raise structlog.DropEvent

    def show(self, event: Mapping[str, object]) -> None:
        """Count `event`; it is drawn with the next frame."""
        with self._lock:
            self.tally.take(event, self._elapsed_s())

    def frame(self) -> RenderableType:
        """The view as it is now."""
        width, height = self._console.size
        with self._lock:
            return screen(self.tally, self._elapsed_s(), width, height)

    def _elapsed_s(self) -> float:
        return self._clock() - self._started_at


class PlainView:
    """A line for each poll that brought something or failed, story, alert, delivery and trouble; no colours, nothing moves."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started_at = clock()
        self._lock = threading.Lock()
        self.tally = Tally()

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, _logger: object, method: str, event: MutableMapping[str, Any]) -> NoReturn:
        """Take an event out of structlog's chain."""
        self.show({"level": method, **event})
        raise structlog.DropEvent

    def show(self, event: Mapping[str, object]) -> None:
        """Count `event`, and print it where it is news."""
        at_s = self._clock() - self._started_at
        with self._lock:
            self.tally.take(event, at_s)
            if line := plain_line(event):
                self._stream.write(f"{at_s:7.1f}  {line}\n")
                self._stream.flush()


def plain_line(event: Mapping[str, object]) -> str:
    """`event` in one line for a person; empty where it is no news (polls without a change, ticks, debugging)."""
    name = text_of(event, "event")
    if name in _LINES:
        return _LINES[name](event)
    return "" if text_of(event, "level") == "debug" else f"{'note':<10}{describe(event)}"


def _poll_line(event: Mapping[str, object]) -> str:
    if error := text_of(event, "error"):
        return _columns("poll", text_of(event, "feed"), f"failed: {error}")
    new = text_of(event, "new")
    return _columns("poll", text_of(event, "feed"), f"{new} new") if new not in {"", "0"} else ""


def _story_line(event: Mapping[str, object]) -> str:
    state = text_of(event, "event").partition(".")[2]
    return _columns(state, text_of(event, "source"), text_of(event, "title") or "(no title)")


def _read_line(event: Mapping[str, object]) -> str:
    entities = event.get("entities")
    names = ", ".join(clean(name, 60) for name in entities) if isinstance(entities, list | tuple) else ""
    return _columns("read", text_of(event, "story"), names) if names else ""


def _alert_line(event: Mapping[str, object]) -> str:
    proof = text_of(event, "evidence") or text_of(event, "title")
    return _columns("ALERT", text_of(event, "watch"), f"“{proof}”  {text_of(event, 'source')}")


def _delivery_line(event: Mapping[str, object]) -> str:
    state = text_of(event, "event").partition(".")[2]
    facts = [f"{key} {text_of(event, key)}" for key in ("attempt", "status", "error") if text_of(event, key)]
    return _columns(state, text_of(event, "webhook"), ", ".join([text_of(event, "alert"), *facts]))


def _dead_letter_line(event: Mapping[str, object]) -> str:
    return _columns("set aside", text_of(event, "stage"), f"{text_of(event, 'about')}: {text_of(event, 'error')}")


def _counts_line(event: Mapping[str, object]) -> str:
    return f"{'counted':<10}{counts_of(event)}"


def _columns(what: str, where: str, text: str) -> str:
    return f"{what:<10}{where:<26}  {text}".rstrip()


_LINES: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "feed.polled": _poll_line,
    "story.new": _story_line,
    "story.updated": _story_line,
    "story.duplicate": _story_line,
    "story.read": _read_line,
    "alert.queued": _alert_line,
    "delivery.delivered": _delivery_line,
    "delivery.failed": _delivery_line,
    "delivery.dead": _delivery_line,
    "dead_letter": _dead_letter_line,
    "tick": lambda _: "",
    "service.counts": _counts_line,
}
