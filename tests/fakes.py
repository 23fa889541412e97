"""Small real implementations of what the stages talk to. `MemoryStore` plays every role of a store and keeps its promises:
the contract suite holds it to them beside the real stores.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from threading import RLock

from pipeline.model import Alert, DeadLetter, Delivery, FeedState, Hit, ItemVersion, ReadStory
from pipeline.store.roles import Found, Page, SearchRequest

_OPEN, _CLOSE = "\ue000", "\ue001"


class MemoryStore:
    """A store that forgets everything with the process. One lock around each call: safe from several threads."""

    def __init__(self) -> None:
        lock = RLock()
        self.feeds = MemoryFeeds(lock)
        self.landing = MemoryLanding(lock, self.feeds)
        self.claims = MemoryClaims(lock)
        self.stories = MemoryStories(lock)
        self.outbox = MemoryOutbox(lock)
        self.dead_letters = MemoryDeadLetters(lock)

    def take_over(self) -> None:
        """Nobody can have died and left anything here."""

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


class MemoryClaims:
    """Claims."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._owners: dict[str, str] = {}

    def owners(self, fingerprints: Collection[str]) -> dict[str, str]:
        with self._lock:
            return {name: self._owners[name] for name in fingerprints if name in self._owners}

    def claim(self, wanted: Mapping[str, str]) -> dict[str, str]:
        with self._lock:
            return {name: self._owners.setdefault(name, story_id) for name, story_id in wanted.items()}


class MemoryStories:
    """Stories, searched by looking at each."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._kept: dict[str, ReadStory] = {}

    def get(self, ids: Collection[str]) -> dict[str, ReadStory]:
        with self._lock:
            return {key: self._kept[key] for key in ids if key in self._kept}

    def put(self, stories: Sequence[ReadStory]) -> set[str]:
        with self._lock:
            return {read.story.id for read in stories if not self._put(read)}

    def _put(self, read: ReadStory) -> bool:
        kept = self._kept.get(read.story.id)
        revision = kept.revision if kept else 0
        if kept and read.revision == revision - 1:
            return kept == read._replace(revision=revision)
        if read.revision != revision:
            return False
        self._kept[read.story.id] = read._replace(revision=revision + 1)
        return True

    def search(self, request: SearchRequest) -> Page:
        with self._lock:
            matching = [read for read in self._kept.values() if _meets(read, request)]
        if request.by_relevance:
            matching.sort(key=lambda read: (-_weight(read, request), _newest_first(read)))
        else:
            matching.sort(key=_newest_first)
            if request.after is not None:
                matching = [read for read in matching if _newest_first(read) > _place(request.after)]
        page = matching[: request.limit]
        more = len(matching) > len(page) and not request.by_relevance and bool(page)
        found = tuple(Found(read, _snippet(read, request)) for read in page)
        return Page(found, _token(page[-1]) if more else None)

    def count(self) -> int:
        return len(self._kept)

    def all(self) -> Iterator[ReadStory]:
        with self._lock:
            return iter(sorted(self._kept.values(), key=lambda read: (read.story.published_at, read.story.id)))


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

    def remove(self, ids: Collection[str]) -> None:
        with self._lock:
            for key in ids:
                self._letters.pop(key, None)


# ── search, by looking ───────────────────────────────────────────────────────────────────────────────────────────


def _meets(read: ReadStory, request: SearchRequest) -> bool:
    story = read.story
    return (
        all(_spans(_words(story.title), word) or _spans(_words(story.text), word) for word in request.words)
        and all(_named(read, name) for name in request.entities)
        and all(_paired(read, a, b) for a, b in request.pairs)
        and (not request.topics or any(_folded(topic) in _topics(read) for topic in request.topics))
        and (not request.sources or _folded(story.source) in map(_folded, request.sources))
        and (not request.feeds or not set(request.feeds).isdisjoint(story.feeds))
        and (not request.languages or _folded(story.language or "") in map(_folded, request.languages))
        and (not request.events or story.event_id in request.events)
        and not (request.originals_only and story.duplicate_of)
        and (request.since is None or request.since <= story.published_at)
        and (request.until is None or story.published_at < request.until)
    )


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def _words(text: str) -> list[tuple[str, int, int]]:
    """The words of `text`, folded, with where they stand."""
    words, start = [], None
    for at, char in enumerate(text + " "):
        inside = char.isalnum() or unicodedata.combining(char) > 0
        if inside and start is None:
            start = at
        elif not inside and start is not None:
            words.append((_folded(text[start:at]), start, at))
            start = None
    return words


def _spans(words: Sequence[tuple[str, int, int]], asked: str) -> list[tuple[int, int]]:
    """Where a word, a `prefix*` or a phrase stands."""
    is_prefix = asked.endswith("*")
    wanted = [word for word, _, _ in _words(asked)]
    if not wanted:
        return []
    fits: Callable[[str], bool] = (lambda word: word.startswith(wanted[-1])) if is_prefix else (lambda word: word == wanted[-1])
    runs = (words[at : at + len(wanted)] for at in range(len(words) - len(wanted) + 1))
    return [(run[0][1], run[-1][2]) for run in runs if [word for word, _, _ in run[:-1]] == wanted[:-1] and fits(run[-1][0])]


def _keys_of(read: ReadStory, name: str) -> set[str]:
    return {entity.key for entity in read.reading.entities if name == entity.key or _folded(name) == _folded(entity.name)}


def _named(read: ReadStory, name: str) -> bool:
    return bool(_keys_of(read, name))


def _paired(read: ReadStory, a: str, b: str) -> bool:
    some, others = _keys_of(read, a), _keys_of(read, b)
    return any((pair.a in some and pair.b in others) or (pair.b in some and pair.a in others) for pair in read.reading.pairs)


def _topics(read: ReadStory) -> set[str]:
    return {_folded(name) for topic in read.reading.topics for name in (topic.code, topic.name)}


def _weight(read: ReadStory, request: SearchRequest) -> int:
    return sum(
        5 * len(_spans(_words(read.story.title), word)) + len(_spans(_words(read.story.text), word)) for word in request.words
    )


def _newest_first(read: ReadStory) -> tuple[float, str]:
    return -read.story.published_at.timestamp(), read.story.id


def _token(read: ReadStory) -> str:
    time, story_id = _newest_first(read)
    return f"{time!r} {story_id}"


def _place(token: str) -> tuple[float, str]:
    time, _, story_id = token.partition(" ")
    return float(time), story_id


def _snippet(read: ReadStory, request: SearchRequest) -> str:
    """The line of the text with the first match, all matches in it marked; the title where only that matched."""
    for text in (read.story.text, read.story.title):
        spans = sorted({span for word in request.words for span in _spans(_words(text), word)})
        if spans:
            start = text.rfind("\n", 0, spans[0][0]) + 1
            ends = [at for at, char in enumerate(text) if char == "\n"] + [len(text)]
            end = ends[bisect_left(ends, spans[0][1])]
            return _marked(text, [span for span in spans if span[1] <= end], start, end)
    return ""


def _marked(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> str:
    line, at = "", start
    for first, last in spans:
        if first >= at:
            line += text[at:first] + _OPEN + text[first:last] + _CLOSE
            at = last
    return line + text[at:end]
