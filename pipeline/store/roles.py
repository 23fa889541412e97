"""The roles a store plays for the stages. `sqlite/` and `elasticsearch/` implement each; `tests/contract/` holds them to it.

Every method that writes may be called again with the same arguments and does nothing the second time. Every method
raises `TransientError` where the store is away or locked. Batches are small (tens to hundreds); an empty batch is allowed
and costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from pipeline.model import Alert, DeadLetter, Delivery, Event, FeedState, Habit, Hit, ItemVersion, ReadStory, Sketch
from pipeline.store.query import Query
from pipeline.store.search import Facets, Page, SearchRequest


class KnownFeed(NamedTuple):
    """A feed as it is kept, polled or at rest."""

    state: FeedState
    is_subscribed: bool


class FeedSchedule(Protocol):
    """Which feeds are polled when, and what is remembered of each."""

    def subscribe(self, urls: Collection[str], now: datetime) -> None:
        """Make `urls` the feeds that are polled: new ones are due at `now`, known ones keep their state, others rest."""

    def lease(self, now: datetime, until: datetime, limit: int) -> list[FeedState]:
        """Take up to `limit` due feeds, most overdue first; none is due again before `until` unless a poll lands first."""

    def next_due_at(self) -> datetime | None:
        """When the next feed is due; None without feeds."""

    def states(self) -> list[FeedState]:
        """The state of every subscribed feed, by URL."""

    def all(self) -> Iterator[KnownFeed]:
        """Every feed that is kept, by URL."""

    def keep(self, feeds: Sequence[KnownFeed]) -> None:
        """Write feeds as they are, over what is kept of them; each is due when its state says."""


class Landing(Protocol):
    """Item versions from the moment they are sighted until their story is finished. An id that landed never lands again."""

    def land(self, versions: Sequence[ItemVersion], until: datetime, states: Sequence[FeedState] = ()) -> list[str]:
        """Write item versions and the states of the feeds they came from in one; answer the ids that are new, in order.

        New versions are leased until `until`. A state's `items` grows by the new versions of its feed.
        """

    def unfinished(self, now: datetime, until: datetime, limit: int) -> list[str]:
        """Take up to `limit` landed versions that nobody works on, oldest first, leased until `until`."""

    def read(self, ids: Sequence[str]) -> list[ItemVersion]:
        """The versions of `ids` that are not finished, in the order asked for."""

    def finish(self, ids: Sequence[str]) -> None:
        """Mark versions finished and forget their content; their ids stay known."""

    def reopen(self, versions: Sequence[ItemVersion], until: datetime) -> None:
        """Land versions again though their ids are known: for what was set aside and is tried again."""

    def next_due_at(self) -> datetime | None:
        """When the next unfinished version may be taken; None where all is finished."""

    def unfinished_count(self) -> int:
        """How many landed versions are not finished."""

    def waiting(self) -> Iterator[ItemVersion]:
        """Every version that is not finished, leased or not, oldest landed first."""

    def known(self) -> Iterator[str]:
        """Every id that landed and is remembered, finished or not, once."""

    def remember(self, ids: Sequence[str]) -> None:
        """Make ids known as those of finished versions; known ones stay as they are."""


class Claims(Protocol):
    """Which story owns a fingerprint: exactly one, whoever asks and however often."""

    def owners(self, fingerprints: Collection[str]) -> dict[str, str]:
        """The owner of each fingerprint that has one."""

    def claim(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Claim fingerprints (key) for stories (value); answers the owner of each, the claimant or whoever came first."""

    def all(self) -> Iterator[tuple[bytes, str]]:
        """Every claim that is remembered, once: the fingerprint's `digest` and its owner."""

    def keep(self, owners: Mapping[bytes, str]) -> None:
        """Write claims by `digest`; one that has an owner keeps it."""


class Merger(NamedTuple):
    """A story that turned out to be another one."""

    id: str
    revision: int
    """Of the story that went into the other; 0 where none was stored under `id`."""
    into: str
    """The older story's id."""


class Stories(Protocol):
    """Every story with its reading, and the search over them."""

    def get(self, ids: Collection[str]) -> dict[str, ReadStory]:
        """The stored stories among `ids`, each with the revision to hand back; under a merged id, the story that it leads to."""

    def merge(self, mergers: Sequence[Merger]) -> set[str]:
        """Let ids lead to other stories from now on; answers those refused as stale, by `Merger.revision` as in `put`.

        What stood under such an id is found by no search and not counted, and `put` refuses it as stale. An id that leads to the
        same story already counts as merged.
        """

    def current_ids(self, ids: Collection[str]) -> dict[str, str]:
        """Where each merged id among `ids` leads."""

    def leads(self) -> Iterator[tuple[str, str]]:
        """Every merged id, once, with the id that it was merged into."""

    def put(self, stories: Sequence[ReadStory]) -> set[str]:
        """Write stories whose `revision` is still the stored one; answers the ids refused as stale.

        This process finds them in a search from then on; others within a second, and before anything is told.

        A story whose revision is one behind and whose content is what is stored already counts as written.
        """

    def search(self, request: SearchRequest) -> Page:
        """A page of stories that meet the request. Raises `ConfigError` where the query asks for more than the store can do."""

    def facets(self, query: Query, limit: int = 10) -> Facets:
        """What the stories that `query` finds are about: the `limit` commonest of each kind, and as many days."""

    def by_event(
        self, query: Query, events: Collection[str], oldest: str | None = None, newest: str | None = None
    ) -> dict[str, int]:
        """How many stories that `query` finds each of `events` has, where any: of all, or from place `oldest` to place `newest`."""

    def count(self) -> int:
        """How many stories are kept."""

    def all(self) -> Iterator[ReadStory]:
        """Every story, oldest published first; what arrives meanwhile may or may not be among them."""


class Bands(Protocol):
    """The bands of each text of late, and who shares them: what copies of one text are found by.

    A band is a number below 2**32. Of a story that was kept several times the last text counts, once: else what is found would
    depend on the order in which stories came. A store may forget all but the last fifty thousand texts.
    """

    def keep(self, banded: Mapping[str, Sequence[int]]) -> None:
        """Keep the bands of stories, found on return by whoever asks, in whatever process."""

    def sharing(self, banded: Mapping[str, Sequence[int]], least: int) -> dict[str, list[str]]:
        """For each story the others that share at least `least` of its bands, most first, then by id; a bounded number."""

    def all(self) -> Iterator[tuple[str, list[int]]]:
        """Every story whose bands are remembered, once, with those of its last text."""


class Habits(Protocol):
    """What each publisher says over and over. Bounded: a habit that is not kept up is forgotten."""

    def get(self, sources: Collection[str]) -> dict[str, Habit]:
        """The habits of publishers, of those that have any."""

    def all(self) -> Iterator[Habit]:
        """The habits of every publisher, each with the revision to hand back."""

    def put(self, habits: Sequence[Habit]) -> set[str]:
        """Write habits whose `revision` is still the stored one; answers the sources refused as stale."""


SKETCHES_KEPT = timedelta(days=6)
"""Twice the time in which stories are compared: an event's first stories are there while its last may come."""


class Telling(NamedTuple):
    """What is asked for of sketches: some of these terms, and a time."""

    terms: Mapping[int, int]
    """How much each term weighs; rarer ones more."""
    since: datetime
    until: datetime


class Place(NamedTuple):
    """Where a story is placed."""

    event_id: str
    duplicate_of: str | None


class Events(Protocol):
    """A sketch of each story of late, found by the terms that tell it from others; and the events that stories make.

    A store answers with what it finds quickly: of a term that many stories have, the newest of them count.
    """

    def keep(self, sketches: Sequence[Sketch], now: datetime) -> None:
        """Keep sketches, which can be found on return; one of a story that has one replaces it, `now` too."""

    def move(self, places: Mapping[str, Place]) -> None:
        """Let the sketches of stories (key) be where these are now (value), of those that have one."""

    def withdraw(self, ids: Collection[str]) -> None:
        """Forget the sketches of stories: of what is a story no more."""

    def of_stories(self, ids: Collection[str]) -> dict[str, Sketch]:
        """The sketches of stories, of those that have one, by story id."""

    def alike(self, wanted: Mapping[str, Telling], limit: int) -> dict[str, list[Sketch]]:
        """For each key, up to `limit` sketches published from `since` to `until` that share its terms, by weight, heaviest first.

        Of the same weight the newest come first, then in an order that is the same whatever came first. Those of a story that
        was asked for by its id are not among its own. Where the weightier terms bring several times `limit`, a store may leave the
        others aside.
        """

    def members(self, event_ids: Collection[str], limit: int) -> dict[str, list[Sketch]]:
        """The newest `limit` sketches of each event that has any, newest first."""

    def kept(self, since: datetime, until: datetime) -> Iterator[Sketch]:
        """The sketches that were kept from `since` to before `until`, in order of publication."""

    def newest(self, limit: int) -> Iterator[Sketch]:
        """The `limit` sketches that were kept last, in any order."""

    def looked_at(self) -> datetime | None:
        """Up to when what was kept has been grouped again; None before the first time."""

    def looked(self, until: datetime) -> None:
        """Remember up to when what was kept has been grouped again."""

    def forget(self, before: datetime) -> None:
        """Forget sketches that were both published and kept before a moment: no story of now can be like them."""

    def redirect(self, merged: Mapping[str, str]) -> None:
        """Let events (key) lead to others (value), with what leads to them; an event that others lead to leads nowhere itself."""

    def current(self, ids: Collection[str]) -> dict[str, str]:
        """Where each event leads, of those that lead to another."""

    def redirects(self) -> Iterator[tuple[str, str]]:
        """Every event that leads to another, with that one."""

    def led_to(self, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The events that lead to each, of those that any lead to, in order."""

    def record(self, events: Sequence[Event]) -> None:
        """Write what is known of events; one with a known id replaces it, one without stories goes."""

    def records(self, ids: Collection[str] | None = None) -> Iterator[Event]:
        """Every event (or those of `ids`), the one with the newest story first."""


class Outbox(Protocol):
    """Hits, the alerts they make and their deliveries, until each is delivered or dead."""

    def known_hits(self, ids: Collection[str]) -> set[str]:
        """Those among `ids` that are kept already."""

    def tell(self, hits: Sequence[Hit], alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> list[str]:
        """Keep hits, alerts and deliveries in one write; answers the ids of the alerts that are new.

        Known hits and deliveries are left as they are. A known alert (same id) gains the story ids it lacks, and no delivery.
        """

    def lease(self, now: datetime, until: datetime, limit: int, without: Collection[str] = ()) -> list[Delivery]:
        """Take up to `limit` waiting deliveries that are due, longest due first; none is due again before `until`.

        Those to the webhooks of `without` are passed over.
        """

    def next_due_at(self) -> datetime | None:
        """When the next waiting delivery is due."""

    def waiting_count(self) -> int:
        """How many deliveries are neither delivered nor dead."""

    def record(self, deliveries: Sequence[Delivery]) -> None:
        """Write deliveries after an attempt: status, attempts and next attempt as they now are."""

    def hits(self) -> Iterator[Hit]:
        """Every hit, in order of `found_at`."""

    def alerts(self, ids: Collection[str] | None = None) -> Iterator[Alert]:
        """Every alert (or those of `ids`), newest first."""

    def deliveries(self, alert_ids: Collection[str]) -> list[Delivery]:
        """The deliveries of alerts, in order of webhook."""


class DeadLetters(Protocol):
    """What was set aside."""

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters; one with a known id replaces it."""

    def list(self, ids: Collection[str] | None = None) -> list[DeadLetter]:
        """Every letter (or those of `ids`), newest first."""

    def remove(self, letters: Sequence[DeadLetter]) -> None:
        """Forget letters that were sent through again; one that came under a known id since stays."""


class Store(Protocol):
    """All roles behind one address; safe to use from several threads, and one address from several processes."""

    @property
    def feeds(self) -> FeedSchedule: ...
    @property
    def landing(self) -> Landing: ...
    @property
    def claims(self) -> Claims: ...
    @property
    def stories(self) -> Stories: ...
    @property
    def bands(self) -> Bands: ...
    @property
    def habits(self) -> Habits: ...
    @property
    def events(self) -> Events: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def dead_letters(self) -> DeadLetters: ...

    @property
    def name(self) -> str:
        """What it runs on, with its version, for people."""

    def take_over(self) -> bool | None:
        """Begin to work here: where nobody else does, what a process that died had leased is free at once.

        Answers whether nobody else did; None where a store cannot tell, and leases end by themselves. Another call changes nothing.
        """

    def take_turn(self, work: str, now: datetime, until: datetime) -> bool:
        """Take the turn at `work` until then: True for one of all who ask, in whatever process, and again once it has ended."""

    def tend(self, now: datetime, stories_for: timedelta | None = None) -> bool:
        """Do what is due by the clock: begin new generations, drop what is too old. Anybody may call it at any time.

        Stories are kept for `stories_for` at least, and hits and alerts as long; None is for ever. A part is dropped at a time, so
        that nobody waits: answers whether there is more. What is not finished, and what a waiting delivery tells of, stays.
        """

    def close(self) -> None:
        """Release what is held; closing twice is allowed."""
