"""The feed formats of the newsroom: a page of entries in, the bytes of a feed document out. Pure.

RSS 2.0 (with and without content:encoded), RSS 1.0, Atom 1.0 (HTML and XHTML content), JSON Feed 1.1. Names of XML elements are
written with their usual prefix and declared at the root, so that the documents look as they do in the wild.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.sax.saxutils import escape

from pipeline.demo.programme import Format

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RSS1 = "http://purl.org/rss/1.0/"
_XHTML = "http://www.w3.org/1999/xhtml"


class Entry(NamedTuple):
    """An item of a feed before it is written in a format; what is None is left out."""

    guid: str | None
    url: str | None
    title: str | None
    paragraphs: tuple[str, ...]
    html: str
    """Markup behind the paragraphs; XHTML content goes without it."""
    published: datetime
    updated: datetime

    @property
    def body(self) -> str:
        """The text as HTML."""
        return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in self.paragraphs) + self.html


class FeedPage(NamedTuple):
    """A feed at one moment, newest entry first."""

    title: str
    home: str
    updated: datetime
    entries: tuple[Entry, ...]


def rss2(page: FeedPage) -> bytes:
    """RSS 2.0 with the whole text as the description."""
    root, channel = _rss2_channel(page)
    for entry in page.entries:
        SubElement(_rss2_item(channel, entry), "description").text = entry.body
    return _xml(root)


def rss2_full(page: FeedPage) -> bytes:
    """RSS 2.0 with the first paragraph as the description and the whole text in content:encoded."""
    root, channel = _rss2_channel(page)
    for entry in page.entries:
        item = _rss2_item(channel, entry)
        SubElement(item, "description").text = entry.paragraphs[0]
        SubElement(item, "content:encoded").text = entry.body
    return _xml(root)


def rss1(page: FeedPage) -> bytes:
    """RSS 1.0; an entry's only date is that of its newest wording."""
    root = Element("rdf:RDF", {"xmlns:rdf": _RDF, "xmlns": _RSS1, "xmlns:dc": _DC})
    channel = SubElement(root, "channel", {"rdf:about": page.home})
    _texts(channel, {"title": page.title, "link": page.home, "description": page.title, "dc:language": "en"})
    order = SubElement(SubElement(channel, "items"), "rdf:Seq")
    for entry in page.entries:
        about = entry.url or page.home
        SubElement(order, "rdf:li", {"rdf:resource": about})
        item = SubElement(root, "item", {"rdf:about": about})
        _texts(item, {"title": entry.title, "link": entry.url, "description": entry.body, "dc:date": entry.updated.isoformat()})
    return _xml(root)


def atom(page: FeedPage) -> bytes:
    """Atom 1.0 with HTML content."""
    root = _atom_root(page)
    for entry in page.entries:
        SubElement(_atom_entry(root, entry), "content", {"type": "html"}).text = entry.body
    return _xml(root)


def atom_xhtml(page: FeedPage) -> bytes:
    """Atom 1.0 with XHTML content."""
    root = _atom_root(page)
    for entry in page.entries:
        div = SubElement(SubElement(_atom_entry(root, entry), "content", {"type": "xhtml"}), "div", {"xmlns": _XHTML})
        for paragraph in entry.paragraphs:
            SubElement(div, "p").text = paragraph
    return _xml(root)


def jsonfeed(page: FeedPage) -> bytes:
    """JSON Feed 1.1."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": page.title,
        "home_page_url": page.home,
        "language": "en",
        "items": [_json_item(entry) for entry in page.entries],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


RENDERERS: Mapping[Format, Callable[[FeedPage], bytes]] = {
    "rss2": rss2,
    "rss2_full": rss2_full,
    "rss1": rss1,
    "atom": atom,
    "atom_xhtml": atom_xhtml,
    "jsonfeed": jsonfeed,
}

CONTENT_TYPES: Mapping[Format, str] = {
    "rss2": "application/rss+xml",
    "rss2_full": "application/rss+xml",
    "rss1": "application/rdf+xml",
    "atom": "application/atom+xml",
    "atom_xhtml": "application/atom+xml",
    "jsonfeed": "application/feed+json",
}


def _rss2_channel(page: FeedPage) -> tuple[Element, Element]:
    root = Element("rss", {"version": "2.0", "xmlns:atom": _ATOM, "xmlns:content": _CONTENT})
    channel = SubElement(root, "channel")
    _texts(channel, {"title": page.title, "link": page.home, "description": page.title, "language": "en"})
    SubElement(channel, "lastBuildDate").text = format_datetime(page.updated, usegmt=True)
    return root, channel


def _rss2_item(channel: Element, entry: Entry) -> Element:
    item = SubElement(channel, "item")
    _texts(item, {"title": entry.title, "link": entry.url})
    if entry.guid:
        SubElement(item, "guid", {"isPermaLink": "false"}).text = entry.guid
    SubElement(item, "pubDate").text = format_datetime(entry.published, usegmt=True)
    SubElement(item, "atom:updated").text = entry.updated.isoformat()
    return item


def _atom_root(page: FeedPage) -> Element:
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _texts(root, {"id": page.home, "title": page.title, "updated": page.updated.isoformat()})
    SubElement(root, "link", {"rel": "alternate", "href": page.home})
    SubElement(SubElement(root, "author"), "name").text = page.title
    return root


def _atom_entry(root: Element, entry: Entry) -> Element:
    element = SubElement(root, "entry")
    _texts(element, {"id": entry.guid, "title": entry.title})
    _texts(element, {"published": entry.published.isoformat(), "updated": entry.updated.isoformat()})
    if entry.url:
        SubElement(element, "link", {"rel": "alternate", "href": entry.url})
    return element


def _json_item(entry: Entry) -> dict[str, str]:
    item = {
        "id": entry.guid,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.body,
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
    }
    return {key: value for key, value in item.items() if value is not None}


def _texts(parent: Element, texts: Mapping[str, str | None]) -> None:
    for tag, text in texts.items():
        if text is not None:
            SubElement(parent, tag).text = text


def _xml(root: Element) -> bytes:
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document
