"""What has flowed so far, counted from log events. Pure: no terminal, no clock.

Everything in an event may be missing, of another type, or hostile: texts are made safe for a terminal by `clean` before they are
kept, and what is kept is bounded however long the service runs.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

from pipeline.config.problems import without_user_info

StoryState = Literal["new", "updated", "duplicate"]
AlertState = Literal["waiting", "delivered", "retrying", "dead"]

_KEPT_LINES = 200
_KEPT_READINGS = 5_000
_KEPT_NAMES = 20_000
_RATE_WINDOW_S = 30.0
_MARKS_IN_A_ROW = 2
_LONGEST = 1_000
_STORY_EVENTS = frozenset({"story.new", "story.updated", "story.duplicate"})


class SeenStory(NamedTuple):
    """A story as the log told of it."""

    id: str
    title: str
    source: str
    state: StoryState
    original: str
    """The source of the original, where this is a duplicate and the original is known."""


class SeenAlert(NamedTuple):
    """An alert as the log told of it."""

    id: str
    watch: str
    title: str
    source: str
    evidence: str
    names: tuple[str, ...]
    """The entities it is about, where the log names them."""
    state: AlertState
    attempts: int


class Read(NamedTuple):
    """The entities and pairs of a story's current version."""

    entities: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


class Tally:
    """Counts and the latest of everything; `take` an event at a time, in order of `at_s`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.stories: deque[SeenStory] = deque(maxlen=_KEPT_LINES)
        self.alerts: OrderedDict[str, SeenAlert] = OrderedDict()
        self.entities: Counter[str] = Counter()
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.troubles: dict[str, str] = {}
        """Feed -> why its last poll failed; feeds that answer are not among them."""
        self.notes: deque[str] = deque(maxlen=_KEPT_LINES)
        """Warnings and errors that are no part of the flow."""
        self.last_tick_ms: float | None = None
        self._readings: OrderedDict[str, Read] = OrderedDict()
        self._poll_times: deque[float] = deque(maxlen=_KEPT_NAMES)
        self._story_times: deque[float] = deque(maxlen=_KEPT_NAMES)
        self._takers: Mapping[str, Callable[[Mapping[str, object]], None]] = {
            "feed.polled": self._polled,
            "story.new": self._story_new,
            "story.updated": self._story_updated,
            "story.duplicate": self._story_duplicate,
            "story.read": self._read,
            "alert.queued": self._queued,
            "delivery.delivered": self._delivered,
            "delivery.failed": self._failed,
            "delivery.dead": self._dead,
            "dead_letter": self._dead_letter,
            "tick": self._tick,
        }

    def take(self, event: Mapping[str, object], at_s: float) -> None:
        """Count `event`; what is no part of the flow is noted where it is a warning or worse."""
        name = text_of(event, "event")
        if name == "feed.polled":
            self._poll_times.append(at_s)
        elif name in _STORY_EVENTS:
            self._story_times.append(at_s)
        if taker := self._takers.get(name):
            taker(event)
        elif text_of(event, "level") in {"warning", "error", "critical"}:
            self.notes.append(describe(event))

    def polls_per_s(self, at_s: float) -> float:
        """Over the last half minute, or since the start where that is less."""
        return _rate(self._poll_times, at_s)

    def stories_per_min(self, at_s: float) -> float:
        """New, updated and duplicate, over the last half minute, or since the start where that is less."""
        return _rate(self._story_times, at_s) * 60

    def _polled(self, event: Mapping[str, object]) -> None:
        self.counts["polls"] += 1
        feed = text_of(event, "feed")
        self.troubles.pop(feed, None)
        if error := text_of(event, "error"):
            self.counts["failed polls"] += 1
            if len(self.troubles) < _KEPT_LINES:
                self.troubles[feed] = error

    def _story_new(self, event: Mapping[str, object]) -> None:
        self._story(event, "new")

    def _story_updated(self, event: Mapping[str, object]) -> None:
        self._story(event, "updated")

    def _story_duplicate(self, event: Mapping[str, object]) -> None:
        self._story(event, "duplicate")

    def _story(self, event: Mapping[str, object], state: StoryState) -> None:
        self.counts[state] += 1
        original = next((seen.source for seen in self.stories if seen.id == text_of(event, "of")), "")
        title = text_of(event, "title") or "(no title)"
        self.stories.append(SeenStory(text_of(event, "story"), title, text_of(event, "source"), state, original))

    def _read(self, event: Mapping[str, object]) -> None:
        """Replace what was read in the story before, so that an edit counts once."""
        story = text_of(event, "story")
        read = Read(tuple(_texts(event.get("entities"))), tuple(_pairs(event.get("pairs"))))
        before = self._readings.pop(story, Read((), ()))
        self._readings[story] = read
        self.entities.subtract(before.entities)
        self.pairs.subtract(before.pairs)
        self.entities.update(read.entities)
        self.pairs.update(read.pairs)
        self.counts["entities"] += len(read.entities) - len(before.entities)
        self.counts["pairs"] += len(read.pairs) - len(before.pairs)
        self._forget()

    def _forget(self) -> None:
        if len(self._readings) > _KEPT_READINGS:
            self._readings.popitem(last=False)
        if len(self.entities) > _KEPT_NAMES:
            self.entities = Counter(dict(self.entities.most_common(_KEPT_NAMES // 2)))
        if len(self.pairs) > _KEPT_NAMES:
            self.pairs = Counter(dict(self.pairs.most_common(_KEPT_NAMES // 2)))

    def _queued(self, event: Mapping[str, object]) -> None:
        self.counts["alerts"] += 1
        known = self._alert(event)
        self._show(
            known._replace(
                title=text_of(event, "title"),
                source=text_of(event, "source"),
                evidence=text_of(event, "evidence"),
                names=tuple(_texts(event.get("entities"))),
            )
        )

    def _alert(self, event: Mapping[str, object]) -> SeenAlert:
        """The alert of an event. The deliverer's thread may tell of it before it is told to be queued, and does after a restart."""
        key = text_of(event, "alert")
        return self.alerts.get(key) or SeenAlert(key, text_of(event, "watch"), "", "", "", (), "waiting", 0)

    def _show(self, alert: SeenAlert) -> None:
        self.alerts[alert.id] = alert
        if len(self.alerts) > _KEPT_LINES:
            self.alerts.popitem(last=False)

    def _delivered(self, event: Mapping[str, object]) -> None:
        self._delivery(event, "delivered", "delivered")

    def _failed(self, event: Mapping[str, object]) -> None:
        self._delivery(event, "failed", "retrying")

    def _dead(self, event: Mapping[str, object]) -> None:
        self._delivery(event, "dead deliveries", "dead")

    def _delivery(self, event: Mapping[str, object], count: str, state: AlertState) -> None:
        self.counts[count] += 1
        alert = self._alert(event)
        self._show(alert._replace(state=state, attempts=alert.attempts + 1))

    def _dead_letter(self, event: Mapping[str, object]) -> None:
        self.counts["dead letters"] += 1
        self.notes.append(describe(event))

    def _tick(self, event: Mapping[str, object]) -> None:
        self.counts["ticks"] += 1
        ms = event.get("ms")
        self.last_tick_ms = float(ms) if isinstance(ms, int | float) else None


def _rate(times: deque[float], at_s: float) -> float:
    while times and times[0] < at_s - _RATE_WINDOW_S:
        times.popleft()
    return len(times) / max(1.0, min(at_s, _RATE_WINDOW_S))


def clean(text: object, limit: int = _LONGEST) -> str:
    """`text` as one line that does nothing to a terminal, at most `limit` code points.

    Control, format (bidirectional and zero-width too), private and unassigned characters go, white space is one blank, and no more
    than two combining marks stand in a row. The password of an address is left out.
    """
    kept: list[str] = []
    marks = 0
    for character in without_user_info(str(text)[: limit * 2]):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if character.isspace():
            kept.append(" ")
        elif not category.startswith("C") and marks <= _MARKS_IN_A_ROW:
            kept.append(character)
    line = " ".join("".join(kept).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def text_of(event: Mapping[str, object], key: str) -> str:
    """The value of `key`, cleaned; empty where there is none."""
    value = event.get(key)
    return "" if value is None else clean(value)


def describe(event: Mapping[str, object]) -> str:
    """An event in one line: its name and what it says."""
    hidden = {"event", "level", "timestamp", "exception", "exc_info"}
    parts = [f"{clean(key)}={clean(value, 120)}" for key, value in event.items() if key not in hidden and value is not None]
    return " ".join([text_of(event, "event"), *parts])


def counts_of(counts: Mapping[str, object]) -> str:
    """What a job counted in one line: `polls 12 · stories new 3 · store 41 ms`; what stayed at nothing is left out."""
    return " · ".join(_count(name, by) for name, by in counts.items() if isinstance(by, int) and by) or "nothing"


def _count(name: str, by: int) -> str:
    if name.endswith("_us"):
        return f"{name.removesuffix('_us')} {round(by / 1000):,} ms"
    return f"{name.replace('_', ' ')} {by:,}"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list | tuple):
        yield from (clean(entry, 80) for entry in value if entry is not None)


def _pairs(value: object) -> Iterator[tuple[str, str]]:
    """Pairs in alphabetical order of their names: who came first in which story does not matter here."""
    if isinstance(value, list | tuple):
        for entry in value:
            names = sorted(_texts(entry))
            if len(names) == 2:
                yield (names[0], names[1])
