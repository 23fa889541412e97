"""How the model's tuples become bytes and come back: msgpack by position, so that a field may be added at a tuple's end.

`pack` and `unpack` add zstd, for what holds text. Nothing here knows which store keeps the bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
import zstandard

T = TypeVar("T")

_threads = threading.local()


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def encode(value: Any) -> bytes:
    """A model tuple as msgpack."""
    return msgspec.msgpack.encode(value)


def decode(data: bytes, kind: type[T]) -> T:
    """The tuple that `encode` was given. Raises `msgspec.ValidationError` where the bytes are of another kind."""
    decoder: Any = _decoder(cast(Hashable, kind))
    value: T = decoder.decode(data)
    return value


def pack(value: Any) -> bytes:
    """A model tuple as msgpack, compressed."""
    return compress(encode(value))


def compress(content: bytes) -> bytes:
    """What `encode` made of a tuple, compressed."""
    return _zstd()[0].compress(content)


def unpack(data: bytes, kind: type[T]) -> T:
    """The tuple that `pack` was given."""
    return decode(_zstd()[1].decompress(data), kind)


def _zstd() -> tuple[zstandard.ZstdCompressor, zstandard.ZstdDecompressor]:
    """This thread's compressor and decompressor: zstandard's are not safe to share."""
    if not hasattr(_threads, "pair"):
        _threads.pair = (zstandard.ZstdCompressor(level=1), zstandard.ZstdDecompressor())
    pair: tuple[zstandard.ZstdCompressor, zstandard.ZstdDecompressor] = _threads.pair
    return pair
