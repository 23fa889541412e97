"""Landed item versions in Elasticsearch: `landed` holds what was sighted, `pending` a small document for each that is not finished.

They are written pending first: a version that landed is never without its mark, and nobody else takes it before its lease ends.
Finishing deletes the mark; the content goes with its generation. What is sighted again in a later generation is copied forward, so
that its id stays known while it is in its feed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pipeline.errors import TransientError
from pipeline.model import FeedState, ItemVersion
from pipeline.store.elasticsearch.bytes64 import microseconds, moment, packed, unpacked
from pipeline.store.elasticsearch.client import BlockedError, Cluster, Kept, MissingIndexError, Write, kept, refused
from pipeline.store.elasticsearch.feeds import ElasticsearchFeedSchedule
from pipeline.store.elasticsearch.indices import Generations, Indices

_MOST_TRIES = 5
_BATCH = 500
_ORPHANED_AFTER = timedelta(minutes=30)
"""A mark without content, so long after its lease: whoever was about to land it died before, and the feed brings it again."""


class ElasticsearchLanding:
    """`Landing`."""

    def __init__(self, cluster: Cluster, indices: Indices, feeds: ElasticsearchFeedSchedule) -> None:
        self._cluster = cluster
        self._feeds = feeds
        self._pending = indices.name("pending")
        self._generations = Generations(indices, "landed")

    def land(self, versions: Sequence[ItemVersion], until: datetime, states: Sequence[FeedState] = ()) -> list[str]:
        wanted = {version.id: version for version in versions}
        new = self._landed(wanted, until) if wanted else []
        if states:
            self._feeds.polled(states, Counter(wanted[id].item.feed for id in new))
        return new

    def _landed(self, wanted: dict[str, ItemVersion], until: datetime) -> list[str]:
        for _ in range(_MOST_TRIES):
            try:
                return self._land_in_newest(wanted, until)
            except (BlockedError, MissingIndexError):
                self._generations.look_again()
        raise TransientError("the generations of what landed change all the time")

    def _land_in_newest(self, wanted: dict[str, ItemVersion], until: datetime) -> list[str]:
        names = self._generations.all()
        newest = names[-1]
        known = self._cluster.mget([(index, id) for index in names for id in wanted], source=False)
        new = [version for id, version in wanted.items() if id not in known]
        self._marked(new, until)
        contents = [Write("create", newest, version.id, {"item_version": packed(version)}) for version in new]
        contents += [Write("create", newest, each.id, {}) for each in known.values() if each.index != newest]
        answers = self._cluster.bulk(contents)
        refused(answers, [content.id for content in contents])
        return [version.id for version, answer in zip(new, answers, strict=False) if answer.is_done]

    def unfinished(self, now: datetime, until: datetime, limit: int) -> list[str]:
        body = {
            "query": {"range": {"leased_until": {"lte": microseconds(now)}}},
            "sort": [{"landed_at": "asc"}],
            "size": min(limit, 10_000),
            "seq_no_primary_term": True,
        }
        found = [kept(hit) for hit in self._cluster.search(self._pending, body, refresh=True)["hits"]["hits"]]
        orphans = self._orphans(found, now)
        free = [each for each in found if each.id not in orphans]
        leased = [
            Write("index", self._pending, each.id, {**each.source, "leased_until": microseconds(until)}, each) for each in free
        ]
        answers = self._cluster.bulk(leased)
        return [each.id for each, answer in zip(free, answers, strict=True) if answer.is_done]

    def _orphans(self, marks: Sequence[Kept], now: datetime) -> set[str]:
        """Forget the old ones of `marks` that have no content; answers their ids. A younger one is taken, and reads as nothing."""
        before = microseconds(now - _ORPHANED_AFTER)
        old = {each.id: each for each in marks if each.source["landed_at"] < before}
        orphans = old.keys() - self._content(list(old)).keys() if old else set()
        self._cluster.bulk(Write("delete", self._pending, id, over=old[id]) for id in orphans)
        return orphans

    def read(self, ids: Sequence[str]) -> list[ItemVersion]:
        marked = self._cluster.mget([(self._pending, id) for id in ids], source=False)
        return self._in_order([id for id in ids if id in marked])

    def _content(self, ids: Sequence[str]) -> dict[str, ItemVersion]:
        """The versions of `ids` that have content, by id."""
        for _ in range(_MOST_TRIES):
            names = self._generations.all()
            try:
                found = [self._cluster.mget([(index, id) for id in ids]) for index in names]
            except MissingIndexError:
                self._generations.look_again()
                continue
            content = {
                id: unpacked(each.source["item_version"], ItemVersion)
                for generation in found
                for id, each in generation.items()
                if "item_version" in each.source
            }
            if len(content) < len(set(ids)):
                # It may be in a generation that somebody else began.
                self._generations.refresh()
            if self._generations.all() == names:
                return content
        raise TransientError("the generations of what landed change all the time")

    def finish(self, ids: Sequence[str]) -> None:
        self._cluster.bulk(Write("delete", self._pending, id) for id in dict.fromkeys(ids))

    def reopen(self, versions: Sequence[ItemVersion], until: datetime) -> None:
        for _ in range(_MOST_TRIES):
            newest = self._generations.all()[-1]
            contents = [Write("index", newest, version.id, {"item_version": packed(version)}) for version in versions]
            try:
                refused(self._cluster.bulk(contents), [content.id for content in contents])
            except (BlockedError, MissingIndexError):
                self._generations.look_again()
                continue
            # The content is there before: they may be taken as soon as they have their marks.
            return self._marked(versions, until)
        raise TransientError("the generations of what landed change all the time")

    def _marked(self, versions: Sequence[ItemVersion], until: datetime) -> None:
        """Lease versions; over a mark that is there, whose writer died before the content, lest others take it meanwhile."""
        ends = microseconds(until)
        marks = [
            # They are taken in the order of `landed_at`, the end of this lease.
            Write("index", self._pending, each.id, {"version_id": each.id, "landed_at": ends + n, "leased_until": ends})
            for n, each in enumerate(versions)
        ]
        refused(self._cluster.bulk(marks), [mark.id for mark in marks])

    def next_due_at(self) -> datetime | None:
        body = {"size": 0, "aggs": {"first": {"min": {"field": "leased_until"}}}, "track_total_hits": False}
        first = self._cluster.search(self._pending, body, refresh=True)["aggregations"]["first"]["value"]
        return None if first is None else moment(int(first))

    def unfinished_count(self) -> int:
        return self._cluster.count(self._pending)

    def waiting(self) -> Iterator[ItemVersion]:
        marks: list[str] = []
        for mark in self._cluster.pages(self._pending, {"match_all": {}}, [{"landed_at": "asc"}, {"version_id": "asc"}]):
            marks.append(mark.id)
            if len(marks) == _BATCH:
                yield from self._in_order(marks)
                marks = []
        yield from self._in_order(marks)

    def _in_order(self, ids: Sequence[str]) -> list[ItemVersion]:
        content = self._content(ids)
        return [content[id] for id in ids if id in content]

    def known(self) -> Iterator[str]:
        return (each.id for each in self._generations.documents(source=False))

    def remember(self, ids: Sequence[str]) -> None:
        for _ in range(_MOST_TRIES):
            names = self._generations.all()
            try:
                known = self._cluster.mget([(index, id) for index in names for id in ids], source=False)
                writes = [Write("create", names[-1], id, {}) for id in ids if id not in known]
                return refused(self._cluster.bulk(writes), [write.id for write in writes])
            except (BlockedError, MissingIndexError):
                self._generations.look_again()
        raise TransientError("the generations of what landed change all the time")

    def roll(self, now: datetime) -> None:
        """Begin a new generation where it is time; what is not finished keeps its content."""
        self._generations.roll(now, blocking=True, rescue=self._carry_forward)

    def _carry_forward(self, dropped: Sequence[str]) -> None:
        newest = self._generations.all()[-1]
        marks = [mark.id for mark in self._cluster.pages(self._pending, {"match_all": {}}, [{"version_id": "asc"}])]
        for at in range(0, len(marks), _BATCH):
            content = self._cluster.mget([(index, id) for index in dropped for id in marks[at : at + _BATCH]])
            writes = [Write("index", newest, id, each.source) for id, each in content.items() if "item_version" in each.source]
            refused(self._cluster.bulk(writes), [write.id for write in writes])
