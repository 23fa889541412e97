"""What publishers say over and over, in Elasticsearch: a document each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pipeline.model import Habit
from pipeline.store.elasticsearch.bytes64 import packed, unpacked
from pipeline.store.elasticsearch.claims import short
from pipeline.store.elasticsearch.client import Cluster, Kept, Write, refused
from pipeline.store.elasticsearch.indices import Indices


class ElasticsearchHabits:
    """`Habits`."""

    def __init__(self, cluster: Cluster, indices: Indices) -> None:
        self._cluster = cluster
        self._index = indices.name("habits")

    def get(self, sources: Collection[str]) -> dict[str, Habit]:
        return {habit.source: habit for habit in map(_habit, self._stored(sources).values())}

    def all(self) -> Iterator[Habit]:
        return (_habit(each) for page in self._cluster.written(self._index) for each in page)

    def put(self, habits: Sequence[Habit]) -> set[str]:
        stored = self._stored([habit.source for habit in habits])
        current = [habit for habit in habits if _revision(stored.get(short(habit.source))) == habit.revision]
        writes = [_write(self._index, habit, stored.get(short(habit.source))) for habit in current]
        answers = self._cluster.bulk(writes) if writes else []
        refused(answers, [f"the habits of {habit.source}" for habit in current])
        done = {habit.source for habit, answer in zip(current, answers, strict=True) if answer.is_done}
        return {habit.source for habit in habits} - done

    def _stored(self, sources: Collection[str]) -> dict[str, Kept]:
        return self._cluster.mget([(self._index, short(source)) for source in sources])


def _habit(stored: Kept) -> Habit:
    return unpacked(stored.source["habit"], Habit)._replace(revision=stored.source["revision"])


def _revision(stored: Kept | None) -> int:
    return int(stored.source["revision"]) if stored else 0


def _write(index: str, habit: Habit, stored: Kept | None) -> Write:
    content = {"source": habit.source, "revision": habit.revision + 1, "habit": packed(habit._replace(revision=0))}
    return Write("index", index, stored.id, content, stored) if stored else Write("create", index, short(habit.source), content)
