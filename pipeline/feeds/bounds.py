"""What a document may cost, and how more than that is cut away. No I/O.

feedparser takes 15 us for an element, and time that grows with the square of the length of an author's address, of the number of
categories, of attributes and of the namespaces declared. What is cut here never reaches it.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.parsers import expat

from pipeline.errors import BadElement

MOST_ITEMS = 10_000
MOST_ELEMENTS = 100_000
"""About 1.5 s of feedparser: the largest of the captured feeds has 24,000."""
_LONGEST_TAG_NAME = 1_000
DEEPEST = 200
"""Elements within each other."""
_MOST_NAMESPACES = 200
_MOST_ATTRIBUTES = 50
"""Of one element."""
_MOST_CATEGORIES = 50
"""Of one item."""
_MOST_FEED_CATEGORIES = 1_000
_LONGEST_BASE = 2_000
_PEOPLE = ("author", "creator", "contributor", "managingeditor", "webmaster", "publisher", "owner")
_NO_ADDRESS = re.compile(rb"[\w.+-]{65}")
"""Before the @ of an address stand 64 characters at most (RFC 5321 §4.5.3.1.1)."""
_LONGEST_SPAN_BYTES = {
    **dict.fromkeys(_PEOPLE, 1_000),
    **dict.fromkeys(
        ("published", "pubdate", "issued", "updated", "modified", "lastbuilddate", "created", "date", "expirationdate"), 400
    ),
    **dict.fromkeys(("keywords", "tags", "category", "subject"), 2_000),
}
"""From the start tag to the end tag."""
_ITEMS = frozenset({"item", "entry"})
_CATEGORIES = frozenset({"category", "subject", "keywords", "tags"})
_START_TAG = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*+>""")


class _Element(NamedTuple):
    name: str
    start: int
    base_length: int
    """Characters of the bases and languages in force."""
    is_cut: bool


def bounded(xml: bytes) -> tuple[bytes, list[str]]:
    """Well-formed `xml` (UTF-8) without the elements that are too many, too deep or too long, and what was cut, in words.

    What is left is well-formed. Raises `BadElement` where it declares namespaces without end.
    """
    survey = _Survey(xml)
    survey.walk()
    pieces, at = [], 0
    for start, end in survey.cuts:
        pieces.append(xml[at:start])
        at = end
    kept = b"".join((*pieces, xml[at : survey.end], *survey.closing))
    return kept, [f"{what}: the rest was left out" for what in survey.reasons]


class _EnoughError(Exception):
    """The document is looked at no further."""


class _Survey:
    """A walk through a document that notes which spans of it go too far, and where it is enough."""

    def __init__(self, xml: bytes) -> None:
        self._xml = xml
        self.end = len(xml)
        """Where it is enough."""
        self.closing: list[bytes] = []
        """The tags that close what is open there."""
        self.cuts: list[tuple[int, int]] = []
        self.reasons: dict[str, None] = {}
        self._open: list[_Element] = []
        self._cut_depth = 0
        self._elements = self._items = self._categories = self._namespaces = 0
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartNamespaceDeclHandler = self._namespace

    def walk(self) -> None:
        """Once; then the parser is let go, which else would keep this, and the document, until the collector of cycles comes by."""
        try:
            self._parser.Parse(self._xml, True)
        except _EnoughError as enough:
            self.reasons[str(enough)] = None
            kept = self._open[: len(self._open) - self._cut_depth]
            if self._cut_depth:
                self.end = self._open[len(kept)].start
            self.closing = [b"</" + self._tag_name(element) + b">" for element in reversed(kept)]
        finally:
            del self._parser

    def _tag_name(self, element: _Element) -> bytes:
        """The name as it stands in the document, prefix and all."""
        return re.split(rb"[\s/>]", self._xml[element.start + 1 : element.start + _LONGEST_TAG_NAME], maxsplit=1)[0]

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        name = qualified.rpartition(" ")[2].lower()
        self._count(name)
        base_length = sum(len(value) for key, value in attributes.items() if key.endswith(("base", "lang")))
        base_length += self._open[-1].base_length if self._open else 0
        reason = None if self._cut_depth else self._excess(name, base_length, len(attributes))
        if reason:
            self.reasons[reason] = None
        if reason or self._cut_depth:
            self._cut_depth += 1
        self._open.append(_Element(name, self._parser.CurrentByteIndex, base_length, bool(reason)))

    def _count(self, name: str) -> None:
        self._elements += 1
        if name in _ITEMS:
            self._items += 1
            self._categories = 0
        elif name in _CATEGORIES:
            self._categories += 1
        self.end = self._parser.CurrentByteIndex
        if self._items > MOST_ITEMS:
            raise _EnoughError(f"more than {MOST_ITEMS:,} items")
        if self._elements > MOST_ELEMENTS:
            raise _EnoughError(f"more than {MOST_ELEMENTS:,} elements")
        self.end = len(self._xml)

    def _excess(self, name: str, base_length: int, attributes: int) -> str | None:
        """Why an element goes too far where it begins, in words; None where it does not."""
        if len(self._open) >= DEEPEST:
            return f"elements nested more than {DEEPEST} deep"
        most = _MOST_CATEGORIES if self._items else _MOST_FEED_CATEGORIES
        if name in _CATEGORIES and self._categories > most:
            return f"more than {most:,} categories in {'an item' if self._items else 'the feed'}"
        if attributes > _MOST_ATTRIBUTES:
            return f"more than {_MOST_ATTRIBUTES} attributes of an element"
        if base_length > _LONGEST_BASE:
            return f"bases or languages of more than {_LONGEST_BASE:,} characters"
        return None

    def _end(self, _qualified: str) -> None:
        element = self._open.pop()
        if self._cut_depth:
            self._cut_depth -= 1
        if element.is_cut:
            self._cut(element)
        elif not self._cut_depth and (longest := _LONGEST_SPAN_BYTES.get(element.name)) and self._is_too_long(element, longest):
            self.reasons[f"an element <{element.name}> too long to be one"] = None
            self._cut(element)

    def _is_too_long(self, element: _Element, longest: int) -> bool:
        end = self._parser.CurrentByteIndex
        if end - element.start > longest:
            return True
        return element.name in _PEOPLE and bool(_NO_ADDRESS.search(self._xml, element.start, end))

    def _cut(self, element: _Element) -> None:
        while self.cuts and self.cuts[-1][0] > element.start:
            self.cuts.pop()
        self.cuts.append((element.start, self._end_of(element)))

    def _end_of(self, element: _Element) -> int:
        start_tag = _START_TAG.match(self._xml, element.start)
        if start_tag and start_tag[0].endswith(b"/>"):
            return start_tag.end()
        return self._xml.index(b">", self._parser.CurrentByteIndex) + 1

    def _namespace(self, _prefix: str | None, _uri: str) -> None:
        self._namespaces += 1
        if self._namespaces > _MOST_NAMESPACES:
            raise BadElement(f"it declares more than {_MOST_NAMESPACES} namespaces: refused")
