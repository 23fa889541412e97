"""Stories of late grouped again, by what was not known when each arrived: which stories change their event, and which events end.

An event keeps its id: where several are one, the oldest's stays and the others lead to it; where one is several, the id stays with
most of its stories. The groups depend on the stories alone, whatever their order of arrival, as long as one pass sees them all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.model import Sketch, stable_id
from pipeline.store.roles import Store
from pipeline.stories.events import MOST_ALIKE, likenesses, wanted
from pipeline.stories.grouping import LEAST_ALIKE, WINDOW, Told, crowding, grouped
from pipeline.stories.likeness import Rarity, slots
from pipeline.stories.meaning import direction
from pipeline.stories.versions import event_of

MOST_AT_ONCE = 10_000
"""Stories that one pass groups: what they are like comes on top."""
_MOST_MEMBERS = 200
"""Of an event, the newest stories that a pass looks at."""
_ASKED_AT_ONCE = 32
_LONGEST_CHAIN = 8


class Change(NamedTuple):
    """What a pass found: nothing is written yet."""

    sketches: tuple[Sketch, ...]
    """Of the stories looked at, as they were."""
    events: dict[str, str]
    """The event of each story that was looked at."""
    ended: dict[str, str]
    """Events that are no more, and which they are now."""


def regrouped(changed: Sequence[Sketch], store: Store, rarity: Rarity, window: timedelta = WINDOW) -> Change:
    """The events of `changed` stories and of all that belong with them, as they are now known."""
    near = _Near(store, rarity, window)
    looked_at = _around(changed, store, near)
    ordered = sorted(looked_at.values(), key=_age)
    originals = [sketch for sketch in ordered if sketch.duplicate_of not in looked_at]
    named, ended = _named(_groups(originals, near, rarity, window))
    events = {sketch.story_id: event for event, group in named for sketch in group}
    for sketch in ordered:
        original = _original(sketch, looked_at)
        events.setdefault(sketch.story_id, events.get(original.story_id, original.event_id))
    return Change(tuple(ordered), events, ended)


class _Surroundings(NamedTuple):
    """What is around a story."""

    alike: dict[str, float]
    """The stories that may be of its event, with how alike they are."""
    crowding: float


class _Near:
    """What is around each story; asked for in batches, once. Copies are left out: their original counts."""

    def __init__(self, store: Store, rarity: Rarity, window: timedelta) -> None:
        self._store = store
        self._rarity = rarity
        self._window = window
        self._known: dict[str, _Surroundings] = {}

    def look(self, sketches: Sequence[Sketch]) -> None:
        asked = [sketch for sketch in sketches if sketch.story_id not in self._known]
        for at in range(0, len(asked), _ASKED_AT_ONCE):
            page = asked[at : at + _ASKED_AT_ONCE]
            asking = {each.story_id: wanted(each, self._rarity, self._window) for each in page}
            found = self._store.events.alike(asking, MOST_ALIKE)
            for sketch in page:
                others = [other for other in found[sketch.story_id] if not other.duplicate_of]
                alike = likenesses(sketch, others, self._rarity, self._window)
                near = {other.story_id: how for other, how in zip(others, alike, strict=True) if how >= LEAST_ALIKE}
                self._known[sketch.story_id] = _Surroundings(near, crowding(alike))

    def of(self, sketch: Sketch) -> _Surroundings:
        return self._known[sketch.story_id]


def _around(changed: Sequence[Sketch], store: Store, near: _Near) -> dict[str, Sketch]:
    """`changed`, the stories they are like, their originals, and the other stories of all their events."""
    near.look(changed)
    found = {sketch.story_id: sketch for sketch in changed}
    found |= store.events.of_stories({other for sketch in changed for other in near.of(sketch).alike} - found.keys())
    found |= store.events.of_stories({sketch.duplicate_of for sketch in found.values() if sketch.duplicate_of} - found.keys())
    events = sorted({sketch.event_id for sketch in found.values()})
    for at in range(0, len(events), _ASKED_AT_ONCE):
        for members in store.events.members(events[at : at + _ASKED_AT_ONCE], _MOST_MEMBERS).values():
            for sketch in members:
                found.setdefault(sketch.story_id, sketch)
    return found


def _groups(originals: Sequence[Sketch], near: _Near, rarity: Rarity, window: timedelta) -> list[list[Sketch]]:
    """`originals`, oldest first, in groups of one happening each; the group of the oldest first."""
    near.look(originals)
    place = {sketch.story_id: at for at, sketch in enumerate(originals)}
    told = [_told(each, rarity) for each in originals]
    alike = [{place[id]: how for id, how in near.of(each).alike.items() if id in place} for each in originals]
    crowded = [near.of(each).crowding for each in originals]
    groups: dict[int, list[Sketch]] = defaultdict(list)
    for sketch, first in zip(originals, grouped(told, alike, crowded, window), strict=True):
        groups[first].append(sketch)
    return list(groups.values())


def _told(sketch: Sketch, rarity: Rarity) -> Told:
    meaning = direction(sketch.meaning) if sketch.meaning else None
    return Told(sketch.published_at, slots(sketch.terms), rarity.weights(sketch.terms), meaning)


def _named(groups: Sequence[Sequence[Sketch]]) -> tuple[list[tuple[str, Sequence[Sketch]]], dict[str, str]]:
    """Each group with its event's id; and the events that ended, with what they are now."""
    stories = [Counter(sketch.event_id for sketch in group) for group in groups]
    began: dict[str, tuple[datetime, str]] = {}
    holder: dict[str, int] = {}
    for at, group in enumerate(groups):
        for sketch in group:
            event = sketch.event_id
            began[event] = min(began.get(event, _age(sketch)), _age(sketch))
            if event not in holder or stories[at][event] > stories[holder[event]][event]:
                holder[event] = at
    held: dict[int, list[str]] = defaultdict(list)
    for event in sorted(holder, key=lambda event: (began[event], event)):
        held[holder[event]].append(event)
    named = [(held[at][0] if at in held else _new_id(group, holder.keys()), group) for at, group in enumerate(groups)]
    return named, {event: events[0] for events in held.values() for event in events[1:]}


def _new_id(group: Sequence[Sketch], taken: Collection[str]) -> str:
    """The id of an event that leaves another: as if its oldest story had begun it, whose own may be taken."""
    begun = (event_of(sketch.story_id) for sketch in group)
    return next((event for event in begun if event not in taken), stable_id("event", "of", group[0].story_id))


def _original(sketch: Sketch, looked_at: Mapping[str, Sketch]) -> Sketch:
    for _ in range(_LONGEST_CHAIN):
        before = looked_at.get(sketch.duplicate_of) if sketch.duplicate_of else None
        if before is None:
            break
        sketch = before
    return sketch


def _age(sketch: Sketch) -> tuple[datetime, str]:
    return sketch.published_at, sketch.story_id
