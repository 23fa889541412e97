"""Bodies as they were sent, decompressed within a limit."""

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.inflate import BrokenError, TooLargeError, inflated

BODY = b"<rss>" + b"a story " * 1_000 + b"</rss>"


def zipped(body: bytes) -> bytes:
    """`body` in gzip, the same at any time of day: it is part of a test's name."""
    return gzip.compress(body, mtime=0)


def bare(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


@pytest.mark.parametrize(
    ("sent", "encoding"),
    [
        (BODY, ""),
        (BODY, "identity"),
        (zipped(BODY), "gzip"),
        (zipped(BODY), " GZip "),
        (zipped(BODY), "x-gzip"),
        (zlib.compress(BODY), "deflate"),
        (bare(BODY), "deflate"),
        (zipped(BODY[:100]) + zipped(BODY[100:]), "gzip"),
        (zipped(BODY) + b"\0" * 100, "gzip"),
        (BODY, "gzip"),
    ],
)
def test_every_way_of_sending_gives_the_same_body(sent: bytes, encoding: str) -> None:
    """gzip in members and with padding, deflate in both meanings, and what is only said to be compressed."""
    assert inflated(sent, encoding, 10_000) == BODY


def test_a_bomb_is_stopped() -> None:
    """A gigabyte in a megabyte is not made."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(TooLargeError):
        inflated(bomb, "gzip", 1_000_000)


@pytest.mark.parametrize(
    ("sent", "encoding", "words"),
    [
        (zipped(BODY)[:-20], "gzip", "broke off"),
        (zipped(BODY)[:15] + b"\xff" * 50, "gzip", "damaged"),
        (BODY, "br", "not asked for"),
    ],
)
def test_a_broken_body_is_told_from_a_whole_one(sent: bytes, encoding: str, words: str) -> None:
    """Half a document is no document: the rest would be missed until the next change."""
    with pytest.raises(BrokenError, match=words):
        inflated(sent, encoding, 100_000)


@given(st.binary(max_size=100), st.sampled_from(["gzip", "deflate", "br", ""]))
def test_no_bytes_break_it(sent: bytes, encoding: str) -> None:
    """A body comes out, or one of the two errors."""
    with contextlib.suppress(BrokenError, TooLargeError):
        inflated(b"\x1f\x8b" + sent if encoding == "gzip" else sent, encoding, 1_000)
