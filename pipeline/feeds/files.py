"""The files of a backfill: which there are, and what is in them, piece by piece. The door to the disk; no Beam, no store."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Literal, NamedTuple, cast

from pipeline.errors import BadElement, ConfigError
from pipeline.feeds.document import parse
from pipeline.feeds.lines import read_line
from pipeline.feeds.poll import item_version_id
from pipeline.model import ItemVersion

LONGEST_LINE = 4_000_000
LARGEST_DOCUMENT = 20_000_000
_LINES = (".jsonl", ".ndjson")


class Refused(NamedTuple):
    """A line or document that cannot be read."""

    kind: Literal["line", "document"]
    about: str
    """File, and line where it is one of several."""
    error: str
    content: bytes


def found(paths: Sequence[Path]) -> list[Path]:
    """The files that `paths` name, folders searched to any depth, in order of path; hidden files are passed over.

    Raises `ConfigError` for a path that does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if file.is_file())
            files += sorted(file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts))
        elif path.exists():
            files.append(path)
        else:
            raise ConfigError(f"backfill: there is no file or folder {path}")
    return list(dict.fromkeys(files))


def read(path: Path, now: datetime, *, tells: bool) -> Iterator[ItemVersion | Refused]:
    """The item versions in a file, in order, each sighted a microsecond after the one before from `now` on (aware UTC).

    `.jsonl` and `.ndjson` hold a story a line, other files a feed document; either may be gzipped.
    """
    try:
        with _opened(path) as file:
            if _is_lines(path):
                yield from _from_lines(file, path, now, tells)
            else:
                yield from _from_document(file.read(LARGEST_DOCUMENT + 1), path, now, tells)
    except (OSError, EOFError) as error:
        yield Refused("document", str(path), f"cannot be read: {error}", b"")


def from_line(line: bytes, feed: str, now: datetime, *, tells: bool) -> ItemVersion:
    """The item version in a line. Raises `BadElement`."""
    said = read_line(line, feed)
    return ItemVersion(item_version_id(said.item), said.item, said.seen_at or now, tells)


def from_document(body: bytes, name: str, now: datetime, *, tells: bool) -> list[ItemVersion]:
    """The item versions in a document, of the feed that its site's address names, else `name`. Raises `BadElement`."""
    if len(body) > LARGEST_DOCUMENT:
        raise BadElement(f"larger than {LARGEST_DOCUMENT:,} bytes")
    document = parse(body, None, name)
    items = [item._replace(feed=document.link or name) for item in document.items]
    return [ItemVersion(item_version_id(item), item, now + timedelta(microseconds=n), tells) for n, item in enumerate(items)]


def _from_lines(file: IO[bytes], path: Path, now: datetime, tells: bool) -> Iterator[ItemVersion | Refused]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            yield Refused("line", f"{path}:{number}", f"longer than {LONGEST_LINE:,} bytes", line[:1000])
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE)
        elif line.strip():
            try:
                yield from_line(line, path.name, now + timedelta(microseconds=number), tells=tells)
            except BadElement as error:
                yield Refused("line", f"{path}:{number}", str(error), line)


def _from_document(body: bytes, path: Path, now: datetime, tells: bool) -> Iterator[ItemVersion | Refused]:
    try:
        yield from from_document(body, path.name, now, tells=tells)
    except BadElement as error:
        yield Refused("document", str(path), str(error), body[:LARGEST_DOCUMENT])


def _is_lines(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(_LINES)


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
