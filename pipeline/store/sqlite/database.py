"""The database file: a connection a thread, the schema, transactions, and SQLite's errors in our words.

Measured choices (one core, a million stories): WAL with synchronous=NORMAL loses no committed work when a process is killed, and
at a power cut at worst the last transactions, whole; the feeds' ETags are in the same transaction as what they brought, so
that what is lost is polled again. Pages are read through the file's mapping, with a cache of 8 MB a connection: one of 64 MB filled
up in the first hours, which made memory grow by a tenth, and saved .1 ms a story at most.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw

from pipeline.errors import ConfigError, TransientError, WirewatchError

SCHEMA_VERSION = 2
"""2: words are folded by us, facets, a vocabulary (the index of 1 is made anew from its stories)."""
BUSY_TIMEOUT_MS = 10_000
APPLICATION_ID = 0x57495245
"""What says in a file's header that it is ours: "WIRE"."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SEARCH = """
CREATE VIRTUAL TABLE story_text USING fts5(title, body, tags, content='', contentless_delete=1, detail=full, tokenize='ascii');
INSERT INTO story_text(story_text, rank) VALUES('automerge', 16);
INSERT INTO story_text(story_text, rank) VALUES('crisismerge', 64);
INSERT INTO story_text(story_text, rank) VALUES('hashsize', 8388608);
CREATE TABLE word(word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE label(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE facet(
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL, topics BLOB NOT NULL, entities BLOB NOT NULL, pairs BLOB NOT NULL);
"""
"""What is made of the stories for searching them, and can be made again. Of a batch, whose words do not
fit into FTS5's usual megabyte, one segment is written instead of three, which would all be merged later."""

SAME = """
CREATE TABLE IF NOT EXISTS merged(story_id TEXT PRIMARY KEY, leads_to TEXT NOT NULL, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS banded(seq INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS habit(source TEXT PRIMARY KEY, revision INTEGER NOT NULL, habit BLOB NOT NULL) WITHOUT ROWID;
"""
"""What tells that two are one; a database that lacks it gains it when it is opened."""

EVENTS = """
CREATE TABLE IF NOT EXISTS sketch(
    id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, published_at INTEGER NOT NULL, kept_at INTEGER NOT NULL, sketch BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS sketch_event ON sketch(event_id, published_at);
CREATE INDEX IF NOT EXISTS sketch_kept ON sketch(kept_at);
CREATE TABLE IF NOT EXISTS telling(
    term INTEGER NOT NULL, published_at INTEGER NOT NULL, sketch INTEGER NOT NULL, PRIMARY KEY(term, published_at, sketch)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS redirect(old TEXT PRIMARY KEY, new TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS redirect_new ON redirect(new);
CREATE TABLE IF NOT EXISTS looked(id INTEGER PRIMARY KEY, until INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS turn(work TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event(id TEXT PRIMARY KEY, last_published_at INTEGER NOT NULL, event BLOB NOT NULL) WITHOUT ROWID;
"""
"""Of stories of late and their events, and whose turn it is at what; a database that lacks it gains it when it is opened."""

_SCHEMA = f"""
CREATE TABLE feed(url TEXT PRIMARY KEY, subscribed INTEGER NOT NULL, next_poll_at INTEGER NOT NULL, state BLOB NOT NULL)
    WITHOUT ROWID;
CREATE INDEX feed_due ON feed(next_poll_at) WHERE subscribed;

CREATE TABLE known(item_version_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE landed(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, leased_until INTEGER NOT NULL, item_version BLOB NOT NULL);
CREATE INDEX landed_due ON landed(leased_until);

CREATE TABLE claim(fingerprint BLOB PRIMARY KEY, story_id TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE story(id INTEGER PRIMARY KEY, story_id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, read_story BLOB NOT NULL);
{SEARCH}

CREATE TABLE hit(id TEXT PRIMARY KEY, found_at INTEGER NOT NULL, hit BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX hit_found_at ON hit(found_at);
CREATE TABLE alert(id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, alert BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX alert_created_at ON alert(created_at);
CREATE TABLE delivery(id TEXT PRIMARY KEY, alert_id TEXT NOT NULL, webhook TEXT NOT NULL, due_at INTEGER, delivery BLOB NOT NULL)
    WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery(due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_alert ON delivery(alert_id);

CREATE TABLE dead_letter(id TEXT PRIMARY KEY, at INTEGER NOT NULL, letter BLOB NOT NULL) WITHOUT ROWID;
"""


def microseconds(moment: datetime) -> int:
    """A moment as whole microseconds since 1970, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The moment that `microseconds` was given."""
    return _EPOCH + timedelta(microseconds=value)


class Database:
    """One SQLite file. `reading` and `writing` give this thread's connection; nothing else touches it.

    The connection is typed `Any`: what a column holds is the schema's to say, and apsw types every value as a union.
    """

    def __init__(self, path: Path, *, migrating: bool = False) -> None:
        """Open or create the file. Raises `ConfigError` where it cannot be, or is another version's; `migrating` opens an older."""
        self.path = path
        self._threads = threading.local()
        self._connections: list[apsw.Connection] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self.writing() as connection:
                self._prepare(connection, migrating=migrating)
        except (OSError, apsw.CantOpenError, apsw.NotADBError) as error:
            raise ConfigError(
                f"store: cannot open the database {path}: {error}. Give a path that can be written: store: sqlite:///PATH"
            ) from None
        except apsw.ReadOnlyError:
            raise ConfigError(
                f"store: {path} cannot be written. Run as the user whose file it is, or copy it somewhere that can be written"
            ) from None

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """This thread's connection; outside a transaction each statement sees the newest committed state."""
        with _our_words(self.path):
            yield self._connection()

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """This thread's connection in a write transaction, committed on leaving, rolled back by an exception.

        The threads of this process take turns; SQLite has only a busy wait for them, with naps.
        """
        with self._turn, _our_words(self.path):
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._threads = threading.local()

    def _connection(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = apsw.Connection(str(self.path))
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            for pragma in ("page_size=16384", "journal_mode=WAL", "synchronous=NORMAL", "cache_size=-8192"):
                # A pragma that answers a row must be read to its end, or the next statement waits for it.
                connection.execute(f"PRAGMA {pragma}").fetchall()
            connection.execute("PRAGMA wal_autocheckpoint=4000").fetchall()
            with self._lock:
                self._connections.append(connection)
        return connection

    def _prepare(self, connection: Any, *, migrating: bool) -> None:
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        ((application,),) = connection.execute("PRAGMA application_id").fetchall()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if application not in (0, APPLICATION_ID) or (tables and not tables >= {"feed", "landed", "story"}):
            raise ConfigError(f"store: {self.path} is another program's database. Give it a file of its own: store: sqlite:///PATH")
        if version > SCHEMA_VERSION:
            raise ConfigError(
                f"store: {self.path} was written by a newer Wirewatch (schema {version}, this one knows {SCHEMA_VERSION}). "
                "Update Wirewatch."
            )
        if 0 < version < SCHEMA_VERSION and not migrating:
            raise ConfigError(
                f"store: {self.path} was written by an earlier Wirewatch (schema {version}, this one's is {SCHEMA_VERSION}). "
                "Stop what uses it, and run: wirewatch store migrate"
            )
        if version == 0:
            connection.execute(_SCHEMA)
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute(SAME)
        connection.execute(EVENTS)
        if application == 0:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")


@contextmanager
def _our_words(path: Path) -> Iterator[None]:
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise TransientError(f"{path} is locked by another process: {error}") from error
    except (apsw.FullError, apsw.IOError) as error:
        raise TransientError(f"{path} cannot be written now: {error}. Is the disk full?") from error
    except apsw.CorruptError as error:
        raise WirewatchError(f"{path} is damaged: {error}. Restore it from a backup, or move it away to start afresh.") from error
