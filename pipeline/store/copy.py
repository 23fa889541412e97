"""Everything that one store keeps, into another: SQLite to Elasticsearch, back, or anywhere else. Only the roles are used.

What is there already is not written again, so that a copy that was killed is run again and goes on, and one that is run again
later brings what changed since. The order makes a half copy harmless: a version is known only once its content is there, and
claims come before the stories they lead to. Up to when events were grouped is not brought: the first grouping on the copy looks at
all that is remembered. Of a story, a feed and a delivery that both have, the one that is further on stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from pipeline.errors import ConfigError, TransientError
from pipeline.model import Alert, Delivery, Event, Habit, Hit, ItemVersion, ReadStory, Sketch
from pipeline.store.roles import KnownFeed, Merger, Store

A = TypeVar("A")

Progress = Callable[[str, int], None]
"""Hears what is copied, and how many of it so far."""

_BATCH = 200
_MANY = 2_000
_WINDOW = 100_000
"""Bands at once: what a store has of them is read whole to see what it lacks."""
_MOST_TRIES = 5
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""A lease that is over: what is unfinished may be taken up as soon as a service runs on the copy."""
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Copied(NamedTuple):
    """One kind of thing, after a copy."""

    what: str
    source: int
    target: int
    """How many the target has, counted there."""

    @property
    def is_whole(self) -> bool:
        return self.source == self.target


def copy(source: Store, target: Store, progress: Progress) -> list[Copied]:
    """Bring all that `source` keeps into `target`; answers how many of each kind both have.

    Raises `ConfigError` where it can be told that another service works on the target.
    """
    if target.take_over() is False:
        raise ConfigError("store copy: another process works on TO; stop it, and copy again")
    read = {kind.name: _copied(kind, source, target, progress) for kind in KINDS}
    return [Copied(kind.name, read[kind.name], sum(1 for _ in kind.read(target))) for kind in KINDS]


class Kind(NamedTuple):
    """A kind of thing that is kept: how all of it is read, and how a batch of it is brought into a store."""

    name: str
    read: Callable[[Store], Iterable[Any]]
    bring: Callable[[Sequence[Any], Store, Store], None]
    """Into the second store, from the first."""
    batch: int = _BATCH


def _copied(kind: Kind, source: Store, target: Store, progress: Progress) -> int:
    done = 0
    progress(kind.name, done)
    for batch in _batches(kind.read(source), kind.batch):
        kind.bring(batch, source, target)
        done += len(batch)
        progress(kind.name, done)
    return done


# ── each kind ────────────────────────────────────────────────────────────────────────────────────────────────────


def _bring_feeds(feeds: Sequence[KnownFeed], _source: Store, target: Store) -> None:
    there = {each.state.url: each for each in target.feeds.all()}
    target.feeds.keep([feed for feed in feeds if feed != (known := there.get(feed.state.url)) and not _is_further(known, feed)])


def _is_further(known: KnownFeed | None, feed: KnownFeed) -> bool:
    return known is not None and (known.state.last_polled_at or _AT_ONCE) > (feed.state.last_polled_at or _AT_ONCE)


def _bring_unfinished(versions: Sequence[ItemVersion], _source: Store, target: Store) -> None:
    target.landing.land(versions, _AT_ONCE)


def _bring_known(ids: Sequence[str], source: Store, target: Store) -> None:
    """Ids, and with them what the source has finished since an earlier copy."""
    target.landing.remember(ids)
    unfinished = {version.id for version in source.landing.read(ids)}
    target.landing.finish([version.id for version in target.landing.read(ids) if version.id not in unfinished])


def _bring_claims(claims: Sequence[tuple[bytes, str]], _source: Store, target: Store) -> None:
    target.claims.keep(dict(claims))


def _bring_stories(stories: Sequence[ReadStory], _source: Store, target: Store) -> None:
    left = {read.story.id: read for read in stories}
    for _ in range(_MOST_TRIES):
        there = target.stories.get(left)
        # What became part of another story in the target is further on there.
        left = {id: read for id, read in left.items() if id not in there or there[id].story.id == id}
        wanted = [
            read._replace(revision=there[id].revision if id in there else 0)
            for id, read in left.items()
            if id not in there or _is_later(read, there[id])
        ]
        stale = target.stories.put(wanted)
        if not stale:
            return
        left = {id: left[id] for id in stale}
    raise TransientError("store copy: the stories of TO are written by others all the time; stop what works on it, and copy again")


def _bring_leads(leads: Sequence[tuple[str, str]], _source: Store, target: Store) -> None:
    there = target.stories.get([id for id, _ in leads])
    kept = {id: read.revision for id, read in there.items() if read.story.id == id}
    target.stories.merge([Merger(id, kept.get(id, 0), into) for id, into in leads])


def _bring_habits(habits: Sequence[Habit], _source: Store, target: Store) -> None:
    there = target.habits.get([habit.source for habit in habits])
    new = [(habit, there.get(habit.source, Habit(habit.source))) for habit in habits]
    target.habits.put([habit._replace(revision=known.revision) for habit, known in new if habit.lines != known.lines])


def _bring_bands(banded: Sequence[tuple[str, list[int]]], _source: Store, target: Store) -> None:
    there = dict(target.bands.all())
    for batch in _batches((each for each in banded if there.get(each[0]) != each[1]), _MANY):
        target.bands.keep(dict(batch))


def _bring_sketches(sketches: Sequence[Sketch], _source: Store, target: Store) -> None:
    """Sketches, each placed as its story is in the target; as old as the stories, so that they are forgotten in time."""
    ids = [sketch.story_id for sketch in sketches]
    there, stories = target.events.of_stories(ids), target.stories.get(ids)
    placed = [_placed_as(sketch, stories.get(sketch.story_id)) for sketch in sketches]
    newest = max(sketch.published_at for sketch in sketches)
    target.events.keep([sketch for sketch in placed if sketch != there.get(sketch.story_id)], newest)


def _placed_as(sketch: Sketch, read: ReadStory | None) -> Sketch:
    return sketch._replace(event_id=read.story.event_id, duplicate_of=read.story.duplicate_of) if read else sketch


def _bring_redirects(redirects: Sequence[tuple[str, str]], _source: Store, target: Store) -> None:
    there = target.events.current([old for old, _ in redirects])
    target.events.redirect({old: new for old, new in redirects if there.get(old) != new})


def _bring_events(events: Sequence[Event], _source: Store, target: Store) -> None:
    there = {event.id: event for event in target.events.records([event.id for event in events])}
    target.events.record([event for event in events if not _is_ahead_of(there.get(event.id), event)])


def _is_ahead_of(known: Event | None, event: Event) -> bool:
    return known is not None and (known == event or known.last_published_at > event.last_published_at)


def _sketches(store: Store) -> Iterator[Sketch]:
    return store.events.kept(_AT_ONCE, _NEVER)


def _is_later(read: ReadStory, there: ReadStory) -> bool:
    return read._replace(revision=0) != there._replace(revision=0) and _seen_at(read) >= _seen_at(there)


def _seen_at(read: ReadStory) -> datetime:
    return max((version.seen_at for version in read.story.versions), default=_AT_ONCE)


def _bring_alerts(alerts: Sequence[Alert], source: Store, target: Store) -> None:
    """Alerts with their deliveries: what was delivered from one store is not delivered again from the other."""
    deliveries = source.outbox.deliveries([alert.id for alert in alerts])
    target.outbox.tell([], alerts, deliveries)
    there = {each.id: each for each in target.outbox.deliveries([alert.id for alert in alerts])}
    target.outbox.record([each for each in deliveries if each.id not in there or _is_ahead(each, there[each.id])])


def _is_ahead(delivery: Delivery, there: Delivery) -> bool:
    return there.status == "waiting" and (delivery.status != "waiting" or len(delivery.attempts) > len(there.attempts))


def _bring_hits(hits: Sequence[Hit], _source: Store, target: Store) -> None:
    known = target.outbox.known_hits([hit.id for hit in hits])
    target.outbox.tell([hit for hit in hits if hit.id not in known], [], [])


def _deliveries(store: Store) -> Iterator[Delivery]:
    for alerts in _batches(store.outbox.alerts(), _BATCH):
        yield from store.outbox.deliveries([alert.id for alert in alerts])


KINDS: tuple[Kind, ...] = (
    Kind("feeds", lambda store: store.feeds.all(), _bring_feeds, _MANY),
    Kind("unfinished", lambda store: store.landing.waiting(), _bring_unfinished),
    Kind("known", lambda store: store.landing.known(), _bring_known, _MANY),
    Kind("claims", lambda store: store.claims.all(), _bring_claims, _MANY),
    Kind("stories", lambda store: store.stories.all(), _bring_stories),
    Kind("merged stories", lambda store: store.stories.leads(), _bring_leads),
    Kind("habits", lambda store: store.habits.all(), _bring_habits),
    Kind("bands", lambda store: store.bands.all(), _bring_bands, _WINDOW),
    Kind("sketches", _sketches, _bring_sketches),
    Kind("merged events", lambda store: store.events.redirects(), _bring_redirects),
    Kind("events", lambda store: store.events.records(), _bring_events),
    Kind("alerts", lambda store: store.outbox.alerts(), _bring_alerts),
    Kind("deliveries", _deliveries, lambda *_: None),
    Kind("hits", lambda store: store.outbox.hits(), _bring_hits, _MANY),
    Kind("dead letters", lambda store: store.dead_letters.list(), lambda letters, _, target: target.dead_letters.add(letters)),
)


def _batches(elements: Iterable[A], size: int) -> Iterator[list[A]]:
    rest = iter(elements)
    while batch := list(islice(rest, size)):
        yield batch
