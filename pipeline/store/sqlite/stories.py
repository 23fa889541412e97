"""Stories and their search in SQLite: rows compressed, words and filters in one FTS5 index that keeps no text.

A story's row id is its second of publication and a place within it, so that newest first is `ORDER BY rowid DESC`, and "since" and
paging are comparisons of row ids: under 10 ms at the 99th percentile with a million stories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from pipeline.model import ReadStory
from pipeline.store.codec import pack, unpack
from pipeline.store.roles import Found, Page, SearchRequest
from pipeline.store.sqlite.database import Database
from pipeline.store.sqlite.match import expression, terms
from pipeline.store.sqlite.snippet import snippet
from pipeline.store.sqlite.tokens import tokens

PLACES = 1024
"""Row ids to a second: more stories than that in one second take the places of the seconds after it."""
RANKED = 20_000
"""By relevance, the newest so many matches are weighed: all of them would be two seconds for the commonest of a million stories."""
_PAGE = 200


class SqliteStories:
    """`Stories`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, ids: Collection[str]) -> dict[str, ReadStory]:
        with self._database.reading() as connection:
            rows = [
                row for id in ids for row in connection.execute("SELECT revision, read_story FROM story WHERE story_id = ?", (id,))
            ]
        kept = [_unpacked(*row) for row in rows]
        return {read.story.id: read for read in kept}

    def put(self, stories: Sequence[ReadStory]) -> set[str]:
        if not stories:
            return set()
        # FTS5 writes a segment each time that row ids go backwards within a transaction.
        written = [(read, pack(read._replace(revision=0)), tokens(read)) for read in sorted(stories, key=_published)]
        with self._database.writing() as connection:
            return {read.story.id for read, packed, tags in written if not _put(connection, read, packed, tags)}

    def search(self, request: SearchRequest) -> Page:
        match = expression(request)
        low, high = _row_ids(request)
        if match is None:
            found = "SELECT id FROM story WHERE id >= :low AND id < :high ORDER BY id DESC LIMIT :limit"
        else:
            found = "SELECT rowid AS id FROM story_text WHERE story_text MATCH :match AND rowid >= :low AND rowid < :high"
            found += " ORDER BY rowid DESC LIMIT :limit"
            if request.by_relevance:
                newest = found.replace(
                    "SELECT rowid AS id", "SELECT rowid AS id, bm25(story_text, 4.0, 1.0, 0.0) AS weight"
                ).replace(":limit", str(RANKED))
                found = f"SELECT id FROM ({newest}) ORDER BY weight, id DESC LIMIT :limit"
        values = {"low": low, "high": high, "limit": request.limit + 1} | ({} if match is None else {"match": match})
        with self._database.reading() as connection:
            ids = [id for (id,) in connection.execute(found, values)]
            rows = [row for id in ids[: request.limit] for row in connection.execute(f"{_READ} WHERE id = ?", (id,))]
        more = len(ids) > request.limit and not request.by_relevance and bool(rows)
        return Page(tuple(_found(_unpacked(*row), request) for row in rows), str(ids[request.limit - 1]) if more else None)

    def count(self) -> int:
        with self._database.reading() as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM story").fetchall()
        return int(count)

    def all(self) -> Iterator[ReadStory]:
        last, page = -(2**62), [(0, 0, b"")]
        while page:
            with self._database.reading() as connection:
                page = connection.execute(
                    "SELECT id, revision, read_story FROM story WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)
                ).fetchall()
            yield from (_unpacked(revision, packed) for _, revision, packed in page)
            last = page[-1][0] if page else last


_READ = "SELECT revision, read_story FROM story"


def _put(connection: Any, read: ReadStory, packed: bytes, tags: str) -> bool:
    """Write a story if it goes back to the stored one; whether it counts as written."""
    story = read.story
    stored = connection.execute("SELECT id, revision, read_story FROM story WHERE story_id = ?", (story.id,)).fetchall()
    row_id, revision, content = stored[0] if stored else (None, 0, b"")
    if revision == read.revision + 1 and content == packed:
        return True
    if revision != read.revision:
        return False
    if row_id is None or row_id // PLACES != _second(story.published_at):
        moved_to = _free_row_id(connection, _second(story.published_at) * PLACES)
        connection.execute("DELETE FROM story_text WHERE rowid = ?", (row_id,))
        connection.execute("DELETE FROM story WHERE id = ?", (row_id,))
        row_id = moved_to
    connection.execute("INSERT OR REPLACE INTO story VALUES(?, ?, ?, ?)", (row_id, story.id, revision + 1, packed))
    connection.execute(
        "INSERT OR REPLACE INTO story_text(rowid, title, body, tags) VALUES(?, ?, ?, ?)", (row_id, story.title, story.text, tags)
    )
    return True


def _free_row_id(connection: Any, first: int) -> int:
    """The first place from `first` on that no story has: after the last one of that second, and of those after it while full."""
    while True:
        ((last,),) = connection.execute("SELECT max(id) FROM story WHERE id >= ? AND id < ?", (first, first + PLACES)).fetchall()
        if last is None:
            return first
        if last + 1 < first + PLACES:
            return int(last) + 1
        first += PLACES


def _row_ids(request: SearchRequest) -> tuple[int, int]:
    """The row ids that may answer: from the first to before the second."""
    low = _second(request.since) * PLACES if request.since else -(2**62)
    high = _second(request.until) * PLACES if request.until else 2**62
    return low, min(high, int(request.after)) if request.after and not request.by_relevance else high


def _second(moment: datetime) -> int:
    return int(moment.timestamp() // 1)


def _published(read: ReadStory) -> datetime:
    return read.story.published_at


def _unpacked(revision: int, packed: bytes) -> ReadStory:
    return unpack(packed, ReadStory)._replace(revision=revision)


def _found(read: ReadStory, request: SearchRequest) -> Found:
    return Found(read, snippet(read.story.text, terms(request)))
