"""Sketches and events in Elasticsearch: an index of their own, in which the terms that tell a story are keywords.

A search for what is alike is a sum of constant scores, cheap and the same on every copy of a shard; a batch of them is one request.
It answers which versions of which sketches, and those that this process has not seen of late are got: fifty sketches a story would
else be most of the server's work, and of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from pipeline.errors import TransientError
from pipeline.model import Event, Sketch
from pipeline.store.elasticsearch.bytes64 import decoded, encoded, microseconds, moment
from pipeline.store.elasticsearch.client import Cluster, Write, kept, refused
from pipeline.store.elasticsearch.indices import Indices
from pipeline.store.elasticsearch.remembered import Remembered, Version
from pipeline.store.roles import Place, Telling

_MOST_TRIES = 8
_PAGE = 500
_MOST_REMEMBERED = 5_000
"""Sketches, some 13 MB of them."""
_LOOKED_AT = ":looked-at"
"""The id of what is remembered beside the redirects; no event's id has a colon."""
_NEWEST_FIRST = [{"published_at": "desc"}, {"story_id": "asc"}]


class ElasticsearchEvents:
    """`Events`."""

    def __init__(self, cluster: Cluster, indices: Indices) -> None:
        self._cluster = cluster
        self._sketches = indices.name("sketches")
        self._events = indices.name("events")
        self._redirects = indices.name("redirects")
        self._remembered = Remembered[Sketch](_MOST_REMEMBERED)

    def keep(self, sketches: Sequence[Sketch], now: datetime) -> None:
        writes = [Write("index", self._sketches, each.story_id, _document(each, microseconds(now))) for each in sketches]
        refused(self._cluster.bulk(writes, refresh=True), [write.id for write in writes])

    def move(self, places: Mapping[str, Place]) -> None:
        left = dict(places)
        for _ in range(_MOST_TRIES):
            if not left:
                return
            there = self._cluster.mget([(self._sketches, id) for id in left])
            sketches = {id: _sketch(each.source) for id, each in there.items()}
            moved = {id: sketch._replace(**left[id]._asdict()) for id, sketch in sketches.items() if not _is_at(sketch, left[id])}
            writes = [
                Write("index", self._sketches, id, _document(sketch, there[id].source["kept_at"]), there[id])
                for id, sketch in moved.items()
            ]
            answers = self._cluster.bulk(writes, refresh=True)
            refused(answers, [write.id for write in writes])
            left = {write.id: places[write.id] for write, answer in zip(writes, answers, strict=True) if not answer.is_done}
        raise TransientError(f"{len(left)} sketches are written by others all the time")

    def withdraw(self, ids: Collection[str]) -> None:
        if ids:
            self._cluster.bulk([Write("delete", self._sketches, id) for id in ids], refresh=True)

    def of_stories(self, ids: Collection[str]) -> dict[str, Sketch]:
        got = self._cluster.mget([(self._sketches, id) for id in ids], source=["sketch"])
        return {id: _sketch(each.source) for id, each in got.items()}

    def alike(self, wanted: Mapping[str, Telling], limit: int) -> dict[str, list[Sketch]]:
        answers = self._cluster.searches(self._sketches, [_alike(name, telling, limit) for name, telling in wanted.items()])
        found = {
            name: {hit["sort"][-1]: (hit["_seq_no"], hit["_primary_term"]) for hit in answer["hits"]["hits"]}
            for name, answer in zip(wanted, answers, strict=True)
        }
        known = self._at({id: version for each in found.values() for id, version in each.items()})
        return {name: [known[id] for id in each if id in known] for name, each in found.items()}

    def _at(self, versions: Mapping[str, Version]) -> dict[str, Sketch]:
        """The sketches of stories at these versions or later ones; one that is gone by now is not among them."""
        known = self._remembered.at(versions)
        got = self._cluster.mget([(self._sketches, id) for id in versions if id not in known], source=["sketch"])
        fresh = {id: ((each.seq_no, each.primary_term), _sketch(each.source)) for id, each in got.items()}
        self._remembered.keep(fresh)
        return known | {id: sketch for id, (_, sketch) in fresh.items()}

    def members(self, event_ids: Collection[str], limit: int) -> dict[str, list[Sketch]]:
        bodies = [
            {"query": {"term": {"event": id}}, "sort": _NEWEST_FIRST, "size": limit, "_source": ["sketch"]} for id in event_ids
        ]
        found = self._cluster.searches(self._sketches, [body | {"track_total_hits": False} for body in bodies])
        members = {id: _sketches(answer) for id, answer in zip(event_ids, found, strict=True)}
        return {id: sketches for id, sketches in members.items() if sketches}

    def kept(self, since: datetime, until: datetime) -> Iterator[Sketch]:
        query = {"range": {"kept_at": {"gte": microseconds(since), "lt": microseconds(until)}}}
        pages = self._cluster.pages(self._sketches, query, [{"published_at": "asc"}, {"story_id": "asc"}], _PAGE)
        return (_sketch(each.source) for each in pages)

    def newest(self, limit: int) -> Iterator[Sketch]:
        pages = self._cluster.pages(self._sketches, {"match_all": {}}, [{"kept_at": "desc"}, {"story_id": "asc"}], _PAGE)
        return (_sketch(each.source) for each in islice(pages, limit))

    def looked_at(self) -> datetime | None:
        found = self._cluster.mget([(self._redirects, _LOOKED_AT)])
        return moment(found[_LOOKED_AT].source["until"]) if found else None

    def looked(self, until: datetime) -> None:
        refused(self._cluster.bulk([Write("index", self._redirects, _LOOKED_AT, {"until": microseconds(until)})]), [_LOOKED_AT])

    def forget(self, before: datetime) -> None:
        ended = {"lt": microseconds(before)}
        query = {"bool": {"filter": [{"range": {"kept_at": ended}}, {"range": {"published_at": ended}}]}}
        with self._cluster.our_words():
            self._cluster.client.delete_by_query(index=self._sketches, query=query, conflicts="proceed", refresh=True)

    def drop(self, before: datetime) -> None:
        """Forget what is known of events that have no story published since."""
        query = {"range": {"last_published_at": {"lt": microseconds(before)}}}
        with self._cluster.our_words():
            self._cluster.client.delete_by_query(index=self._events, query=query, conflicts="proceed", refresh=True)

    # ── events ──

    def redirect(self, merged: Mapping[str, str]) -> None:
        for old, new in merged.items():
            followers = self._led_to([old])
            writes = [Write("delete", self._redirects, new)]
            writes += [self._redirect(each, new) for each in (*followers, old) if each != new]
            answers = self._cluster.bulk(writes)
            refused(answers[1:], [write.id for write in writes[1:]])

    def _redirect(self, old: str, new: str) -> Write:
        return Write("index", self._redirects, old, {"old": old, "new": new})

    def current(self, ids: Collection[str]) -> dict[str, str]:
        return {id: each.source["new"] for id, each in self._cluster.mget([(self._redirects, id) for id in ids]).items()}

    def redirects(self) -> Iterator[tuple[str, str]]:
        pages = self._cluster.pages(self._redirects, {"exists": {"field": "old"}}, [{"old": "asc"}], _PAGE)
        return ((each.id, each.source["new"]) for each in pages)

    def led_to(self, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for old, new in self._led_to(ids).items():
            found[new] = (*found.get(new, ()), old)
        return found

    def _led_to(self, ids: Collection[str]) -> dict[str, str]:
        pages = self._cluster.pages(self._redirects, {"terms": {"new": list(ids)}}, [{"old": "asc"}], _PAGE)
        return {each.id: each.source["new"] for each in pages}

    def record(self, events: Sequence[Event]) -> None:
        writes = [
            Write("index", self._events, each.id, _event_document(each)) if each.stories else Write("delete", self._events, each.id)
            for each in events
        ]
        answers = self._cluster.bulk(writes)
        for write, answer in zip(writes, answers, strict=True):
            if write.kind == "index":
                refused([answer], [write.id])

    def records(self, ids: Collection[str] | None = None) -> Iterator[Event]:
        if ids is None:
            sort = [{"last_published_at": "desc"}, {"event_id": "asc"}]
            return (_event(each.source) for each in self._cluster.pages(self._events, {"match_all": {}}, sort, _PAGE))
        found = [_event(each.source) for each in self._cluster.mget([(self._events, id) for id in ids]).values()]
        return iter(sorted(found, key=lambda event: (-event.last_published_at.timestamp(), event.id)))


def _document(sketch: Sketch, kept_at: int) -> dict[str, Any]:
    return {
        "story_id": sketch.story_id,
        "event": sketch.event_id,
        "published_at": microseconds(sketch.published_at),
        "kept_at": kept_at,
        "telling": [str(term) for term in sketch.telling],
        "sketch": encoded(sketch),
    }


def _is_at(sketch: Sketch, place: Place) -> bool:
    return Place(sketch.event_id, sketch.duplicate_of) == place


def _sketch(source: Mapping[str, Any]) -> Sketch:
    return decoded(source["sketch"], Sketch)


def _sketches(answer: Mapping[str, Any]) -> list[Sketch]:
    return [_sketch(kept(hit).source) for hit in answer["hits"]["hits"]]


def _event_document(event: Event) -> dict[str, Any]:
    return {"event_id": event.id, "last_published_at": microseconds(event.last_published_at), "event": encoded(event)}


def _event(source: Mapping[str, Any]) -> Event:
    return decoded(source["event"], Event)


def _alike(name: str, telling: Telling, limit: int) -> dict[str, Any]:
    window = {"range": {"published_at": {"gte": microseconds(telling.since), "lte": microseconds(telling.until)}}}
    terms = [
        {"constant_score": {"filter": {"term": {"telling": str(term)}}, "boost": weight}} for term, weight in telling.terms.items()
    ]
    ours = {"term": {"story_id": name}}
    asked: dict[str, Any] = {"filter": [window], "must_not": [ours], "should": terms, "minimum_should_match": 1}
    return {
        "query": {"bool": asked} if terms else {"match_none": {}},
        "sort": ["_score", *_NEWEST_FIRST],
        "size": limit,
        # Which ones is told by what they are sorted by: neither an id nor a source is looked up among the stored fields.
        "stored_fields": "_none_",
        "seq_no_primary_term": True,
        "track_total_hits": False,
    }
