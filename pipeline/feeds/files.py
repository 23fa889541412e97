"""The files of a backfill: which there are, and what is in them, piece by piece. The door to the disk; no Beam, no store."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
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
    """Empty where it was too large to be kept, or could not be read: the file itself has to be read again."""


class Files(NamedTuple):
    """What paths name."""

    paths: tuple[Path, ...]
    """Absolute, as two archives may hold files of one name."""
    refused: tuple[Refused, ...]
    """Folders that may not be looked into."""


def found(paths: Sequence[Path]) -> Files:
    """The files that `paths` name, folders searched to any depth, in order of path; hidden files are passed over.

    Raises `ConfigError` for a path that does not exist, cannot be read or is neither file nor folder.
    """
    files: list[Path] = []
    refused: list[Refused] = []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise ConfigError(f"backfill: there is no file or folder {printable(path)}") from None
        except OSError as error:
            raise ConfigError(f"backfill: {printable(path)} cannot be read: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            files += sorted(_inside(path.absolute(), refused))
        elif stat.S_ISREG(mode):
            files.append(path.absolute())
        else:
            raise ConfigError(f"backfill: {printable(path)} is neither a file nor a folder")
    return Files(tuple(dict.fromkeys(files)), tuple(refused))


def printable(path: Path) -> str:
    """A path as text: a file's name may be any bytes."""
    return os.fsencode(path).decode("utf-8", "replace")


def _inside(folder: Path, refused: list[Refused]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        refused.append(Refused("document", os.fsencode(error.filename).decode("utf-8", "replace"), _unreadable(error), b""))

    for here, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = (Path(here, name) for name in names if not name.startswith("."))
        yield from (file for file in shown if file.is_file())


def _unreadable(error: Exception) -> str:
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


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
    except (OSError, EOFError, zlib.error) as error:
        yield Refused("document", printable(path), _unreadable(error), b"")


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
            yield Refused("line", f"{printable(path)}:{number}", f"longer than {LONGEST_LINE:,} bytes", b"")
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE)
        elif line.strip():
            try:
                yield from_line(line, printable(path), now + timedelta(microseconds=number), tells=tells)
            except BadElement as error:
                yield Refused("line", f"{printable(path)}:{number}", str(error), line)


def _from_document(body: bytes, path: Path, now: datetime, tells: bool) -> Iterator[ItemVersion | Refused]:
    try:
        yield from from_document(body, printable(path), now, tells=tells)
    except BadElement as error:
        yield Refused("document", printable(path), str(error), body if len(body) <= LARGEST_DOCUMENT else b"")


def _is_lines(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(_LINES)


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")
