"""The files of a backfill: what is found, and what is in them."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.feeds.files import LARGEST_DOCUMENT, LONGEST_LINE, Refused, found, printable, read
from pipeline.model import ItemVersion

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LINE = json.dumps({"guid": "1", "title": "A meeting", "text": "Words."}).encode() + b"\n"
RSS = b"<rss version='2.0'><channel><title>News</title><item><guid>1</guid><title>A meeting</title></item></channel></rss>"


def open_to_all(folder: Path) -> None:
    """Let everybody into `folder`, which pytest makes for its user alone."""
    for each in takewhile(lambda each: each != Path(tempfile.gettempdir()), (folder, *folder.parents)):
        each.chmod(0o755)


def pieces(path: Path) -> list[ItemVersion | Refused]:
    return list(read(path, NOW, tells=False))


@pytest.mark.parametrize("name", ["a.jsonl", "A.JSONL", "a.ndjson", "a.jsonl.gz", "A.NDJSON.GZ"])
def test_lines_are_known_by_their_name_in_any_case(tmp_path: Path, name: str):
    """A story a line, gzipped or not."""
    (tmp_path / name).write_bytes(gzip.compress(LINE) if name.lower().endswith(".gz") else LINE)
    (version,) = pieces(tmp_path / name)
    assert isinstance(version, ItemVersion)
    assert version.item.title == "A meeting"


@pytest.mark.parametrize("damaged", [b"\x1f\x8b\x08\x00" + b"\xff" * 40, gzip.compress(RSS, mtime=0)[:-12], b"no gzip"])
def test_a_damaged_archive_is_refused_and_stops_nothing(tmp_path: Path, damaged: bytes):
    """Whatever is wrong with its compression; there is nothing of it to be sent through again."""
    (tmp_path / "a.xml.gz").write_bytes(damaged)
    (refused,) = pieces(tmp_path / "a.xml.gz")
    assert isinstance(refused, Refused)
    assert refused.error.startswith("cannot be read")
    assert refused.content == b""


def test_what_is_too_large_to_keep_is_not_kept_in_part(tmp_path: Path):
    """A piece of a document would be imported as the whole."""
    (tmp_path / "a.xml").write_bytes(RSS + b" " * LARGEST_DOCUMENT)
    (tmp_path / "a.jsonl").write_bytes(b" " * (LONGEST_LINE + 5) + b"\n" + LINE)
    (document,) = pieces(tmp_path / "a.xml")
    line, version = pieces(tmp_path / "a.jsonl")
    assert [piece.content for piece in (document, line) if isinstance(piece, Refused)] == [b"", b""]
    assert isinstance(version, ItemVersion)


def test_archives_of_one_name_are_two_feeds(tmp_path: Path):
    """A guid means something within its feed only."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "feed.xml").write_bytes(RSS)
        (tmp_path / folder / "stories.jsonl").write_bytes(LINE)
    versions = [piece for path in found([tmp_path]).paths for piece in pieces(path)]
    assert len({version.id for version in versions if isinstance(version, ItemVersion)}) == 4


def test_a_file_is_the_same_from_wherever_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A second run in another folder lands nothing twice."""
    (tmp_path / "a.jsonl").write_bytes(LINE)
    monkeypatch.chdir(tmp_path)
    (path,) = found([tmp_path]).paths
    assert found([Path("a.jsonl")]).paths == found([Path()]).paths == (path,)


def test_a_name_may_be_any_bytes(tmp_path: Path):
    """It is shown as well as it can be."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jsonl"))
    path.write_bytes(LINE + b"no json\n")
    (file,) = found([tmp_path]).paths
    version, refused = pieces(file)
    assert isinstance(version, ItemVersion)
    assert isinstance(refused, Refused)
    assert refused.about == f"{printable(tmp_path)}/caf\ufffd.jsonl:2"
    version.item.feed.encode()


def test_hidden_files_and_what_is_no_file_are_passed_over(tmp_path: Path):
    """A pipe in a folder would keep everybody waiting."""
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.jsonl").write_bytes(LINE)
    (tmp_path / ".a.jsonl").write_bytes(LINE)
    assert found([tmp_path]).paths == ()


@pytest.mark.parametrize(
    ("name", "why"), [("pipe", "neither a file nor a folder"), ("none", "no file or folder"), ("x" * 300, "cannot be read")]
)
def test_a_path_that_cannot_be_read_is_an_error(tmp_path: Path, name: str, why: str):
    """It is named, with the reason."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=why):
        found([tmp_path / name])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
def test_a_folder_that_may_not_be_looked_into_is_said(tmp_path: Path):
    """What is in it is missing, and somebody has to know."""
    (tmp_path / "shut").mkdir(mode=0o700)
    (tmp_path / "a.jsonl").write_bytes(LINE)
    open_to_all(tmp_path)
    os.seteuid(65534)
    try:
        files = found([tmp_path])
    finally:
        os.seteuid(0)
    assert files.paths == (tmp_path / "a.jsonl",)
    assert [refused.about for refused in files.refused] == [str(tmp_path / "shut")]


def test_an_export_read_back_keeps_when_a_story_was_first_seen(tmp_path: Path):
    """`first_seen_at` is what an export calls it."""
    line = json.dumps({"title": "A meeting", "first_seen_at": "2026-01-02T03:04:05Z"}).encode()
    (tmp_path / "a.jsonl").write_bytes(line)
    (version,) = pieces(tmp_path / "a.jsonl")
    assert isinstance(version, ItemVersion)
    assert version.seen_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
