"""A body as it was sent, decompressed within a limit. No I/O."""

from __future__ import annotations

import zlib

ACCEPTED = "gzip, deflate"
"""For Accept-Encoding. zlib can be stopped in the middle of a bomb; brotli and zstd, as Python has them, cannot everywhere."""

_GZIP = b"\x1f\x8b"
_WINDOW = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_CHUNK_BYTES = 1_000_000


class TooLargeError(ValueError):
    """There is more than the limit allows."""


class BrokenError(ValueError):
    """The compressed body is damaged or not complete; the text says how."""


def inflated(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """`body`, compressed as Content-Encoding `encoding` says, decompressed; as it is where that is empty or `identity`.

    Never makes more than `max_bytes` and a chunk. Raises `TooLargeError` and `BrokenError`. A body that is said to be compressed
    and is not is taken as it is: some servers do that.
    """
    coding = encoding.strip().lower()
    if coding in {"", "identity", "none", "utf-8"}:
        return body
    if coding not in _WINDOW:
        raise BrokenError(f"compressed in a way that was not asked for ({coding[:20]})")
    if coding == "deflate":
        return _deflated(body, max_bytes)
    return _unpacked(body, _WINDOW[coding], max_bytes) if body.startswith(_GZIP) else body


def _deflated(body: bytes, max_bytes: int) -> bytes:
    """RFC 9110 §8.4.1.2 means zlib's format by "deflate"; some servers send the bare stream."""
    is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _unpacked(body, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS, max_bytes)


def _unpacked(body: bytes, window: int, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size, rest = 0, body
    while rest:
        stream = zlib.decompressobj(window)
        while not stream.eof:
            try:
                piece = stream.decompress(rest, _CHUNK_BYTES)
            except zlib.error as error:
                raise BrokenError("its compression is damaged") from error
            rest = stream.unconsumed_tail
            size += len(piece)
            pieces.append(piece)
            if size > max_bytes:
                raise TooLargeError
            if not (piece or rest):
                break
        if not stream.eof:
            raise BrokenError("it broke off in the middle of its compression")
        # A gzip file may have several members (RFC 1952 §2.2); what follows and is none is padding.
        rest = stream.unused_data if stream.unused_data.startswith(_GZIP) else b""
    return b"".join(pieces)
