"""The model's tuples in documents: what no query looks into is msgpack in base64; moments are whole microseconds."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pipeline.store.codec import compress, decode, encode, unpack

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encoded(value: Any) -> str:
    """A tuple as text."""
    return base64.b64encode(encode(value)).decode()


def decoded(text: str, kind: type[T]) -> T:
    """The tuple that `encoded` was given."""
    return decode(base64.b64decode(text), kind)


def packed(value: Any) -> str:
    """A tuple as compressed text."""
    return compressed(encode(value))


def compressed(content: bytes) -> str:
    """What `encode` made of a tuple as compressed text."""
    return base64.b64encode(compress(content)).decode()


def unpacked(text: str, kind: type[T]) -> T:
    """The tuple that `packed` was given."""
    return unpack(base64.b64decode(text), kind)


def microseconds(moment: datetime) -> int:
    """A moment as whole microseconds since 1970, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime:
    """The moment that `microseconds` was given."""
    return _EPOCH + timedelta(microseconds=value)
