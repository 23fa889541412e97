"""What an export writes: records of stories, events, hits, alerts and feeds, as JSON lines, CSV or Parquet.

Other tools read exactly these keys; a key may be added, none changes its meaning.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any, TypeVar

import orjson

from pipeline.config.problems import without_user_info
from pipeline.model import Alert, Delivery, Event, FeedState, Hit, Pair, ReadStory
from pipeline.store.roles import Store

Record = dict[str, Any]

_STORY = (
    "ref",
    "story_id",
    "event_id",
    "duplicate_of",
    "url",
    "title",
    "source",
    "feed",
    "published_at",
    "first_seen_at",
    "versions",
)
_FULL = ("text", "mentions", "entities", "pairs", "topics", "key_phrases", "language", "apart")
COLUMNS: Mapping[tuple[str, bool], tuple[str, ...]] = {
    ("stories", False): _STORY,
    ("stories", True): (*_STORY, *_FULL),
    **{
        ("events", full): (
            "event_id",
            "headline",
            "stories",
            "sources",
            "first_seen_at",
            "last_published_at",
            "growth",
            "entities",
            "topics",
        )
        for full in (False, True)
    },
    **{("hits", full): ("ref", "story_id", "event_id", "watch", "entities", "evidence", "alert_id") for full in (False, True)},
    **{("alerts", full): ("alert_id", "watch", "event_id", "stories", "created_at", "deliveries") for full in (False, True)},
    **{
        ("feeds", full): (
            "url",
            "next_poll_at",
            "last_polled_at",
            "last_success_at",
            "last_changed_at",
            "failures",
            "error",
            "items",
        )
        for full in (False, True)
    },
}
_PARQUET_ROWS = 5_000
_LOOKED_UP = 200
"""Records whose ids are looked up together."""

T = TypeVar("T")


def records(store: Store, what: str, *, full: bool) -> Iterator[Record]:
    """Every record of a kind that `COLUMNS` names."""
    if what == "stories":
        return _stories(store, full=full)
    if what == "events":
        return _events(store)
    if what == "hits":
        return _hits(store)
    if what == "alerts":
        return _alerts(store)
    return map(feed_record, store.feeds.states())


def feed_record(state: FeedState) -> Record:
    """What is remembered of a feed; its URL without the password."""
    return {column: getattr(state, column) for column in COLUMNS["feeds", False]} | {"url": without_user_info(state.url)}


def story_record(read: ReadStory, *, full: bool = False) -> Record:
    """A story; `full` with what was read in it. `versions` is how many wordings it had, pairs are by name."""
    story, reading = read.story, read.reading
    record: Record = {
        "ref": story.ref,
        "story_id": story.id,
        "event_id": story.event_id,
        "duplicate_of": story.duplicate_of,
        "url": story.url,
        "title": story.title,
        "source": story.source,
        "feed": without_user_info(story.feeds[0]) if story.feeds else None,
        "published_at": story.published_at,
        "first_seen_at": story.first_seen_at,
        "versions": len(story.versions),
    }
    if full:
        names = {entity.key: entity.name for entity in reading.entities}
        record |= {
            "text": story.text,
            "mentions": [_without(mention._asdict(), "sentence") for mention in reading.mentions],
            "entities": [entity._asdict() for entity in reading.entities],
            "pairs": [
                {
                    "a": names[pair.a],
                    "b": names[pair.b],
                    "count": pair.count,
                    "sentences": [_sentence(read, at) for at in pair.sentences],
                    **_nearness(read, pair),
                }
                for pair in reading.pairs
            ],
            "topics": [topic._asdict() for topic in reading.topics],
            "key_phrases": list(reading.key_phrases),
            "language": reading.language or story.language,
            "apart": [{"a": names[pair.a], "b": names[pair.b], **_nearness(read, pair)} for pair in reading.apart],
        }
    return record


def hit_record(hit: Hit) -> Record:
    """A story and a watch that matched, told or not."""
    return {
        "ref": hit.ref,
        "story_id": hit.story_id,
        "event_id": hit.event_id,
        "watch": hit.watch,
        "entities": [entity._asdict() for entity in hit.entities],
        "evidence": [proof._asdict() for proof in hit.evidence],
        "alert_id": hit.alert_id,
    }


def alert_record(alert: Alert, deliveries: Iterable[Delivery]) -> Record:
    """An alert with its deliveries and every attempt."""
    return {
        "alert_id": alert.id,
        "watch": alert.watch,
        "event_id": alert.event_id,
        "stories": list(alert.story_ids),
        "created_at": alert.created_at,
        "deliveries": [
            {
                "delivery_id": delivery.id,
                "webhook": delivery.webhook,
                "status": delivery.status,
                "next_attempt_at": delivery.next_attempt_at,
                "attempts": [attempt._asdict() for attempt in delivery.attempts],
            }
            for delivery in deliveries
        ],
    }


def _stories(store: Store, *, full: bool) -> Iterator[Record]:
    for batch in _batches(store.stories.all()):
        led = store.stories.current_ids({read.story.duplicate_of for read in batch if read.story.duplicate_of})
        for read in batch:
            original = read.story.duplicate_of
            yield story_record(read, full=full) | {"duplicate_of": led.get(original, original) if original else None}


def _hits(store: Store) -> Iterator[Record]:
    """Every hit under the id that its story has now; where that was two, the first of each watch."""
    told: set[tuple[str, str]] = set()
    for batch in _batches(store.outbox.hits()):
        stories = {id: read.story for id, read in store.stories.get({hit.story_id for hit in batch}).items()}
        for hit in batch:
            story = stories.get(hit.story_id)
            if story and story.former_ids:
                if (story.id, hit.watch) in told:
                    continue
                told.add((story.id, hit.watch))
            yield hit_record(hit) | {"story_id": story.id if story else hit.story_id}


def _alerts(store: Store) -> Iterator[Record]:
    for batch in _batches(store.outbox.alerts()):
        led = store.stories.current_ids({story_id for alert in batch for story_id in alert.story_ids})
        for alert in batch:
            stories = dict.fromkeys(led.get(story_id, story_id) for story_id in alert.story_ids)
            yield alert_record(alert, store.outbox.deliveries([alert.id])) | {"stories": list(stories)}


def _batches(found: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(found)
    while batch := list(islice(rest, _LOOKED_UP)):
        yield batch


def write(found: Iterable[Record], form: str, file: IO[bytes], columns: tuple[str, ...]) -> None:
    """Write records to `file` as `jsonl`, `csv` or `parquet`; the latter two hold lists as JSON text."""
    if form == "jsonl":
        for record in found:
            file.write(orjson.dumps(record) + b"\n")
    elif form == "csv":
        _write_csv(found, file, columns)
    else:
        _write_parquet(found, file, columns)


def event_record(event: Event) -> Record:
    """An event as it was when it was last looked at."""
    return {
        "event_id": event.id,
        "headline": event.headline,
        "stories": event.stories,
        "sources": list(event.sources),
        "first_seen_at": event.first_seen_at,
        "last_published_at": event.last_published_at,
        "growth": event.growth,
        "entities": [entity._asdict() for entity in event.entities],
        "topics": list(event.topics),
    }


def _events(store: Store) -> Iterator[Record]:
    """Events as their stories make them now; what takes a look at them all, such as the headline, as it was when that was taken."""
    looked_at = {event.id: event for event in store.events.records()}
    events: dict[str, Record] = {}
    for read in store.stories.all():
        story = read.story
        known = looked_at.get(story.event_id) or Event(
            story.event_id, story.title, 0, (), story.first_seen_at, story.published_at, 0
        )
        event = events.setdefault(story.event_id, event_record(known._replace(stories=0)))
        event["stories"] += 1
        event["first_seen_at"] = min(event["first_seen_at"], story.first_seen_at)
        event["last_published_at"] = max(event["last_published_at"], story.published_at)
        if story.source not in event["sources"]:
            event["sources"].append(story.source)
    return iter(events.values())


def _sentence(read: ReadStory, at: int) -> Record:
    sentence = read.reading.sentences[at]
    words = read.story.title if sentence.field == "title" else read.story.text
    return {
        "field": sentence.field,
        "start": sentence.start,
        "end": sentence.end,
        "text": words[sentence.start : sentence.end],
    }


def _nearness(read: ReadStory, pair: Pair) -> Record:
    """How close a pair comes: paragraphs that name both, and its two nearest mentions with the characters between them."""
    nearest = [read.reading.mentions[at] for at in pair.nearest]
    return {
        "paragraphs": pair.paragraphs,
        "distance": pair.distance,
        "nearest": [{"field": each.field, "start": each.start, "end": each.end} for each in nearest],
    }


def _without(record: Record, key: str) -> Record:
    return {name: value for name, value in record.items() if name != key}


def _flat(record: Record, columns: tuple[str, ...]) -> Record:
    """Lists as JSON text and moments as ISO text: what a table can hold."""
    return {column: _cell(record[column]) for column in columns}


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return orjson.dumps(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else value


def _write_csv(found: Iterable[Record], file: IO[bytes], columns: tuple[str, ...]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    for record in found:
        writer.writerow({column: _harmless(value) for column, value in _flat(record, columns).items()})
    text.detach()


def _harmless(value: Any) -> Any:
    """A spreadsheet runs what begins like a formula, and titles come from strangers (OWASP, CSV injection)."""
    return "'" + value if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def _write_parquet(found: Iterable[Record], file: IO[bytes], columns: tuple[str, ...]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = {"versions", "stories", "failures", "items", "growth"} - ({"stories"} if "alert_id" in columns else set())
    schema = pa.schema([(column, pa.int64() if column in whole else pa.string()) for column in columns])
    rows = iter(found)
    with pq.ParquetWriter(file, schema) as writer:
        while page := [_flat(record, columns) for record in islice(rows, _PARQUET_ROWS)]:
            writer.write_table(pa.Table.from_pylist(page, schema))
