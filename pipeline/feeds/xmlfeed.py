"""RSS, Atom, RDF and CDF, as feedparser reads them. No I/O: what it is given is bytes in memory, and it never fetches.

Neither sanitised nor resolved here: what is kept becomes text later, and addresses are resolved as items are made.
"""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pipeline.errors import BadElement
from pipeline.feeds.bounds import bounded
from pipeline.feeds.dates import read_date
from pipeline.feeds.items import Body, Draft, absolute
from pipeline.feeds.wellformed import well_formed

_HEADERS = {"content-type": "application/xml; charset=utf-8"}
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_ROOT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
_HTML_PAGE = re.compile(r"(?:\s++|<\?[^>]*+>|(?><!--.*?-->))*+(?:<!doctype\s+html|<html)[\s>]", re.IGNORECASE | re.DOTALL)
_FEED_ROOT = re.compile(r"<(?:rss|feed|(?:rdf:)?RDF|channel)[\s>]")
_LINK_TAG = re.compile(r"<link\s([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(rel|type|href)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_FEED_TYPE = re.compile(r"application/(?:rss\+xml|atom\+xml|feed\+json)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_LARGEST_PAGE = 200_000
_MOST_NAMED = 3

_KINDS = {
    "opml": "an OPML list of feeds: subscribe to the feeds that it names",
    "urlset": "a sitemap, not a feed: look for the site's RSS or Atom address",
    "sitemapindex": "a sitemap, not a feed: look for the site's RSS or Atom address",
    "opensearchdescription": "a description of a search engine, not a feed",
    "kml": "a map (KML), not a feed",
    "svg": "a picture (SVG), not a feed",
}


class XmlFeed(NamedTuple):
    """A feed in XML as it stands in the document."""

    format: str
    title: str
    link: str
    language: str
    drafts: tuple[Draft, ...]
    problems: tuple[str, ...]


def read_xml(text: str, feed_url: str) -> XmlFeed:
    """The feed in `text`; raises `BadElement` where it is an HTML page, XML of another kind, or cannot be repaired."""
    if _HTML_PAGE.match(text) and not _FEED_ROOT.search(text):
        raise BadElement(_page_words(text, feed_url))
    xml, problems = well_formed(text)
    kept, cut = bounded(xml.encode("utf-8"))
    parsed = _parsed(kept)
    version = _text(parsed, "version")
    if not version and not parsed["entries"]:
        raise BadElement(_other_words(xml))
    feed = parsed["feed"]
    return XmlFeed(
        format=version or "unknown",
        title=_text(feed, "title"),
        link=_text(feed, "link"),
        language=_text(feed, "language"),
        drafts=tuple(_draft(entry, feed, version) for entry in parsed["entries"]),
        problems=(*problems, *cut),
    )


def _parsed(xml: bytes) -> dict[str, Any]:
    import feedparser

    try:
        parsed: dict[str, Any] = feedparser.parse(
            io.BytesIO(xml), response_headers=_HEADERS, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as error:
        raise BadElement(f"the parser of feeds failed on it ({type(error).__name__}): report it with the document") from error
    return parsed


def _draft(entry: dict[str, Any], feed: dict[str, Any], version: str) -> Draft:
    title = _dict(entry, "title_detail")
    published_at, updated_at = _date(entry, "published") or _date(entry, "created"), _date(entry, "updated")
    if not published_at and not version.startswith("atom"):
        # A lone dc:date, which feedparser calls an update: the date of publication.
        published_at, updated_at = updated_at, None
    return Draft(
        guid=_text(entry, "id"),
        urls=tuple(_addresses(entry)),
        title=Body(_text(title, "value") or _text(entry, "title"), _is_html(title)),
        bodies=tuple(_bodies(entry)),
        published_at=published_at,
        updated_at=updated_at,
        language=_language(entry) or _text(feed, "language"),
        authors=tuple(_authors(entry)),
        categories=tuple(_text(tag, "label") or _text(tag, "term") for tag in _dicts(entry, "tags")),
    )


def _addresses(entry: dict[str, Any]) -> Iterable[str]:
    """Where the item may be read, best first: what FeedBurner replaced, its link, other links, at last an enclosure."""
    yield _text(entry, "feedburner_origlink")
    link = _text(entry, "link")
    if link != _text(entry, "id") or _ABSOLUTE.match(link):
        # Many a guid passes for a permalink (RSS 2.0's default) and is a number.
        yield link
    links = _dicts(entry, "links")
    yield from (_text(link, "href") for link in links if _text(link, "rel") == "alternate")
    yield from (_text(link, "href") for link in links if _text(link, "rel") in {"related", "via", "enclosure"})


def _bodies(entry: dict[str, Any]) -> Iterable[Body]:
    for part in (*_dicts(entry, "content"), _dict(entry, "summary_detail")):
        if _text(part, "type").startswith("text/") or _is_html(part):
            yield Body(_text(part, "value"), _is_html(part))
    yield Body(_text(entry, "summary"), _is_html(_dict(entry, "summary_detail")))


def _language(entry: dict[str, Any]) -> str:
    parts = (*_dicts(entry, "content"), _dict(entry, "summary_detail"), _dict(entry, "title_detail"))
    return next(filter(None, (_text(part, "language") for part in parts)), "")


def _authors(entry: dict[str, Any]) -> Iterable[str]:
    """Names; an address only where there is no name."""
    named = [_text(author, "name") or _text(author, "email") for author in _dicts(entry, "authors")]
    return named if any(named) else [_text(entry, "author")]


def _date(entry: dict[str, Any], name: str) -> datetime | None:
    """A date of an entry: as we read it, else as feedparser does, who knows rarer styles."""
    if moment := read_date(_text(entry, name)):
        return moment
    parsed = dict.get(entry, f"{name}_parsed")
    if not parsed or not 1970 <= parsed[0] <= 2100:
        return None
    return datetime.fromtimestamp(calendar.timegm(parsed), tz=UTC)


# feedparser's dictionaries answer some keys with the values of others, with a warning: `dict.get` does not.


def _text(fields: dict[str, Any], name: str) -> str:
    value = dict.get(fields, name)
    return value if isinstance(value, str) else ""


def _dict(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = dict.get(fields, name)
    return value if isinstance(value, dict) else {}


def _dicts(fields: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = dict.get(fields, name)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _is_html(detail: dict[str, Any]) -> bool:
    return _text(detail, "type") in _HTML_TYPES


def _page_words(text: str, feed_url: str) -> str:
    """What to tell of an HTML page, with the feeds that it names (`<link rel=alternate>`, as browsers find them)."""
    named = list(dict.fromkeys(_feeds_of_page(text[:_LARGEST_PAGE], feed_url)))[:_MOST_NAMED]
    if named:
        return f"it is an HTML page, not a feed; the page names {' and '.join(named)}: use that address"
    return "it is an HTML page, not a feed (often an error or a consent page): open the address in a browser to see"


def _feeds_of_page(text: str, feed_url: str) -> Iterable[str]:
    for tag in _LINK_TAG.finditer(text):
        attributes = {name.lower(): double or single or bare for name, double, single, bare in _ATTRIBUTE.findall(tag[1])}
        is_feed = "alternate" in attributes.get("rel", "").lower() and _FEED_TYPE.match(attributes.get("type", ""))
        if is_feed and (url := absolute(attributes.get("href", ""), feed_url)):
            yield url


def _other_words(xml: str) -> str:
    """What to tell of XML in which no feed was found."""
    root = _ROOT.match(xml)
    name = root[1][:50] if root else "?"
    if name.lower() == "html":
        return "it is an HTML page, not a feed (often an error or a consent page): open the address in a browser to see"
    if kind := _KINDS.get(name.lower()):
        return f"it is {kind}"
    return f"it is XML but no feed that is known (its root element is <{name}>): check that the address is a feed's"
