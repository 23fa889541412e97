"""Where a backfill's files are: on this disk, or in object storage through Beam's file systems (`gs://`, `s3://`, …).

Beam brings the clients of a cloud as extras of its own; what is missing is said with the command that installs it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipeline.errors import ConfigError
from pipeline.feeds.files import Refused, found, printable


class _Extra(NamedTuple):
    """What Beam needs for a cloud: the name of the extra, and a module that it brings."""

    name: str
    module: str


_EXTRAS = {
    "gs": _Extra("gcp", "google.cloud.storage"),
    "s3": _Extra("aws", "boto3"),
    "azfs": _Extra("azure", "azure.storage.blob"),
    "hdfs": _Extra("hadoop", "hdfs"),
}
_PATTERN = frozenset("*?[")
_BUFFER_BYTES = 1 << 20


class Place(NamedTuple):
    """A file, wherever it is."""

    path: str
    """Absolute, or a URL."""
    size_bytes: int

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return printable(self.path)

    def open(self) -> IO[bytes]:
        """Its bytes as they are kept. Raises OSError, also while they are read."""
        return _opened_url(self.path) if is_url(self.path) else Path(self.path).open("rb")


class Places(NamedTuple):
    """What paths name."""

    places: tuple[Place, ...]
    refused: tuple[Refused, ...]
    """Folders that may not be looked into."""


def placed(paths: Sequence[Path | str]) -> Places:
    """The files that `paths` name, in order of path within each: files, folders searched to any depth, URLs and patterns of URLs.

    Hidden files are passed over. A URL is a file, a folder of files at any depth, or a pattern: `*` within a folder, `**` through
    all. Raises `ConfigError` for what does not exist or cannot be reached, with what has to be installed where that is why.
    """
    places: list[Place] = []
    refused: list[Refused] = []
    for path in paths:
        if is_url(str(path)):
            places += _found_at(str(path))
        else:
            here = found([Path(path)])
            places += [Place(os.fspath(each), _size(each)) for each in here.paths]
            refused += here.refused
    return Places(tuple(dict.fromkeys(places)), tuple(refused))


def is_url(path: str) -> bool:
    """Whether `path` names something in object storage."""
    return "://" in path


def _found_at(url: str) -> Iterator[Place]:
    """The files at `url`, in order. Raises `ConfigError`."""
    _check_scheme(url)
    fixed = next((url[:at] for at, char in enumerate(url) if char in _PATTERN), url)
    listed = [file for pattern in _patterns(url, fixed) for file in _listed(pattern, url)]
    shown = {file.path: file.size_in_bytes for file in listed if not _is_hidden(file.path, fixed)}
    if not shown:
        raise ConfigError(f"backfill: there is no file at {url}")
    return (Place(path, shown[path]) for path in sorted(shown))


def _patterns(url: str, fixed: str) -> list[str]:
    """What is looked for: the URL as a file and as a folder, where it is no pattern. A bucket is no file."""
    if fixed != url:
        return [url]
    bucket_only = "/" not in url.partition("://")[2].strip("/")
    return [*([] if bucket_only or url.endswith("/") else [url]), url.rstrip("/") + "/**"]


def _listed(pattern: str, url: str) -> Sequence[Any]:
    try:
        return cast(Sequence[Any], FileSystems.match([pattern])[0].metadata_list)
    except Exception as error:
        raise ConfigError(f"backfill: {url} cannot be listed: {_why(error)}") from error


def _check_scheme(url: str) -> None:
    """Raise `ConfigError` where nothing here reads such URLs."""
    scheme = url.partition("://")[0]
    if extra := _EXTRAS.get(scheme):
        try:
            import_module(extra.module)
        except ImportError:
            raise ConfigError(f"backfill: {url} needs the client of {scheme}://: pip install 'apache-beam[{extra.name}]'") from None
    try:
        FileSystems.get_filesystem(url)
    except ValueError as error:
        known = ", ".join(f"{each}://" for each in _EXTRAS)
        raise ConfigError(f"backfill: {url} is nothing that is read here: a path, or {known}") from error


def _is_hidden(path: str, below: str) -> bool:
    """Whether a file is none to be read: hidden, in a hidden folder below `below`, or the mark that tools leave for a folder."""
    return path.endswith("/") or any(part.startswith(".") for part in path[len(below) :].split("/"))


def _opened_url(url: str) -> IO[bytes]:
    try:
        kept = FileSystems.open(url, compression_type=CompressionTypes.UNCOMPRESSED)
    except Exception as error:
        raise OSError(_why(error)) from error
    return io.BufferedReader(_Kept(kept), _BUFFER_BYTES)


class _Kept(io.RawIOBase):
    """A file of object storage whose every error is an OSError."""

    def __init__(self, kept: Any) -> None:
        self._kept = kept

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._asked(partial(self._kept.read, len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._asked(partial(self._kept.seek, offset, whence))
        return self.tell()

    def tell(self) -> int:
        return int(self._asked(self._kept.tell))

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):
                self._asked(self._kept.close)
        super().close()

    @staticmethod
    def _asked(call: partial[Any] | Any) -> Any:
        try:
            return call()
        except OSError:
            raise
        except Exception as error:
            raise OSError(_why(error)) from error


def _why(error: BaseException) -> str:
    """An error in a line; Beam's own hide what they are about in tables of what was asked for."""
    while causes := [
        each for each in (getattr(error, "exception_details", None) or {}).values() if isinstance(each, BaseException)
    ]:
        error = causes[0]
    return " ".join((str(error) or type(error).__name__).split())[:300]


def _size(path: Path) -> int:
    """Bytes of a file; none of one that went away: reading it says so."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
