"""The process that reads: started by `pool.py`, which speaks to it over a socket. It imports neither Beam nor the
caller's main module.

Orders are `Configure` or a batch of texts. It says first whether it is ready, then answers each batch with its readings, each in
msgpack, or failures; it ends when the other side does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple, Protocol

from pipeline.language.names import Watched
from pipeline.language.read import Reader, ReadFailure, Text
from pipeline.language.resources import NO_RESOURCES, Resources
from pipeline.memory import settle
from pipeline.model import Reading
from pipeline.store.codec import encode


class Configure(NamedTuple):
    """An order: read by these entities and with these resources from now on."""

    watched: tuple[Watched, ...]
    resources: Resources = NO_RESOURCES


class Ready(NamedTuple):
    """The first answer: why no story can be read here, or None."""

    problem: str | None = None


class Reads(Protocol):
    """What the process does its work with."""

    def configure(self, watched: Sequence[Watched], resources: Resources) -> None: ...
    def read(self, texts: Sequence[Text]) -> list[Reading | ReadFailure]: ...


def serve(line: Connection, make_reader: Callable[[], Reads]) -> None:
    """Answer the orders that come over `line` until it is closed."""
    try:
        reader = make_reader()
    except (OSError, ImportError, ValueError) as error:
        line.send(Ready(f"{type(error).__name__}: {error}"))
        return
    try:
        line.send(Ready())
        is_settled = False
        while True:
            order = line.recv()
            if isinstance(order, Configure):
                reader.configure(order.watched, order.resources)
            else:
                line.send([_packed(each) for each in reader.read(order)])
                if not is_settled:
                    # The first batch has loaded the tables that are read by.
                    settle()
                    is_settled = True
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _packed(result: Reading | ReadFailure) -> bytes | ReadFailure:
    """A reading in msgpack: pickling its many small tuples would take ten times as long."""
    try:
        return encode(result) if isinstance(result, Reading) else result
    except UnicodeEncodeError:
        return ReadFailure(result.version_id, "It holds half of a character (a lone surrogate).")


def main(fd: int) -> None:
    """Serve over the socket `fd`, reading by no entities at first."""
    with Connection(fd) as line:
        serve(line, lambda: Reader(()))
