"""Grouping the stories of late again, and writing what changes: in time (`upkeep.py`), after a backfill, and by a command.

Where ended events lead is written first, then stories, then their sketches: killed in between, the next pass finds the same changes
again. Each write of a story is optimistic, as the chain's are: where somebody else writes it meanwhile, it is read and moved again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

import structlog

from pipeline.errors import TransientError
from pipeline.memory import give_back
from pipeline.model import Entity, Event, ReadStory, Sketch
from pipeline.store import terms
from pipeline.store.query import EVERYTHING
from pipeline.store.roles import Place, Store
from pipeline.store.search import SearchRequest
from pipeline.stories.copies import copies_of
from pipeline.stories.events import rarity_of
from pipeline.stories.grouping import WINDOW
from pipeline.stories.likeness import Rarity, packed_terms
from pipeline.stories.regroup import MOST_AT_ONCE, regrouped

log = structlog.get_logger()

LOOK_BACK = timedelta(minutes=6)
"""What was looked at so lately is looked at again: its story may have been on its way from its event to the index. A call to the
store is given up after four minutes, and a batch that fails there begins again and keeps its sketches again; the rest is for clocks
that differ."""
_WRITTEN_AT_ONCE = 32
"""Whole stories in memory at once: more would leave ten megabytes of holes behind."""
_MOST_TRIES = 8
_MOST_READ = 100
"""Of an event, the newest stories that its record is made of."""
_MOST_NAMED = 10
_DAY = timedelta(days=1)
_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)


class Regrouping(NamedTuple):
    """What a pass did."""

    looked_at: int = 0
    moved: int = 0
    """Stories that are of another event now."""
    ended: int = 0
    """Events that became part of others."""


def regroup(store: Store, now: datetime, window: timedelta = WINDOW, *, everything: bool = False) -> Regrouping:
    """Group again what was kept since the last time (or ever) with all that belongs to it; `now` is the next time's last.

    Stories further apart than `window` are not compared. Raises `TransientError` where the store is away; what was done until then
    stands.
    """
    last = None if everything else store.events.looked_at()
    since = last - LOOK_BACK if last else _BEFORE
    kept = store.events.kept(since, now + timedelta(microseconds=1))
    done, rarity = Regrouping(), None
    while changed := list(islice(kept, MOST_AT_ONCE)):
        rarity = rarity or rarity_of(store)
        done = _together(done, _pass(store, changed, rarity, window))
    store.events.looked(now)
    if done.looked_at:
        # Thousands of stories were in memory, in whichever thread came by.
        give_back()
    if done.moved:
        log.info("events.regrouped", looked_at=done.looked_at, moved=done.moved, ended=done.ended)
    return done


def _together(some: Regrouping, more: Regrouping) -> Regrouping:
    return Regrouping(*(a + b for a, b in zip(some, more, strict=True)))


def _pass(store: Store, changed: Sequence[Sketch], rarity: Rarity, window: timedelta) -> Regrouping:
    change = regrouped(changed, store, rarity, window)
    store.events.redirect({event: event for event in store.events.current(set(change.events.values()))} | change.ended)
    was = {sketch.story_id: sketch.event_id for sketch in change.sketches}
    asked = {sketch.story_id for sketch in changed} | {id for id, event in change.events.items() if was[id] != event}
    moved = _moved(store, {id: change.events[id] for id in asked})
    moved |= _moved_with(store, change.ended)
    moved |= _moved(store, {copy: change.events[id] for id in moved & change.events.keys() for copy in _copies(store, id)})
    touched = {change.events[id] for id in asked} | {was[id] for id in moved if id in was} | {*change.ended, *change.ended.values()}
    _record(store, touched, rarity)
    return Regrouping(len(change.sketches), len(moved), len(change.ended))


# ── what moves ───────────────────────────────────────────────────────────────────────────────────────────────────


def _moved(store: Store, events: Mapping[str, str]) -> set[str]:
    """Let stories (key) be of events (value), where they are stored and of others; answers which were.

    A copy is of its original's event, whatever was found for it: it may have been no copy yet, or its original not looked at.
    """
    moved: set[str] = set()
    for ids in _batches(sorted(events), _WRITTEN_AT_ONCE):
        left: set[str] = set(ids)
        there: dict[str, Place] = {}
        for _ in range(_MOST_TRIES):
            # What became part of another story meanwhile is left to that one.
            stored = {id: read for id, read in store.stories.get(left).items() if read.story.id == id}
            wanted = {**events, **_beside_originals(store, stored.values(), events)}
            there |= {id: Place(wanted[id], read.story.duplicate_of) for id, read in stored.items()}
            wrong = [read for id, read in stored.items() if read.story.event_id != wanted[id]]
            left = store.stories.put([_of_event(read, wanted[read.story.id]) for read in wrong])
            moved |= {read.story.id for read in wrong}
            if not left:
                break
        if left:
            raise TransientError(f"{len(left)} stories are written by others all the time; they are grouped again later")
        store.events.move(there)
    return moved


def _beside_originals(store: Store, reads: Iterable[ReadStory], events: Mapping[str, str]) -> dict[str, str]:
    """The event of each copy's original: as it is about to be, or as it is, or what that became part of."""
    copies = {read.story.id: read.story.duplicate_of for read in reads if read.story.duplicate_of}
    originals = store.stories.get(set(copies.values()) - events.keys()) if copies else {}
    now = {**events, **{id: read.story.event_id for id, read in originals.items()}}
    heirs = store.events.current({read.story.event_id for read in originals.values()}) if originals else {}
    return {id: heirs.get(now[original], now[original]) for id, original in copies.items() if original in now}


def _moved_with(store: Store, ended: Mapping[str, str]) -> set[str]:
    """Let the stories that ended events have beside those that were looked at follow; answers which did."""
    moved: set[str] = set()
    for event, heir in ended.items():
        told = SearchRequest(terms.event(event), limit=_WRITTEN_AT_ONCE, is_of_all=True)
        while page := store.stories.search(told).found:
            followed = _moved(store, {found.read.story.id: heir for found in page})
            if not followed:
                # They are found where the store says they are not: their event's id leads to its heir all the same.
                log.warning("event.stays", ended=event, heir=heir, stories=len(page))
                break
            moved |= followed
    return moved


def _copies(store: Store, story_id: str) -> list[str]:
    """Of a story that moved, also those that were not looked at."""
    return [read.story.id for read in copies_of(store, story_id)]


def _of_event(read: ReadStory, event_id: str) -> ReadStory:
    return read._replace(story=read.story._replace(event_id=event_id))


# ── what is known of events ──────────────────────────────────────────────────────────────────────────────────────


def _record(store: Store, event_ids: set[str], rarity: Rarity) -> None:
    """Make the records of events anew from their stories; one that has none any more goes."""
    for ids in _batches(sorted(event_ids), _WRITTEN_AT_ONCE):
        counts = store.stories.by_event(EVERYTHING, ids)
        known = {event.id: event for event in store.events.records(ids)}
        store.events.record([_event(store, id, counts.get(id, 0), known.get(id), rarity) for id in ids])


def _event(store: Store, event_id: str, stories: int, known: Event | None, rarity: Rarity) -> Event:
    found = store.stories.search(SearchRequest(terms.event(event_id), limit=_MOST_READ)).found
    reads = [each.read for each in reversed(found)]
    if not reads:
        return Event(event_id, "", 0, (), _BEFORE, _BEFORE, 0)
    before = known if known and stories > len(reads) else None
    last = reads[-1].story.published_at
    return Event(
        id=event_id,
        headline=_headline(reads, rarity),
        stories=stories,
        sources=tuple(dict.fromkeys([*(before.sources if before else ()), *(read.story.source for read in reads)])),
        first_seen_at=min([read.story.first_seen_at for read in reads] + ([before.first_seen_at] if before else [])),
        last_published_at=last,
        growth=sum(_vote(last - read.story.published_at) for read in reads),
        entities=_entities(reads),
        topics=tuple(name for name, _ in Counter(t.name for read in reads for t in read.reading.topics).most_common(3)),
    )


def _vote(age: timedelta) -> int:
    return 1 if age < _DAY else -1 if age < 2 * _DAY else 0


def _headline(reads: Sequence[ReadStory], rarity: Rarity) -> str:
    """The title that is most like the others; of two like ones the older."""
    titled = [read.story.title for read in reads if read.story.title] or [""]
    terms_of = [packed_terms(title, "") for title in titled]
    central = [float(rarity.alike(each, terms_of).sum()) for each in terms_of]
    return titled[max(range(len(titled)), key=lambda at: (round(central[at], 4), -at))]


def _entities(reads: Sequence[ReadStory]) -> tuple[Entity, ...]:
    """Whom most stories name, the count of stories for their own."""
    named = {entity.key: entity for read in reads for entity in read.reading.entities}
    counts = Counter(entity.key for read in reads for entity in read.reading.entities)
    chosen = sorted(counts, key=lambda key: (-counts[key], key))[:_MOST_NAMED]
    return tuple(named[key]._replace(count=counts[key]) for key in chosen)


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), size):
        yield ids[at : at + size]
