"""A worker that cannot load its model."""

from __future__ import annotations

from multiprocessing.connection import Connection

from pipeline.language.worker import Reads, serve


def _no_reader() -> Reads:
    raise OSError("no model named en")


def main(fd: int) -> None:
    with Connection(fd) as line:
        serve(line, _no_reader)
