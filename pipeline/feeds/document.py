"""The bytes of a feed document as items, whatever its format. No I/O, no clock.

What is hostile or broken costs a bounded time and loses no more than it must. How an item becomes a story is not decided here.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from pipeline.errors import BadElement
from pipeline.feeds.encoding import decoded
from pipeline.feeds.items import Body, absolute, item_of, plain
from pipeline.feeds.jsonfeed import JsonFeed, read_json
from pipeline.feeds.xmlfeed import XmlFeed, read_xml
from pipeline.model import Item

_MOST_PROBLEMS = 20
_LONGEST_PROBLEM = 200
_MOST_INFLATED_BYTES = 32_000_000
_GZIP = b"\x1f\x8b"


class Document(NamedTuple):
    """A feed document as it was read."""

    format: str
    """As feedparser names them (`rss20`, `rss10`, `atom10`), `json10`, `json11`; `unknown` where it names none."""
    title: str
    link: str | None
    """The site's address, absolute."""
    language: str | None
    items: tuple[Item, ...]
    """In the order of the document."""
    problems: tuple[str, ...]
    """What was recovered and what was left out, in words."""


def parse(body: bytes, content_type: str | None, feed_url: str, *, served_at: str | None = None) -> Document:
    """The document in `body`, which was served as `content_type` for the feed `feed_url`.

    Relative addresses are resolved against `served_at`, where redirects led elsewhere. A wrong content type does no harm: the body
    itself tells the format. Raises `BadElement`, and nothing else, where nothing of a
    feed can be read; its text says what the body is and what to do.
    """
    address = served_at or feed_url
    text, oddity = decoded(_inflated(body), content_type)
    beginning = text[:1_000].lstrip("\ufeff \t\r\n\0")[:1]
    if not text.strip("\ufeff \t\r\n\0"):
        raise BadElement("it is empty: the server sent no document")
    feed = read_json(text.lstrip("\ufeff \t\r\n\0")) if beginning in {"{", "["} else read_xml(text, address)
    return _document(feed, feed_url, address, [oddity] if oddity else [])


def _document(feed: JsonFeed | XmlFeed, feed_url: str, address: str, problems: list[str]) -> Document:
    link = absolute(feed.link, address)
    # RSS does not say what its relative addresses are relative to: they are written for the site, and many feeds lie elsewhere.
    base = link if link and feed.format.startswith("rss") else address
    items = []
    problems += feed.problems
    for draft in feed.drafts:
        item, wrong = item_of(draft, feed_url, base)
        problems += wrong
        if item:
            items.append(item)
    language = plain(Body(feed.language, False), 35) or None
    return Document(feed.format, plain(Body(feed.title, True)), link, language, tuple(items), _told(problems))


def _told(problems: list[str]) -> tuple[str, ...]:
    """`problems` with how often each came up, as many and as long as a person reads."""
    counted: dict[str, int] = {}
    for problem in problems:
        counted[problem] = counted.get(problem, 0) + 1
    told = [(f"{problem} ({count} times)" if count > 1 else problem)[:_LONGEST_PROBLEM] for problem, count in counted.items()]
    if len(told) > _MOST_PROBLEMS:
        told = [*told[: _MOST_PROBLEMS - 1], f"and {len(told) - _MOST_PROBLEMS + 1} more"]
    return tuple(told)


def _inflated(body: bytes) -> bytes:
    """`body`, decompressed where it is a gzip file that was served as it lies on the disk."""
    if not body.startswith(_GZIP):
        return body
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        inflated = stream.decompress(body, _MOST_INFLATED_BYTES)
    except zlib.error as error:
        raise BadElement("it is a broken gzip file: tell its publisher") from error
    if stream.unconsumed_tail:
        raise BadElement(f"it is a gzip file of more than {_MOST_INFLATED_BYTES:,} bytes: refused")
    return inflated
