"""An older version's database is refused with the remedy, and brought up to date by it."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from pipeline.errors import ConfigError
from pipeline.search.language import query_of
from pipeline.store.search import SearchRequest
from pipeline.store.sqlite.database import SCHEMA_VERSION
from pipeline.store.sqlite.migrate import migrate
from pipeline.store.sqlite.store import SqliteStore
from tests.contract.told import NOW, STORIES

_FIRST_INDEX = """
DROP TABLE story_text; DROP TABLE word; DROP TABLE label; DROP TABLE facet;
CREATE VIRTUAL TABLE story_text USING fts5(title, body, tags, content='', contentless_delete=1, detail=full,
    tokenize='unicode61 remove_diacritics 2');
PRAGMA user_version=1;
"""


class Killed(Exception):
    """The process ended here."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database as the first version left it: the stories, and an index that this one does not read."""
    path = tmp_path / "old.db"
    store = SqliteStore(path)
    store.stories.put(STORIES)
    store.close()
    connection = apsw.Connection(str(path))
    connection.execute(_FIRST_INDEX)
    connection.close()
    return path


def test_an_older_database_is_refused_with_the_remedy(old: Path):
    """Nothing is searched in an index that means something else."""
    with pytest.raises(ConfigError, match="wirewatch store migrate"):
        SqliteStore(old)


def test_a_migrated_database_answers_as_a_new_one(old: Path):
    """Every story is found and counted; migrating again does nothing."""
    told: list[tuple[int, int]] = []
    assert migrate(old, lambda done, total: told.append((done, total))) == len(STORIES)
    assert told[-1] == (len(STORIES), len(STORIES))
    assert migrate(old) == 0
    store = SqliteStore(old)
    found = store.stories.search(SearchRequest(query_of("cafe OR lodz OR entity:ecb", NOW)))
    assert [each.read.story.id for each in found.found] == ["r", "d", "g"]
    assert store.stories.facets(query_of("*", NOW)).stories == len(STORIES)
    store.close()


def test_an_interrupted_migration_goes_on_where_it_was(old: Path):
    """Killed after a batch, it is refused until it is run to its end."""

    def killed(done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        migrate(old, killed)
    with pytest.raises(ConfigError, match="wirewatch store migrate"):
        SqliteStore(old)
    assert migrate(old) == len(STORIES)
    store = SqliteStore(old)
    assert store.stories.facets(query_of("musk", NOW)).stories == 5
    store.close()
    ((version,),) = apsw.Connection(str(old)).execute("PRAGMA user_version").fetchall()
    assert version == SCHEMA_VERSION
