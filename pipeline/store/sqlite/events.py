"""Sketches and events in SQLite.

`telling` is an index on term and time: what a term finds in a window is one stretch of it, however many stories are kept. The
number of a sketch is a hash of its story's id, so that the order of what weighs the same does not depend on who came first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import neg
from typing import Any

from pipeline.model import Event, Sketch
from pipeline.store.codec import decode, encode
from pipeline.store.roles import Place, Telling
from pipeline.store.sqlite.database import Database, microseconds, moment

MOST_OF_A_TERM = 64
"""Sketches that one term brings, newest first: of a word on every front page more would say nothing."""
ENOUGH = 4
"""Times as many sketches as are asked for: where the rarer terms have brought so many, the commoner are not looked up."""
_PAGE = 500
_FORGOTTEN_AT_ONCE = 500


class SqliteEvents:
    """`Events`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, sketches: Sequence[Sketch], now: datetime) -> None:
        if not sketches:
            return
        rows = [_row(sketch, now) for sketch in sketches]
        with self._database.writing() as connection:
            _withdraw(connection, [row[0] for row in rows])
            connection.executemany("INSERT INTO sketch VALUES(?, ?, ?, ?, ?)", rows)
            connection.executemany("INSERT OR REPLACE INTO telling VALUES(?, ?, ?)", _postings(sketches))

    def move(self, places: Mapping[str, Place]) -> None:
        if not places:
            return
        with self._database.writing() as connection:
            kept = _by_number(connection, map(_number, places))
            moved = [each._replace(**places[each.story_id]._asdict()) for each in kept]
            rows = [(each.event_id, encode(each), _number(each.story_id)) for each in moved]
            connection.executemany("UPDATE sketch SET event_id = ?, sketch = ? WHERE id = ?", rows)

    def withdraw(self, ids: Collection[str]) -> None:
        if not ids:
            return
        with self._database.writing() as connection:
            withdraw(connection, ids)

    def of_stories(self, ids: Collection[str]) -> dict[str, Sketch]:
        with self._database.reading() as connection:
            return {sketch.story_id: sketch for sketch in _by_number(connection, map(_number, ids))}

    def alike(self, wanted: Mapping[str, Telling], limit: int) -> dict[str, list[Sketch]]:
        with self._database.reading() as connection:
            numbers = {name: _alike(connection, _number(name), telling, limit) for name, telling in wanted.items()}
            found = {number for each in numbers.values() for number in each}
            sketches = {_number(sketch.story_id): sketch for sketch in _by_number(connection, found)}
        return {name: [sketches[number] for number in each if number in sketches] for name, each in numbers.items()}

    def members(self, event_ids: Collection[str], limit: int) -> dict[str, list[Sketch]]:
        statement = "SELECT sketch FROM sketch WHERE event_id = ? ORDER BY published_at DESC, id LIMIT ?"
        with self._database.reading() as connection:
            found = {id: _decoded(connection.execute(statement, (id, limit))) for id in event_ids}
        return {id: sketches for id, sketches in found.items() if sketches}

    def kept(self, since: datetime, until: datetime) -> Iterator[Sketch]:
        statement = "SELECT id FROM sketch WHERE kept_at >= ? AND kept_at < ? ORDER BY published_at, id"
        return self._in_pages(statement, (microseconds(since), microseconds(until)))

    def _in_pages(self, statement: str, values: tuple[int, ...]) -> Iterator[Sketch]:
        """The sketches whose numbers a statement answers, in its order; few in memory at once, and no transaction left open."""
        with self._database.reading() as connection:
            numbers = connection.execute(statement, values).fetchall()
        for at in range(0, len(numbers), _PAGE):
            with self._database.reading() as connection:
                page = _by_number(connection, [number for (number,) in numbers[at : at + _PAGE]])
            yield from page

    def newest(self, limit: int) -> Iterator[Sketch]:
        return self._in_pages("SELECT id FROM sketch ORDER BY kept_at DESC LIMIT ?", (limit,))

    def looked_at(self) -> datetime | None:
        with self._database.reading() as connection:
            rows = connection.execute("SELECT until FROM looked").fetchall()
        return moment(rows[0][0]) if rows else None

    def looked(self, until: datetime) -> None:
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO looked VALUES(1, ?)", (microseconds(until),))

    def forget(self, before: datetime) -> None:
        ended = microseconds(before)
        statement = "SELECT id FROM sketch WHERE kept_at < ? AND published_at < ? LIMIT ?"
        while True:
            with self._database.writing() as connection:
                numbers = [number for (number,) in connection.execute(statement, (ended, ended, _FORGOTTEN_AT_ONCE))]
                _withdraw(connection, numbers)
            if len(numbers) < _FORGOTTEN_AT_ONCE:
                return

    # ── events ──

    def redirect(self, merged: Mapping[str, str]) -> None:
        if not merged:
            return
        with self._database.writing() as connection:
            for old, new in merged.items():
                connection.execute("DELETE FROM redirect WHERE old = ?", (new,))
                connection.execute("UPDATE redirect SET new = ? WHERE new = ?", (new, old))
                if old != new:
                    connection.execute("INSERT OR REPLACE INTO redirect VALUES(?, ?)", (old, new))

    def current(self, ids: Collection[str]) -> dict[str, str]:
        with self._database.reading() as connection:
            return {old: new for id in ids for old, new in connection.execute("SELECT old, new FROM redirect WHERE old = ?", (id,))}

    def redirects(self) -> Iterator[tuple[str, str]]:
        with self._database.reading() as connection:
            return iter(connection.execute("SELECT old, new FROM redirect ORDER BY old").fetchall())

    def led_to(self, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
        with self._database.reading() as connection:
            statement = "SELECT old FROM redirect WHERE new = ? ORDER BY old"
            found = {id: tuple(old for (old,) in connection.execute(statement, (id,))) for id in ids}
        return {id: led for id, led in found.items() if led}

    def record(self, events: Sequence[Event]) -> None:
        if not events:
            return
        rows = [(each.id, microseconds(each.last_published_at), encode(each)) for each in events if each.stories]
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM event WHERE id = ?", [(each.id,) for each in events if not each.stories])
            connection.executemany("INSERT OR REPLACE INTO event VALUES(?, ?, ?)", rows)

    def records(self, ids: Collection[str] | None = None) -> Iterator[Event]:
        with self._database.reading() as connection:
            rows = (
                connection.execute("SELECT last_published_at, id, event FROM event").fetchall()
                if ids is None
                else [
                    row
                    for id in ids
                    for row in connection.execute("SELECT last_published_at, id, event FROM event WHERE id = ?", (id,))
                ]
            )
        rows.sort(key=lambda row: (-row[0], row[1]))
        return (decode(event, Event) for _, _, event in rows)


def withdraw(connection: Any, ids: Iterable[str]) -> None:
    """Forget the sketches of stories and what finds them, within the caller's transaction."""
    _withdraw(connection, [_number(id) for id in ids])


def _number(story_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(story_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1


def _row(sketch: Sketch, now: datetime) -> tuple[int, str, int, int, bytes]:
    return _number(sketch.story_id), sketch.event_id, microseconds(sketch.published_at), microseconds(now), encode(sketch)


def _postings(sketches: Iterable[Sketch]) -> list[tuple[int, int, int]]:
    """In the order of the index, so that neighbours are written together."""
    places = [(sketch.telling, microseconds(sketch.published_at), _number(sketch.story_id)) for sketch in sketches]
    return sorted((term, at, number) for telling, at, number in places for term in set(telling))


def _withdraw(connection: Any, numbers: Sequence[int]) -> None:
    """Take sketches out, and what finds them."""
    kept = _by_number(connection, numbers)
    connection.executemany("DELETE FROM telling WHERE term = ? AND published_at = ? AND sketch = ?", _postings(kept))
    connection.executemany("DELETE FROM sketch WHERE id = ?", [(_number(each.story_id),) for each in kept])


def _by_number(connection: Any, numbers: Iterable[int]) -> list[Sketch]:
    rows = (connection.execute("SELECT sketch FROM sketch WHERE id = ?", (number,)) for number in numbers)
    return [decode(content, Sketch) for row in rows for (content,) in row]


def _decoded(rows: Iterable[tuple[bytes]]) -> list[Sketch]:
    return [decode(content, Sketch) for (content,) in rows]


def _alike(connection: Any, own: int, telling: Telling, limit: int) -> list[int]:
    """The numbers of the sketches that share the most of `telling`, by its rarest terms.

    Counted here: SQLite takes half as long again to do it.
    """
    window = (microseconds(telling.since), microseconds(telling.until))
    weights: dict[int, int] = {}
    earlier: dict[int, int] = {}
    for term, weight in sorted(telling.terms.items(), key=lambda each: (-each[1], each[0])):
        if len(weights) >= ENOUGH * limit:
            break
        found = dict(connection.execute(_OF_TERM, (term, *window)))
        met = dict.fromkeys(found, weight)
        for number in weights.keys() & met.keys():
            met[number] += weights[number]
        weights |= met
        earlier |= found
    heaviest = sorted(zip(map(neg, weights.values()), map(earlier.__getitem__, weights), weights, strict=True))[: limit + 1]
    return [number for _, _, number in heaviest if number != own][:limit]


_OF_TERM = f"""SELECT sketch, -published_at FROM telling WHERE term = ? AND published_at BETWEEN ? AND ?
    ORDER BY published_at DESC, sketch LIMIT {MOST_OF_A_TERM}"""
