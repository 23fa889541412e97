"""Opening a database: ours, somebody else's, one that cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from itertools import takewhile
from pathlib import Path

import apsw
import pytest

from pipeline.errors import ConfigError
from pipeline.store.sqlite.database import APPLICATION_ID
from pipeline.store.sqlite.store import SqliteStore


def test_another_programs_database_is_left_alone(tmp_path: Path):
    """Its file gets no table of ours."""
    path = tmp_path / "places.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE places(id)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="another program's"):
        SqliteStore(path)
    assert path.read_bytes() == before or _tables(path) == {"places"}


def test_a_marked_file_of_another_program_is_left_alone(tmp_path: Path):
    """Even one without tables."""
    path = tmp_path / "x.db"
    apsw.Connection(str(path)).execute("PRAGMA application_id=1; PRAGMA user_version=0; CREATE TABLE t(a); DROP TABLE t")
    with pytest.raises(ConfigError, match="another program's"):
        SqliteStore(path)


def test_ours_is_marked(tmp_path: Path):
    """So that `file` and others can tell."""
    SqliteStore(tmp_path / "x.db").close()
    ((marked,),) = apsw.Connection(str(tmp_path / "x.db")).execute("PRAGMA application_id").fetchall()
    assert marked == APPLICATION_ID


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
def test_a_database_that_cannot_be_written_is_said(tmp_path: Path):
    """The path, and what helps."""
    SqliteStore(tmp_path / "x.db").close()
    for folder in takewhile(lambda each: each != Path(tempfile.gettempdir()), (tmp_path, *tmp_path.parents)):
        folder.chmod(0o755)
    script = (
        "import os, sys; from pathlib import Path; from pipeline.store.sqlite.store import SqliteStore\n"
        "os.setgid(65534); os.setuid(65534)\nSqliteStore(Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "x.db")], capture_output=True, text=True, timeout=60, check=False
    )
    assert "ConfigError" in done.stderr
    assert "cannot be written" in done.stderr


def _tables(path: Path) -> set[str]:
    rows = apsw.Connection(str(path)).execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows}
