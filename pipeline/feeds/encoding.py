"""The bytes of a document as text, whatever they are said to be. No I/O."""

from __future__ import annotations

import codecs
import re

from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom

_WIDE = {
    b"\1\0\0\0": "utf-32-le",
    b"\0\0\0\1": "utf-32-be",
    b"\1\0\1\0": "utf-16-le",
    b"\0\1\0\1": "utf-16-be",
}
"""Which of the first four bytes are not zero, where a document begins with two ASCII characters (XML 1.0, appendix F)."""

_OF_TEXT = re.compile(r"utf-8|cp\d+|iso8859|iso2022|koi8|gb|big5|euc|shift|mac|johab|hz|kz1048|ptcp154|tis|ascii")
"""Codecs that publishers use. Of Python's others some take quadratic time (punycode, idna), some run escapes."""
_OF_ASCII_BYTES = re.compile(r"iso2022|hz")
_ONE_BYTE = re.compile(r"cp1?\d\d\d$|cp125\d|iso8859|koi8|mac|kz1048|ptcp154|tis|ascii")

_KEEP_BYTE = "wirewatch.windows-1252"


def decoded(body: bytes, content_type: str | None) -> tuple[str, str | None]:
    """`body` as text, and what was odd about its encoding, in words. Never raises; linear.

    A byte order mark decides, and zero bytes betray UTF-16 and UTF-32. What is valid UTF-8 is UTF-8, whatever it is declared to be:
    no other encoding looks like it by chance. Else the document's own declaration goes before the server's. Bytes that are wrong in
    UTF-8 are read as windows-1252, where they nearly always come from.
    """
    encoding, mark = read_bom(body)
    if encoding and mark:
        return _forced(body[len(mark) :], encoding)
    if wide := _WIDE.get(bytes(map(bool, body[:4]))):
        return _forced(body, wide)
    declared = _declared(body, content_type)
    if body.isascii():
        return next((_forced(body, name) for name in declared if _OF_ASCII_BYTES.match(name)), (body.decode("ascii"), None))
    for name in ("utf-8", *declared):
        if (text := _strictly(body, name)) is not None:
            return text, _mismatch(name, declared)
    return _forced(body, next((name for name in declared if not _ONE_BYTE.match(name)), "utf-8"))


def _declared(body: bytes, content_type: str | None) -> list[str]:
    names = (html_body_declared_encoding(body), http_content_type_encoding((content_type or "")[:500]))
    return [name for name in names if name and _OF_TEXT.match(name)]


def _strictly(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except ValueError:
        return None


def _forced(body: bytes, encoding: str) -> tuple[str, str | None]:
    text = _strictly(body, encoding)
    if text is not None:
        return text, None
    return body.decode(encoding, _KEEP_BYTE if encoding == "utf-8" else "replace"), f"some bytes are not valid {encoding}"


def _mismatch(found: str, declared: list[str]) -> str | None:
    """Words for a document that is not in the first encoding it was declared to be in."""
    said = declared[0] if declared else "utf-8"
    return None if found == said else f"declared as {said}, read as {found}"


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_KEEP_BYTE, _as_windows_1252)
