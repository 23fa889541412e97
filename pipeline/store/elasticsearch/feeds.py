"""The feed schedule in Elasticsearch: `next_poll_at` is what a lease moves, each over the very document that was found due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline.errors import TransientError
from pipeline.model import FeedState, stable_id
from pipeline.store.elasticsearch.bytes64 import decoded, encoded, microseconds, moment
from pipeline.store.elasticsearch.client import Cluster, Kept, Write, refused
from pipeline.store.elasticsearch.indices import Indices
from pipeline.store.roles import KnownFeed

_MOST_TRIES = 8
_BY_URL = [{"url": "asc"}]
_SUBSCRIBED = {"term": {"subscribed": True}}


class ElasticsearchFeedSchedule:
    """`FeedSchedule`."""

    def __init__(self, cluster: Cluster, indices: Indices) -> None:
        self._cluster = cluster
        self._index = indices.name("feeds")

    def subscribe(self, urls: Collection[str], now: datetime) -> None:
        wanted = set(urls)
        # A document that somebody leases meanwhile is refused, and looked at again.
        for _ in range(_MOST_TRIES):
            known = {str(kept.source["url"]): kept for kept in self._cluster.pages(self._index, {"match_all": {}}, _BY_URL, 2_000)}
            writes = [
                Write("index", self._index, kept.id, {**kept.source, "subscribed": url in wanted}, kept)
                for url, kept in known.items()
                if kept.source["subscribed"] != (url in wanted)
            ]
            writes += [
                Write("create", self._index, id_of(url), document(FeedState(url, now))) for url in sorted(wanted - known.keys())
            ]
            answers = self._cluster.bulk(writes, refresh=True)
            refused(answers, [write.id for write in writes])
            if all(answer.is_done for answer in answers):
                return
        raise TransientError("feeds are written by others all the time")

    def lease(self, now: datetime, until: datetime, limit: int) -> list[FeedState]:
        due = {"bool": {"filter": [_SUBSCRIBED, {"range": {"next_poll_at": {"lte": microseconds(now)}}}]}}
        body = {"query": due, "sort": [{"next_poll_at": "asc"}, {"url": "asc"}], "size": min(limit, 10_000)}
        found = self._cluster.search(self._index, {**body, "seq_no_primary_term": True}, refresh=True)["hits"]["hits"]
        leased = [Kept(hit["_id"], hit["_index"], hit["_source"], hit["_seq_no"], hit["_primary_term"]) for hit in found]
        # Whoever else found the same is refused; every lease is a new version of its document, even where it moves nothing.
        answers = self._cluster.bulk(
            [Write("index", self._index, kept.id, {**kept.source, "next_poll_at": microseconds(until)}, kept) for kept in leased]
        )
        refused(answers, [kept.id for kept in leased])
        return [state(kept.source) for kept, answer in zip(leased, answers, strict=True) if answer.is_done]

    def next_due_at(self) -> datetime | None:
        body = {"size": 0, "query": _SUBSCRIBED, "aggs": {"first": {"min": {"field": "next_poll_at"}}}, "track_total_hits": False}
        first = self._cluster.search(self._index, body, refresh=True)["aggregations"]["first"]["value"]
        return None if first is None else moment(int(first))

    def states(self) -> list[FeedState]:
        return [state(kept.source) for kept in self._cluster.pages(self._index, _SUBSCRIBED, _BY_URL, 2_000)]

    def all(self) -> Iterator[KnownFeed]:
        pages = self._cluster.pages(self._index, {"match_all": {}}, _BY_URL, 2_000)
        return (KnownFeed(state(kept.source), bool(kept.source["subscribed"])) for kept in pages)

    def keep(self, feeds: Sequence[KnownFeed]) -> None:
        writes = [
            Write("index", self._index, id_of(each.state.url), document(each.state, subscribed=each.is_subscribed))
            for each in feeds
        ]
        refused(self._cluster.bulk(writes), [write.id for write in writes])

    def polled(self, states: Sequence[FeedState], new_items: Counter[str]) -> None:
        """Keep the states that polls left their feeds in; an item more for each new version."""
        left = {state.url: state for state in states}
        for _ in range(_MOST_TRIES):
            known = self._cluster.mget([(self._index, id_of(url)) for url in left])
            writes = [_after(self._index, each, known.get(id_of(url)), new_items[url]) for url, each in left.items()]
            answers = self._cluster.bulk(writes)
            refused(answers, [write.id for write in writes])
            left = {url: each for (url, each), answer in zip(left.items(), answers, strict=True) if not answer.is_done}
            if not left:
                return
        raise TransientError("feeds are written by others all the time")


def document(feed: FeedState, *, subscribed: bool = True) -> dict[str, Any]:
    """A feed's document."""
    return {
        "url": feed.url,
        "subscribed": subscribed,
        "next_poll_at": microseconds(feed.next_poll_at),
        "state": encoded(feed),
    }


def state(source: Mapping[str, Any]) -> FeedState:
    """The state in a feed's document."""
    return decoded(source["state"], FeedState)


def id_of(url: str) -> str:
    """A feed's document's id: a URL may be longer than an id."""
    return stable_id("feed", url)


def _after(index: str, poll: FeedState, known: Kept | None, new_items: int) -> Write:
    if known is None:
        return Write("create", index, id_of(poll.url), document(poll._replace(items=new_items)))
    items = state(known.source).items + new_items
    written = document(poll._replace(items=items), subscribed=bool(known.source["subscribed"]))
    return Write("index", index, known.id, written, known)
