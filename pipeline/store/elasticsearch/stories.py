"""Stories and their search in Elasticsearch.

An id lives in one index only: a story is written over where it stands, and created in the newest index where it stands nowhere. A
write goes over the very document that was read, so that of two writers one is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.errors import ConfigError, TransientError
from pipeline.model import ReadStory
from pipeline.store.elasticsearch.client import BlockedError, Cluster, Kept, MissingIndexError, Write, kept, refused
from pipeline.store.elasticsearch.documents import digest, document, read_story
from pipeline.store.elasticsearch.indices import Generations, Indices
from pipeline.store.elasticsearch.refreshing import Refreshing
from pipeline.store.elasticsearch.search import clause, from_place
from pipeline.store.query import Query
from pipeline.store.roles import Merger
from pipeline.store.search import Count, Facets, Found, Page, SearchRequest
from pipeline.store.snippet import snippet

_MOST_TRIES = 5
_LEADS_TO = "leads_to"
"""The field of a document that is no story any more: the id of the story it turned out to be."""
_NEWEST_FIRST = [{"second": "desc"}, {"story_id": "desc"}]
_OLDEST_FIRST = [{"second": "asc"}, {"story_id": "asc"}]
_FACETS = {"entities": "entity_names", "pairs": "pair_names", "topics": "topic_names", "sources": "source"}


class ElasticsearchStories:
    """`Stories`."""

    def __init__(self, cluster: Cluster, indices: Indices) -> None:
        self._cluster = cluster
        self._ilm_policy = indices.ilm_policy
        self._alias = indices.name("stories")
        self._generations = Generations(indices, "stories")
        self._refreshing = Refreshing(cluster, self._alias)
        self.catch_up = self._refreshing.catch_up
        """Return when everything that this process has put can be searched, by everybody."""

    def get(self, ids: Collection[str]) -> dict[str, ReadStory]:
        found = self._stored(ids)
        leads = {id: each.source[_LEADS_TO] for id, each in found.items() if _LEADS_TO in each.source}
        stories = {id: read_story(each.source) for id, each in found.items() if id not in leads}
        if leads:
            # An id leads to an older one only, so that none leads in a circle.
            led = self.get(set(leads.values()))
            stories |= {id: led[into] for id, into in leads.items() if into in led}
        return stories

    def merge(self, mergers: Sequence[Merger]) -> set[str]:
        left = {merger.id: merger for merger in mergers}
        stored = self._stored(left, ["revision", _LEADS_TO]) if left else {}
        done = {id for id, merger in left.items() if id in stored and stored[id].source.get(_LEADS_TO) == merger.into}
        current = {id: merger for id, merger in left.items() if id not in done and _is_current(merger, stored.get(id))}
        newest = self._generations.all()[-1]
        writes = [_leading(newest, merger, stored.get(id)) for id, merger in current.items()]
        answers = self._cluster.bulk(writes, refresh=True) if writes else []
        refused(answers, [f"story {write.id}" for write in writes])
        done |= {write.id for write, answer in zip(writes, answers, strict=True) if answer.is_done}
        return left.keys() - done

    def leads(self) -> Iterator[tuple[str, str]]:
        found = (each.source for each in self._generations.documents() if _LEADS_TO in each.source)
        return ((source["story_id"], source[_LEADS_TO]) for source in found)

    def current_ids(self, ids: Collection[str]) -> dict[str, str]:
        found = self._stored(ids, [_LEADS_TO])
        leads = {id: str(each.source[_LEADS_TO]) for id, each in found.items() if _LEADS_TO in each.source}
        further = self.current_ids(set(leads.values())) if leads else {}
        return {id: further.get(into, into) for id, into in leads.items()}

    def _stored(self, ids: Collection[str], source: bool | Sequence[str] = True) -> dict[str, Kept]:
        for _ in range(_MOST_TRIES):
            try:
                return self._cluster.mget([(index, id) for index in self._generations.all() for id in ids], source=source)
            except MissingIndexError:
                self._generations.look_again()
        raise TransientError("the indices of stories change all the time")

    def put(self, stories: Sequence[ReadStory]) -> set[str]:
        left = {read.story.id: read for read in stories}
        if not left:
            return set()
        # Else a story that somebody put into an index begun since would be created once more, in an older one.
        self._generations.refresh()
        # Of what is new nothing is looked up first: where it stands already, it cannot be created.
        new = {id for id, read in left.items() if read.revision == 0} if self._generations.is_settled else set()
        stale: set[str] = set()
        for _ in range(_MOST_TRIES):
            stored = self._stored(left.keys() - new, ["revision", "digest", _LEADS_TO])
            stale |= {id for id in left.keys() - new if _is_stale(left[id], stored.get(id))}
            late = self._written(left, stored, stale)
            if late is None:
                # Another index is written by now, and what is new here may stand in the one before.
                new = set()
                continue
            stale |= late - new
            left = {id: left[id] for id in late & new}
            if not left:
                return stale
            # They may have been created by ourselves, before a crash.
            new = set()
        raise TransientError("the indices of stories take no writes for now")

    def _written(self, stories: Mapping[str, ReadStory], stored: Mapping[str, Kept], stale: Collection[str]) -> set[str] | None:
        """Write what is neither stale nor written already; answers what somebody else wrote meanwhile, None to try again."""
        newest = self._generations.all()[-1]
        wanted = {id: read for id, read in stories.items() if id not in stale and not _is_written(read, stored.get(id))}
        writes = [_write(newest, read, stored.get(id)) for id, read in wanted.items()]
        try:
            answers = self._cluster.bulk(writes)
        finally:
            # What counts as written too: whoever wrote that may have been broken off before it could be searched.
            self._refreshing.wrote()
        try:
            refused(answers, [f"story {write.id}" for write in writes])
        except (BlockedError, MissingIndexError):
            # A migration is about to put another index in its place.
            self._generations.look_again()
            return None
        return {write.id for write, answer in zip(writes, answers, strict=True) if not answer.is_done}

    def search(self, request: SearchRequest) -> Page:
        body: dict[str, Any] = {
            "query": _there(clause(request.query)),
            "size": request.limit + 1,
            "track_total_hits": False,
            "sort": ["_score", *_NEWEST_FIRST] if request.by_relevance else _NEWEST_FIRST,
        }
        if request.after is not None and not request.by_relevance:
            second, _, story_id = _checked(request.after).partition(".")
            body["search_after"] = [int(second), story_id]
        self.catch_up()
        hits = self._cluster.search(self._alias, body, refresh=request.is_of_all)["hits"]["hits"]
        found = tuple(_found(hit, request.query) for hit in hits[: request.limit])
        more = len(hits) > request.limit and not request.by_relevance and bool(found)
        return Page(found, found[-1].place if more else None)

    def facets(self, query: Query, limit: int = 10) -> Facets:
        commonest = {
            name: {"terms": {"field": field, "size": limit, "order": [{"_count": "desc"}, {"_key": "asc"}]}}
            for name, field in _FACETS.items()
        }
        days = {"terms": {"field": "day", "size": limit, "order": {"_key": "desc"}}}
        body = {"size": 0, "query": _there(clause(query)), "track_total_hits": True, "aggs": {**commonest, "days": days}}
        self.catch_up()
        answer = self._cluster.search(self._alias, body)
        counts = {
            name: tuple(Count(bucket["key"], bucket["doc_count"]) for bucket in found["buckets"])
            for name, found in answer["aggregations"].items()
        }
        return Facets(int(answer["hits"]["total"]["value"]), True, **counts)

    def by_event(
        self, query: Query, events: Collection[str], oldest: str | None = None, newest: str | None = None
    ) -> dict[str, int]:
        filters = [_there(clause(query)), {"terms": {"event": list(events)}}]
        filters += [from_place(_checked(oldest), newer=True)] if oldest else []
        filters += [from_place(_checked(newest), newer=False)] if newest else []
        aggs = {"events": {"terms": {"field": "event", "size": max(1, len(events))}}}
        body = {"size": 0, "query": {"bool": {"filter": filters}}, "aggs": aggs, "track_total_hits": False}
        self.catch_up()
        buckets = self._cluster.search(self._alias, body)["aggregations"]["events"]["buckets"]
        return {bucket["key"]: bucket["doc_count"] for bucket in buckets}

    def count(self) -> int:
        return self._cluster.count(self._alias, _there({"match_all": {}}))

    def all(self) -> Iterator[ReadStory]:
        pages = self._cluster.pages(self._alias, _there({"match_all": {}}), _OLDEST_FIRST, 200)
        return (read_story(each.source) for each in pages)

    def roll(self, now: datetime) -> None:
        """Begin a new index where it is time and nobody else does; the others go on being written over."""
        if not self._ilm_policy:
            self._generations.roll(now, blocking=False)

    def drop(self, before: datetime, told_of: Collection[str]) -> None:
        """Drop the indices all whose stories arrived before then, and hold none of `told_of`; a policy drops its own."""
        if not self._ilm_policy:
            self._generations.drop(before, told_of)


def _there(asked: dict[str, Any]) -> dict[str, Any]:
    """What meets a clause and is a story: what leads to another has no second of publication."""
    return {"bool": {"must": asked, "filter": {"exists": {"field": "second"}}}}


def _is_current(merger: Merger, stored: Kept | None) -> bool:
    return _LEADS_TO not in stored.source and stored.source["revision"] == merger.revision if stored else merger.revision == 0


def _leading(newest: str, merger: Merger, stored: Kept | None) -> Write:
    content = {"story_id": merger.id, _LEADS_TO: merger.into, "revision": merger.revision + 1}
    return Write("index", stored.index, merger.id, content, stored) if stored else Write("create", newest, merger.id, content)


def _is_stale(read: ReadStory, stored: Kept | None) -> bool:
    if stored and _LEADS_TO in stored.source:
        return True
    revision = stored.source["revision"] if stored else 0
    return bool(revision != read.revision) and not _is_written(read, stored)


def _is_written(read: ReadStory, stored: Kept | None) -> bool:
    if stored is None or _LEADS_TO in stored.source:
        return False
    return bool(stored.source["revision"] == read.revision + 1 and stored.source["digest"] == digest(read))


def _write(newest: str, read: ReadStory, stored: Kept | None) -> Write:
    content = document(read._replace(revision=read.revision + 1))
    if stored is None:
        return Write("create", newest, read.story.id, content)
    return Write("index", stored.index, stored.id, content, stored)


def _found(hit: dict[str, Any], query: Query) -> Found:
    source = kept(hit).source
    read = read_story(source)
    return Found(read, f"{source['second']}.{read.story.id}", snippet(read.story.text, query))


def _checked(place: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,15}\.[\w-]{1,100}", place, re.ASCII):
        raise ConfigError(f"search: --after takes what the page before gave as its next; {place[:100]!r} is nothing of the kind")
    return place
