"""The files of a backfill: which there are on this disk, and what is in one wherever it is, piece by piece. No Beam, no store."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
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


def printable(path: Path | str) -> str:
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
    """What is in the file at `path`, as `pieces` has it."""
    return pieces(lambda: path.open("rb"), printable(path), now, tells=tells)


def pieces(
    opened: Callable[[], IO[bytes]], name: str, now: datetime, *, tells: bool, start: int = 0, end: int | None = None
) -> Iterator[ItemVersion | Refused]:
    """The item versions in a file, in order, each sighted a microsecond after the one before from `now` on (aware UTC).

    `opened` gives the file's bytes as they are kept, `name` is what it is called: `.jsonl` and `.ndjson` hold a story a line, other
    files a feed document; either may be gzipped. Of lines that are not gzipped, those that begin from byte `start` to before `end`:
    files that are read in parts are read whole, whatever the parts.
    """
    try:
        with opened() as raw, _unpacked(raw, name) as file:
            if is_lines(name):
                yield from _from_lines(file, name, now, tells, start, end)
            else:
                yield from _from_document(file.read(LARGEST_DOCUMENT + 1), name, now, tells)
    except (OSError, EOFError, zlib.error) as error:
        yield Refused("document", name, _unreadable(error), b"")


def is_lines(name: str) -> bool:
    """Whether a file of this name holds a story a line."""
    return name.lower().removesuffix(".gz").endswith(_LINES)


def is_packed(name: str) -> bool:
    """Whether a file of this name is gzipped."""
    return name.lower().endswith(".gz")


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


def _from_lines(
    file: IO[bytes], name: str, now: datetime, tells: bool, start: int, end: int | None
) -> Iterator[ItemVersion | Refused]:
    at = _first_line_from(file, start)
    number = 0
    while (end is None or at < end) and (line := file.readline(LONGEST_LINE + 1)):
        number += 1
        # The number of a line is not known to whoever reads from the middle.
        about = f"{name}:{number}" if (start, end) == (0, None) else f"{name}:byte {at}"
        at += len(line)
        if len(line) > LONGEST_LINE:
            yield Refused("line", about, f"longer than {LONGEST_LINE:,} bytes", b"")
            at += _skipped_line(file, line)
        elif line.strip():
            try:
                yield from_line(line, name, now + timedelta(microseconds=number), tells=tells)
            except BadElement as error:
                yield Refused("line", about, str(error), line)


def _first_line_from(file: IO[bytes], start: int) -> int:
    """Where the first line begins that does not begin before `start`; the file is left there."""
    if start == 0:
        return 0
    file.seek(start - 1)
    return start - 1 + _skipped_line(file, b"")


def _skipped_line(file: IO[bytes], line: bytes) -> int:
    """How many bytes were passed over to reach the end of a line of which `line` was read last."""
    skipped = 0
    while not line.endswith(b"\n") and (line := file.readline(LONGEST_LINE)):
        skipped += len(line)
    return skipped


def _from_document(body: bytes, name: str, now: datetime, tells: bool) -> Iterator[ItemVersion | Refused]:
    try:
        yield from from_document(body, name, now, tells=tells)
    except BadElement as error:
        yield Refused("document", name, str(error), body if len(body) <= LARGEST_DOCUMENT else b"")


def _unpacked(raw: IO[bytes], name: str) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if is_packed(name) else raw
