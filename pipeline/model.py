"""What flows: immutable tuples, in the order a story meets them. Every datetime is aware and UTC.

Ids are computed from what they name (`stable_id`), so that doing a thing twice is doing it once. Offsets are code points into the
named field, end exclusive.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal, NamedTuple

Field = Literal["title", "text"]
Within = Literal["sentence", "paragraph", "story"]
Kind = Literal["person", "organisation", "place", "group", "product", "event", "work", "law", "other"]


def stable_id(*parts: str) -> str:
    """The id of what `parts` name: 96 bits of BLAKE2b in hexadecimal, 24 letters and digits.

    Parts are length-prefixed, so that ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def hit_id(story_id: str, watch: str) -> str:
    """The id of a watch's hit in a story."""
    return stable_id("hit", story_id, watch)


# ── feeds ────────────────────────────────────────────────────────────────────────────────────────────────────────


class FeedState(NamedTuple):
    """What is remembered of a feed between two polls."""

    url: str
    next_poll_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    last_polled_at: datetime | None = None
    last_success_at: datetime | None = None
    last_changed_at: datetime | None = None
    failures: int = 0
    """Polls that failed in a row."""
    error: str | None = None
    """Why the last poll failed, in words for a person."""
    items: int = 0
    """Item versions landed from this feed so far."""


class Item(NamedTuple):
    """An entry of a feed document (or a line of a backfill) as parsed, before anything is made of it."""

    feed: str
    """The feed's URL, or the name a backfill gives."""
    guid: str | None
    url: str | None
    title: str
    content: str
    """The fullest body that the feed gave: HTML where `is_html`, else plain text."""
    is_html: bool
    published_at: datetime | None = None
    updated_at: datetime | None = None
    language: str | None = None
    """As the feed declares it (BCP 47), unchecked."""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    ref: str | None = None
    """A backfill's own reference for the story, handed through to the exports."""


class ItemVersion(NamedTuple):
    """An item as it was sighted; what is landed. Two sightings with the same words in the same feed have one id."""

    id: str
    item: Item
    seen_at: datetime
    tells: bool = True
    """Whether its hits may be told to anybody: a backfill's may not, unless asked."""


class Poll(NamedTuple):
    """One try at a feed: the state it leaves the feed in, and the items it brought (none where nothing changed or it failed)."""

    state: FeedState
    versions: tuple[ItemVersion, ...] = ()
    status: int | None = None
    """The HTTP status, where there was one."""
    duration_s: float = 0.0
    notes: tuple[str, ...] = ()
    """What was odd about the document, in words (recovered errors, entries that could not be used)."""


# ── stories ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Version(NamedTuple):
    """One wording of a story."""

    id: str
    """Computed from title and text: the same words are the same version in whatever feed they stand."""
    seen_at: datetime
    stamp: datetime
    """When the publisher says this wording is from (updated, else published, else seen): the greatest is the current one."""
    title: str
    changed: tuple[Field, ...] = ()
    """What differs from the version before it."""


class Story(NamedTuple):
    """One article of one publisher, however often sighted, in its current version."""

    id: str
    title: str
    text: str
    """Plain text; paragraphs are separated by a line break."""
    url: str | None
    source: str
    """The publisher: the registered domain of the story's URL, else of the feed's."""
    feeds: tuple[str, ...]
    language: str | None
    published_at: datetime
    """As told, made sane: never after `first_seen_at`."""
    first_seen_at: datetime
    versions: tuple[Version, ...]
    """In order of stamp; the last is the current one."""
    event_id: str
    duplicate_of: str | None = None
    """The id of the original, where this is another publisher's near-verbatim copy."""
    ref: str | None = None
    former_ids: tuple[str, ...] = ()
    """Under which it was kept, in part, until it turned out to be one story; each leads here."""


class Habit(NamedTuple):
    """What a publisher says over and over, as far as it is known: its lines of late, by hash, each with stories that have it."""

    source: str
    lines: dict[int, tuple[str, ...]] = {}  # noqa: RUF012  # never changed, as nothing that flows is
    revision: int = 0
    """Which write of it this is, as of a story."""


# ── language ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Sentence(NamedTuple):
    """A sentence by offsets; the title is one, in a paragraph of its own."""

    field: Field
    start: int
    end: int
    paragraph: int
    """Counted through the story: 0 is the title."""


class Mention(NamedTuple):
    """A span of a story that names an entity."""

    field: Field
    start: int
    end: int
    label: str
    """OntoNotes 5 label as spaCy gives it: PERSON, ORG, GPE, LOC, FAC, NORP, PRODUCT, EVENT, WORK_OF_ART, LAW."""
    text: str
    entity: str
    """The key of the entity it names."""
    sentence: int
    """Index into the reading's sentences."""


class Entity(NamedTuple):
    """Somebody or something named in a story."""

    key: str
    """The configuration's key where it is configured; else `kind:folded-name`, the same in every story."""
    name: str
    """The canonical name; no two entities of one story share it."""
    kind: Kind
    count: int  # type: ignore[assignment]  # shadows tuple.count, which nobody calls on it


class Pair(NamedTuple):
    """Two entities of one story that meet in a sentence or more; keys, the one first mentioned first."""

    a: str
    b: str
    count: int  # type: ignore[assignment]  # shadows tuple.count, which nobody calls on it
    sentences: tuple[int, ...]
    """Indices into the reading's sentences; as many as `count`."""
    paragraphs: int = 0
    """How many paragraphs name both."""
    distance: int | None = None
    """Code points between the two nearest mentions of one field; None where they share none."""
    nearest: tuple[int, ...] = ()
    """Those two: indices into the reading's mentions, in order."""


class TopicScore(NamedTuple):
    """An IPTC Media Topic that the story would be filed under."""

    code: str
    """`medtop:` and eight digits."""
    name: str
    score: float


class Reading(NamedTuple):
    """What was read in one version of a story."""

    version_id: str
    sentences: tuple[Sentence, ...] = ()
    mentions: tuple[Mention, ...] = ()
    entities: tuple[Entity, ...] = ()
    pairs: tuple[Pair, ...] = ()
    topics: tuple[TopicScore, ...] = ()
    key_phrases: tuple[str, ...] = ()
    language: str | None = None
    """The language the words are in (ISO 639-1), as detected; None where they are too few to tell."""
    apart: tuple[Pair, ...] = ()
    """Pairs that share a paragraph or only the story, the closest first; none of `pairs` is among them."""
    edition: str = ""
    """What it was read with (`pipeline.language.edition`); empty of what was read before that was kept."""


class ReadStory(NamedTuple):
    """A story with its reading, as the store keeps it."""

    story: Story
    reading: Reading
    revision: int = 0
    """Which write of the story this is: 0 before the first. A write with a revision that is not the stored one is refused."""
    watches: tuple[str, ...] = ()
    """The names of the watches that match it, told or not."""


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Sketch(NamedTuple):
    """What is remembered of a story to tell which others are like it: no words, but a number for each."""

    story_id: str
    event_id: str
    source: str
    published_at: datetime
    telling: tuple[int, ...]
    """The terms that it is found by, the most telling first."""
    terms: bytes
    """All its words and the persons it names, with their counts, as `stories/likeness.py` packs them."""
    duplicate_of: str | None = None
    """As the story's: a copy is of the event of its original, whatever its words."""
    meaning: bytes = b""
    """What a sentence encoder says of it, as `stories/meaning.py` packs it; nothing where none has read it."""


class Event(NamedTuple):
    """The stories of all publishers on one happening, as they were when it was last looked at."""

    id: str
    headline: str
    """The title that is most like those of all its stories."""
    stories: int
    sources: tuple[str, ...]
    """In order of their first story."""
    first_seen_at: datetime
    last_published_at: datetime
    growth: int
    """Stories of the day up to its last one, less those of the day before."""
    entities: tuple[Entity, ...] = ()
    """Those that most of its stories name; the count is of stories."""
    topics: tuple[str, ...] = ()


# ── watches ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Evidence(NamedTuple):
    """Words of a story that prove a hit."""

    field: Field
    start: int
    end: int
    text: str


class Hit(NamedTuple):
    """A watch that matched a story."""

    id: str
    story_id: str
    event_id: str
    watch: str
    entities: tuple[Entity, ...]
    """Those the watch asked for, in its order, as this story names them."""
    evidence: tuple[Evidence, ...]
    found_at: datetime
    ref: str | None = None
    alert_id: str | None = None
    """None where nobody was to be told (a backfill)."""


# ── alerts ───────────────────────────────────────────────────────────────────────────────────────────────────────

DeliveryStatus = Literal["waiting", "delivered", "dead"]


class Alert(NamedTuple):
    """What a person is told: the hits of one watch on one event, by the first story that made it."""

    id: str
    watch: str
    event_id: str
    story_ids: tuple[str, ...]
    """The first told; the rest joined it since."""
    title: str
    url: str | None
    source: str
    published_at: datetime
    entities: tuple[Entity, ...]
    evidence: tuple[Evidence, ...]
    created_at: datetime


class Attempt(NamedTuple):
    """One try at a delivery."""

    at: datetime
    duration_s: float
    status: int | None
    """The HTTP status, where there was an answer."""
    error: str | None
    """Why it failed, in words; None where the receiver took it (2xx)."""


class Delivery(NamedTuple):
    """One alert on its way to one webhook. Its id is the `webhook-id` that the receiver sees, the same at every attempt."""

    id: str
    alert_id: str
    webhook: str
    """The name it has in the configuration."""
    status: DeliveryStatus
    next_attempt_at: datetime | None
    attempts: tuple[Attempt, ...] = ()


# ── what could not be done ───────────────────────────────────────────────────────────────────────────────────────


class DeadLetter(NamedTuple):
    """An element that was set aside, with why, so that it can be read and sent through again."""

    id: str
    stage: str
    """The folder of the stage that refused it."""
    error: str
    payload: bytes
    """What `kind` says: an encoded ItemVersion, the raw line or document of a backfill, or a delivery's id."""
    kind: Literal["item_version", "line", "document", "delivery"]
    at: datetime
    about: str
    """Where it came from, for a person: feed and title, file and line, webhook."""


# ── on the way ───────────────────────────────────────────────────────────────────────────────────────────────────


class Passage(NamedTuple):
    """A story on its way through the chain, with the landed item versions it answers for."""

    story: Story
    item_version_ids: tuple[str, ...]
    is_new: bool
    revision: int
    """Of the stored story it goes back to; 0 where there is none."""
    tells: bool = True
    reading: Reading | None = None
    """None until the language stage has read this version; carried over where the words did not change."""
    hits: tuple[Hit, ...] = ()
    absorbed: tuple[tuple[str, int], ...] = ()
    """Ids that turned out to be this story, with the revision of each that went into it: they lead here once it is stored."""
    is_reworded: bool = True
    """Whether it brought words that were not stored."""
