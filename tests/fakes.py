"""Small real implementations of what the stages talk to. `MemoryStore` plays every role of a store and keeps its promises:
the contract suite holds it to them beside the real stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from threading import RLock
from typing import assert_never

from pipeline.model import Alert, DeadLetter, Delivery, Event, FeedState, Habit, Hit, ItemVersion, ReadStory, Sketch, stable_id
from pipeline.store.fingerprint import digest
from pipeline.store.query import All, Either, Fuzzy, Not, Published, Query, Words, wanted
from pipeline.store.roles import SKETCHES_KEPT, KnownFeed, Merger, Place, Telling
from pipeline.store.search import Count, Facets, Found, Page, SearchRequest
from pipeline.store.snippet import is_like, snippet
from pipeline.store.terms import Term, terms
from pipeline.store.words import words


class MemoryStore:
    """A store that forgets everything with the process. One lock around each call: safe from several threads."""

    name = "memory"

    def __init__(self) -> None:
        lock = RLock()
        self.feeds = MemoryFeeds(lock)
        self.landing = MemoryLanding(lock, self.feeds)
        self.claims = MemoryClaims(lock)
        self.stories = MemoryStories(lock)
        self.bands = MemoryBands(lock)
        self.habits = MemoryHabits(lock)
        self.events = MemoryEvents(lock)
        self.outbox = MemoryOutbox(lock)
        self.dead_letters = MemoryDeadLetters(lock)
        self._lock = lock
        self._turns: dict[str, datetime] = {}

    def take_over(self) -> None:
        """Nobody can have died and left anything here."""

    def take_turn(self, work: str, now: datetime, until: datetime) -> bool:
        with self._lock:
            if self._turns.get(work, now) > now:
                return False
            self._turns[work] = until
            return True

    def tend(self, now: datetime, stories_for: timedelta | None = None) -> bool:
        """What is kept at least so long is kept; only sketches are forgotten here."""
        self.events.forget(now - SKETCHES_KEPT)
        return False

    def close(self) -> None:
        """Nothing is held."""


class MemoryFeeds:
    """FeedSchedule."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._known: dict[str, FeedState] = {}
        self._subscribed: set[str] = set()

    def subscribe(self, urls: Collection[str], now: datetime) -> None:
        with self._lock:
            self._subscribed = set(urls)
            for url in urls:
                self._known.setdefault(url, FeedState(url, now))

    def lease(self, now: datetime, until: datetime, limit: int) -> list[FeedState]:
        with self._lock:
            due = sorted((state for state in self.states() if state.next_poll_at <= now), key=attrgetter("next_poll_at", "url"))[
                :limit
            ]
            for state in due:
                self._known[state.url] = state._replace(next_poll_at=until)
            return due

    def next_due_at(self) -> datetime | None:
        return min((state.next_poll_at for state in self.states()), default=None)

    def states(self) -> list[FeedState]:
        with self._lock:
            return [self._known[url] for url in sorted(self._subscribed)]

    def all(self) -> Iterator[KnownFeed]:
        with self._lock:
            return iter([KnownFeed(self._known[url], url in self._subscribed) for url in sorted(self._known)])

    def keep(self, feeds: Sequence[KnownFeed]) -> None:
        with self._lock:
            for state, is_subscribed in feeds:
                self._known[state.url] = state
                (self._subscribed.add if is_subscribed else self._subscribed.discard)(state.url)

    def polled(self, state: FeedState, new_items: int) -> None:
        """Keep the state that a poll left its feed in: what landing writes in one with the item versions."""
        items = self._known[state.url].items if state.url in self._known else 0
        self._known[state.url] = state._replace(items=items + new_items)


class MemoryLanding:
    """Landing."""

    def __init__(self, lock: RLock, feeds: MemoryFeeds) -> None:
        self._lock = lock
        self._feeds = feeds
        self._known: set[str] = set()
        self._unfinished: dict[str, ItemVersion] = {}
        self._leased_until: dict[str, datetime] = {}

    def land(self, versions: Sequence[ItemVersion], until: datetime, states: Sequence[FeedState] = ()) -> list[str]:
        with self._lock:
            new = [version for version in versions if self._is_new(version)]
            self.reopen(new, until)
            for state in states:
                self._feeds.polled(state, sum(version.item.feed == state.url for version in new))
            return [version.id for version in new]

    def _is_new(self, version: ItemVersion) -> bool:
        is_new = version.id not in self._known
        self._known.add(version.id)
        return is_new

    def unfinished(self, now: datetime, until: datetime, limit: int) -> list[str]:
        with self._lock:
            free = [key for key in self._unfinished if self._leased_until[key] <= now]
            taken = sorted(free, key=lambda key: self._unfinished[key].seen_at)[:limit]
            self._leased_until.update(dict.fromkeys(taken, until))
            return taken

    def read(self, ids: Sequence[str]) -> list[ItemVersion]:
        with self._lock:
            return [self._unfinished[key] for key in ids if key in self._unfinished]

    def finish(self, ids: Sequence[str]) -> None:
        with self._lock:
            for key in ids:
                self._unfinished.pop(key, None)
                self._leased_until.pop(key, None)

    def reopen(self, versions: Sequence[ItemVersion], until: datetime) -> None:
        with self._lock:
            for version in versions:
                self._known.add(version.id)
                self._unfinished[version.id] = version
                self._leased_until[version.id] = until

    def next_due_at(self) -> datetime | None:
        return min(self._leased_until.values(), default=None)

    def unfinished_count(self) -> int:
        return len(self._unfinished)

    def waiting(self) -> Iterator[ItemVersion]:
        with self._lock:
            return iter(list(self._unfinished.values()))

    def known(self) -> Iterator[str]:
        with self._lock:
            return iter(sorted(self._known))

    def remember(self, ids: Sequence[str]) -> None:
        with self._lock:
            self._known.update(ids)


class MemoryClaims:
    """Claims."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._owners: dict[bytes, str] = {}

    def owners(self, fingerprints: Collection[str]) -> dict[str, str]:
        with self._lock:
            return {name: self._owners[digest(name)] for name in fingerprints if digest(name) in self._owners}

    def claim(self, wanted: Mapping[str, str]) -> dict[str, str]:
        with self._lock:
            return {name: self._owners.setdefault(digest(name), story_id) for name, story_id in wanted.items()}

    def all(self) -> Iterator[tuple[bytes, str]]:
        with self._lock:
            return iter(sorted(self._owners.items()))

    def keep(self, owners: Mapping[bytes, str]) -> None:
        with self._lock:
            self._owners = {**owners, **self._owners}


class MemoryStories:
    """Stories, searched by looking at each."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._kept: dict[str, ReadStory] = {}
        self._leads_to: dict[str, str] = {}

    def get(self, ids: Collection[str]) -> dict[str, ReadStory]:
        with self._lock:
            return {key: self._kept[self._current(key)] for key in ids if self._current(key) in self._kept}

    def merge(self, mergers: Sequence[Merger]) -> set[str]:
        with self._lock:
            return {merger.id for merger in mergers if not self._merge(merger)}

    def _merge(self, merger: Merger) -> bool:
        if merger.id in self._leads_to:
            return self._leads_to[merger.id] == merger.into
        kept = self._kept.get(merger.id)
        if (kept.revision if kept else 0) != merger.revision:
            return False
        self._kept.pop(merger.id, None)
        self._leads_to[merger.id] = merger.into
        return True

    def leads(self) -> Iterator[tuple[str, str]]:
        with self._lock:
            return iter(sorted(self._leads_to.items()))

    def current_ids(self, ids: Collection[str]) -> dict[str, str]:
        with self._lock:
            return {key: self._current(key) for key in ids if key in self._leads_to}

    def _current(self, key: str) -> str:
        return self._current(self._leads_to[key]) if key in self._leads_to else key

    def put(self, stories: Sequence[ReadStory]) -> set[str]:
        with self._lock:
            return {read.story.id for read in stories if not self._put(read)}

    def _put(self, read: ReadStory) -> bool:
        kept = self._kept.get(read.story.id)
        revision = kept.revision if kept else 0
        if kept and read.revision == revision - 1:
            return kept == read._replace(revision=revision)
        if read.revision != revision or read.story.id in self._leads_to:
            return False
        self._kept[read.story.id] = read._replace(revision=revision + 1)
        return True

    def search(self, request: SearchRequest) -> Page:
        matching = self._found_by(request.query)
        if request.by_relevance:
            matching.sort(key=lambda read: -_weight(read, request.query))
        elif request.after is not None:
            matching = [read for read in matching if _newest_first(read) > _place(request.after)]
        page = matching[: request.limit]
        more = len(matching) > len(page) and not request.by_relevance and bool(page)
        found = tuple(Found(read, _token(read), snippet(read.story.text, request.query)) for read in page)
        return Page(found, _token(page[-1]) if more else None)

    def facets(self, query: Query, limit: int = 10) -> Facets:
        found = self._found_by(query)
        names = [{entity.key: entity.name for entity in read.reading.entities} for read in found]
        days = Counter(f"{read.story.published_at:%Y-%m-%d}" for read in found)
        return Facets(
            len(found),
            True,
            _commonest((name for named in names for name in named.values()), limit),
            _commonest(
                (
                    " + ".join(sorted((named[pair.a], named[pair.b])))
                    for named, read in zip(names, found, strict=True)
                    for pair in read.reading.pairs
                ),
                limit,
            ),
            _commonest((topic.name for read in found for topic in read.reading.topics), limit),
            _commonest((read.story.source for read in found), limit),
            tuple(Count(day, days[day]) for day in sorted(days, reverse=True)[:limit]),
        )

    def by_event(
        self, query: Query, events: Collection[str], oldest: str | None = None, newest: str | None = None
    ) -> dict[str, int]:
        return dict(
            Counter(
                read.story.event_id
                for read in self._found_by(query)
                if read.story.event_id in events
                and (oldest is None or _newest_first(read) <= _place(oldest))
                and (newest is None or _newest_first(read) >= _place(newest))
            )
        )

    def _found_by(self, query: Query) -> list[ReadStory]:
        """What meets `query`, newest first."""
        with self._lock:
            return sorted((read for read in self._kept.values() if _meets(read, query)), key=_newest_first)

    def count(self) -> int:
        return len(self._kept)

    def all(self) -> Iterator[ReadStory]:
        with self._lock:
            return iter(sorted(self._kept.values(), key=lambda read: (read.story.published_at, read.story.id)))


class MemoryBands:
    """Bands."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._last: dict[str, list[int]] = {}

    def keep(self, banded: Mapping[str, Sequence[int]]) -> None:
        with self._lock:
            self._last |= {key: list(its) for key, its in banded.items()}

    def all(self) -> Iterator[tuple[str, list[int]]]:
        with self._lock:
            return iter(list(self._last.items()))

    def sharing(self, banded: Mapping[str, Sequence[int]], least: int) -> dict[str, list[str]]:
        with self._lock:
            counts = {key: {other: len(set(its) & set(last)) for other, last in self._last.items()} for key, its in banded.items()}
        return {
            key: sorted((other for other in of if other != key and of[other] >= least), key=lambda other: (-of[other], other))[:20]
            for key, of in counts.items()
        }


class MemoryHabits:
    """Habits."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._kept: dict[str, Habit] = {}

    def get(self, sources: Collection[str]) -> dict[str, Habit]:
        with self._lock:
            return {key: self._kept[key] for key in sources if key in self._kept}

    def all(self) -> Iterator[Habit]:
        with self._lock:
            return iter(sorted(self._kept.values(), key=attrgetter("source")))

    def put(self, habits: Sequence[Habit]) -> set[str]:
        with self._lock:
            return {habit.source for habit in habits if not self._put(habit)}

    def _put(self, habit: Habit) -> bool:
        kept = self._kept.get(habit.source)
        if habit.revision != (kept.revision if kept else 0):
            return False
        self._kept[habit.source] = habit._replace(revision=habit.revision + 1)
        return True


class MemoryEvents:
    """Events, found by looking at each sketch."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._sketches: dict[str, tuple[Sketch, datetime]] = {}
        self._redirects: dict[str, str] = {}
        self._events: dict[str, Event] = {}
        self._looked_at: datetime | None = None

    def keep(self, sketches: Sequence[Sketch], now: datetime) -> None:
        with self._lock:
            self._sketches.update({sketch.story_id: (sketch, now) for sketch in sketches})

    def move(self, places: Mapping[str, Place]) -> None:
        with self._lock:
            for story_id in places.keys() & self._sketches.keys():
                sketch, kept_at = self._sketches[story_id]
                self._sketches[story_id] = sketch._replace(**places[story_id]._asdict()), kept_at

    def withdraw(self, ids: Collection[str]) -> None:
        with self._lock:
            for story_id in ids:
                self._sketches.pop(story_id, None)

    def of_stories(self, ids: Collection[str]) -> dict[str, Sketch]:
        with self._lock:
            return {id: self._sketches[id][0] for id in ids if id in self._sketches}

    def alike(self, wanted: Mapping[str, Telling], limit: int) -> dict[str, list[Sketch]]:
        return {name: self._alike(name, telling)[:limit] for name, telling in wanted.items()}

    def _alike(self, name: str, telling: Telling) -> list[Sketch]:
        weights = {
            sketch: sum(telling.terms.get(term, 0) for term in set(sketch.telling))
            for sketch in self._all()
            if telling.since <= sketch.published_at <= telling.until and sketch.story_id != name
        }
        found = sorted(weights, key=lambda sketch: (-weights[sketch], -sketch.published_at.timestamp(), stable_id(sketch.story_id)))
        return [sketch for sketch in found if weights[sketch]]

    def members(self, event_ids: Collection[str], limit: int) -> dict[str, list[Sketch]]:
        newest_first = sorted(self._all(), key=lambda sketch: (sketch.published_at, sketch.story_id), reverse=True)
        found = {id: [sketch for sketch in newest_first if sketch.event_id == id][:limit] for id in event_ids}
        return {id: sketches for id, sketches in found.items() if sketches}

    def kept(self, since: datetime, until: datetime) -> Iterator[Sketch]:
        with self._lock:
            found = [sketch for sketch, kept_at in self._sketches.values() if since <= kept_at < until]
        return iter(sorted(found, key=attrgetter("published_at", "story_id")))

    def newest(self, limit: int) -> Iterator[Sketch]:
        with self._lock:
            newest_first = sorted(self._sketches.values(), key=lambda each: each[1], reverse=True)
        return (sketch for sketch, _ in newest_first[:limit])

    def looked_at(self) -> datetime | None:
        return self._looked_at

    def looked(self, until: datetime) -> None:
        self._looked_at = until

    def forget(self, before: datetime) -> None:
        with self._lock:
            old = [id for id, (sketch, kept_at) in self._sketches.items() if max(sketch.published_at, kept_at) < before]
            for id in old:
                del self._sketches[id]

    def _all(self) -> list[Sketch]:
        with self._lock:
            return [sketch for sketch, _ in self._sketches.values()]

    def redirect(self, merged: Mapping[str, str]) -> None:
        with self._lock:
            for old, new in merged.items():
                self._redirects.pop(new, None)
                self._redirects = {id: new if led == old else led for id, led in self._redirects.items()}
                if old != new:
                    self._redirects[old] = new

    def current(self, ids: Collection[str]) -> dict[str, str]:
        with self._lock:
            return {id: self._redirects[id] for id in ids if id in self._redirects}

    def redirects(self) -> Iterator[tuple[str, str]]:
        with self._lock:
            return iter(sorted(self._redirects.items()))

    def led_to(self, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        with self._lock:
            led = {id: tuple(sorted(old for old, new in self._redirects.items() if new == id)) for id in ids}
        return {id: olds for id, olds in led.items() if olds}

    def record(self, events: Sequence[Event]) -> None:
        with self._lock:
            for event in events:
                self._events.pop(event.id, None)
                if event.stories:
                    self._events[event.id] = event

    def records(self, ids: Collection[str] | None = None) -> Iterator[Event]:
        with self._lock:
            chosen = [event for event in self._events.values() if ids is None or event.id in ids]
        return iter(sorted(chosen, key=lambda event: (-event.last_published_at.timestamp(), event.id)))


class MemoryOutbox:
    """Outbox."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._hits: dict[str, Hit] = {}
        self._alerts: dict[str, Alert] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._leased_until: dict[str, datetime] = {}

    def known_hits(self, ids: Collection[str]) -> set[str]:
        with self._lock:
            return {key for key in ids if key in self._hits}

    def tell(self, hits: Sequence[Hit], alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> list[str]:
        with self._lock:
            for hit in hits:
                self._hits.setdefault(hit.id, hit)
            new = [alert.id for alert in alerts if self._is_new(alert)]
            known = {alert.id for alert in alerts} - set(new)
            for delivery in deliveries:
                if delivery.alert_id not in known:
                    self._deliveries.setdefault(delivery.id, delivery)
            return new

    def _is_new(self, alert: Alert) -> bool:
        known = self._alerts.get(alert.id)
        together = alert if known is None else known._replace(story_ids=tuple(dict.fromkeys((*known.story_ids, *alert.story_ids))))
        self._alerts[alert.id] = together
        return known is None

    def lease(self, now: datetime, until: datetime, limit: int, without: Collection[str] = ()) -> list[Delivery]:
        with self._lock:
            due = [each for each in self._waiting() if each.webhook not in without and self._due_at(each) <= now]
            taken = sorted(due, key=lambda each: (self._due_at(each), each.id))[:limit]
            self._leased_until.update({each.id: until for each in taken})
            return taken

    def next_due_at(self) -> datetime | None:
        with self._lock:
            return min(map(self._due_at, self._waiting()), default=None)

    def waiting_count(self) -> int:
        return len(self._waiting())

    def record(self, deliveries: Sequence[Delivery]) -> None:
        with self._lock:
            for each in deliveries:
                self._deliveries[each.id] = each
                self._leased_until.pop(each.id, None)

    def hits(self) -> Iterator[Hit]:
        with self._lock:
            return iter(sorted(self._hits.values(), key=attrgetter("found_at", "id")))

    def alerts(self, ids: Collection[str] | None = None) -> Iterator[Alert]:
        with self._lock:
            chosen = [alert for alert in self._alerts.values() if ids is None or alert.id in ids]
        return iter(sorted(chosen, key=attrgetter("created_at", "id"), reverse=True))

    def deliveries(self, alert_ids: Collection[str]) -> list[Delivery]:
        with self._lock:
            return sorted(
                (each for each in self._deliveries.values() if each.alert_id in alert_ids), key=attrgetter("webhook", "id")
            )

    def _waiting(self) -> list[Delivery]:
        return [each for each in self._deliveries.values() if each.status == "waiting" and each.next_attempt_at is not None]

    def _due_at(self, each: Delivery) -> datetime:
        assert each.next_attempt_at is not None
        return max(each.next_attempt_at, self._leased_until.get(each.id, each.next_attempt_at))


class MemoryDeadLetters:
    """DeadLetters."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._letters: dict[str, DeadLetter] = {}

    def add(self, letters: Sequence[DeadLetter]) -> None:
        with self._lock:
            self._letters.update({letter.id: letter for letter in letters})

    def list(self, ids: Collection[str] | None = None) -> list[DeadLetter]:
        with self._lock:
            chosen = [letter for letter in self._letters.values() if ids is None or letter.id in ids]
        return sorted(chosen, key=attrgetter("at", "id"), reverse=True)

    def remove(self, letters: Sequence[DeadLetter]) -> None:
        with self._lock:
            for letter in letters:
                kept = self._letters.get(letter.id)
                if kept and kept.at == letter.at:
                    del self._letters[letter.id]


# ── search, by looking ───────────────────────────────────────────────────────────────────────────────────────────


def _meets(read: ReadStory, query: Query) -> bool:
    match query:
        case All(parts):
            return all(_meets(read, part) for part in parts)
        case Either(parts):
            return any(_meets(read, part) for part in parts)
        case Not(part):
            return not _meets(read, part)
        case Term():
            return query in terms(read)
        case Published(since, until):
            at = read.story.published_at.replace(microsecond=0)
            return (since is None or since <= at) and (until is None or at < until)
        case Words() | Fuzzy():
            return _stands(read, query) > 0
        case _ as never:
            assert_never(never)


def _stands(read: ReadStory, asked: Words | Fuzzy) -> int:
    """How often words stand in a story, five times for each time in the title."""
    in_title = 0 if asked.field == "text" else _times(words(read.story.title), asked)
    return 5 * in_title + (0 if asked.field == "title" else _times(words(read.story.text), asked))


def _times(text: Sequence[str], asked: Words | Fuzzy) -> int:
    if isinstance(asked, Fuzzy):
        return sum(is_like(word, asked) for word in text)
    whole, last = asked.words[:-1], asked.words[-1]
    runs = (text[at : at + len(asked.words)] for at in range(len(text) - len(whole)))
    return sum(run[:-1] == whole and (run[-1] == last or (asked.is_prefix and run[-1].startswith(last))) for run in runs)


def _weight(read: ReadStory, query: Query) -> int:
    return sum(_stands(read, asked) for asked in wanted(query))


def _newest_first(read: ReadStory) -> tuple[int, str]:
    return -int(read.story.published_at.timestamp() // 1), read.story.id


def _token(read: ReadStory) -> str:
    second, story_id = _newest_first(read)
    return f"{second} {story_id}"


def _place(token: str) -> tuple[int, str]:
    second, _, story_id = token.partition(" ")
    return int(second), story_id


def _commonest(names: Iterable[str], limit: int) -> tuple[Count, ...]:
    counts = Counter(names)
    return tuple(Count(name, counts[name]) for name in sorted(counts, key=lambda name: (-counts[name], name))[:limit])
