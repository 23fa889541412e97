"""What stories are about, as numbers in narrow rows of their own, so that twenty thousand are counted without reading one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.model import ReadStory
from pipeline.store.search import Count, Facets

_MOST_REMEMBERED = 50_000
_DAY = 86_400

Row = tuple[int, int, bytes, bytes, bytes]
"""A row of `facet`: the story's row id; label ids of its source, its topics, its entities, and two by two its pairs."""
Numbers = npt.NDArray[np.uint64]


class Named(NamedTuple):
    """What a story is counted under, by name."""

    source: str
    topics: tuple[str, ...]
    entities: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]

    def names(self) -> set[str]:
        return {self.source, *self.topics, *self.entities}


def named(read: ReadStory) -> Named:
    """What `read` is counted under."""
    names = {entity.key: entity.name for entity in read.reading.entities}
    return Named(
        read.story.source,
        tuple(topic.name for topic in read.reading.topics),
        tuple(names.values()),
        tuple((names[pair.a], names[pair.b]) for pair in read.reading.pairs),
    )


class Labels:
    """The `label` table: a number for each name, the commonest remembered."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, connection: Any, names: Iterable[str]) -> dict[str, int]:
        """The numbers of `names`, new ones within the caller's transaction: `forget` them if that is rolled back."""
        if len(self._known) > _MOST_REMEMBERED:
            self._known = {}
        for name in names:
            if name not in self._known:
                connection.execute("INSERT INTO label(name) VALUES(?) ON CONFLICT DO NOTHING", (name,))
                ((self._known[name],),) = connection.execute("SELECT id FROM label WHERE name = ?", (name,)).fetchall()
        return self._known

    def forget(self) -> None:
        self._known = {}


def row(row_id: int, of: Named, labels: dict[str, int]) -> Row:
    """The row of a story; numbers in four bytes each."""
    return (
        row_id,
        labels[of.source],
        _bytes(labels, of.topics),
        _bytes(labels, of.entities),
        _bytes(labels, chain.from_iterable(of.pairs)),
    )


def counted(connection: Any, rows: Sequence[Row], limit: int, seconds: Sequence[int], *, is_whole: bool) -> Facets:
    """The facets of `rows`; `seconds` are their times of publication."""
    pairs = _numbers(b"".join(row[4] for row in rows)).reshape(-1, 2)
    ordered = np.sort(pairs, axis=1)
    return Facets(
        stories=len(rows),
        is_whole=is_whole,
        entities=_commonest(connection, _numbers(b"".join(row[3] for row in rows)), limit),
        pairs=_commonest(connection, ordered[:, 0] << np.uint64(32) | ordered[:, 1], limit),
        topics=_commonest(connection, _numbers(b"".join(row[2] for row in rows)), limit),
        sources=_commonest(connection, np.array([row[1] for row in rows], dtype=np.uint64), limit),
        days=_days(seconds, limit),
    )


def _commonest(connection: Any, numbers: Numbers, limit: int) -> tuple[Count, ...]:
    values, counts = np.unique(numbers, return_counts=True)
    if not len(values):
        return ()
    # All that are as common as the last one that is shown compete for its place by name; of a great many, the first found.
    least = np.sort(counts)[::-1][:limit][-1]
    chosen = np.flatnonzero(counts >= least)
    chosen = chosen[np.argsort(-counts[chosen], kind="stable")][: limit + 1000]
    found = [Count(_name(connection, int(values[at])), int(counts[at])) for at in chosen]
    return tuple(sorted(found, key=lambda count: (-count.stories, count.name))[:limit])


def _name(connection: Any, number: int) -> str:
    names = [
        name
        for part in filter(None, (number >> 32, number & 0xFFFFFFFF))
        for (name,) in connection.execute("SELECT name FROM label WHERE id = ?", (part,))
    ]
    return " + ".join(sorted(names))


def _days(seconds: Sequence[int], limit: int) -> tuple[Count, ...]:
    days, counts = np.unique(np.array(seconds, dtype=np.int64) // _DAY, return_counts=True)
    newest_first = list(zip(days.tolist(), counts.tolist(), strict=True))[::-1][:limit]
    return tuple(Count(f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day):%Y-%m-%d}", count) for day, count in newest_first)


def _numbers(data: bytes) -> Numbers:
    return np.frombuffer(data, dtype=np.uint32).astype(np.uint64)


def _bytes(labels: dict[str, int], names: Iterable[str]) -> bytes:
    return np.fromiter(map(labels.__getitem__, names), dtype=np.uint32).tobytes()
