"""An item from what a feed says of it: cleaned, bounded, its address absolute. No I/O."""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from pipeline.model import Item

LONGEST_TITLE = 500
LONGEST_CONTENT = 2_000_000
"""Characters."""
_LONGEST_GUID = 2_000
_LONGEST_URL = 4_000
_LONGEST_NAME = 200
_MOST_NAMES = 50
_LONGEST_LANGUAGE = 35
"""RFC 5646 §4.4.1 asks for that many."""
_TITLE_WORDS = 12
_LONGEST_BEGINNING = 5_000

_NEVER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Controls, lone surrogates and what is no character."""
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"
    r"|(?<![\u0600-\u0dff])[\u200c\u200d]"
)
"""Controls, what has no width and what turns the direction; joiners except in the scripts that are written with them."""
# None of these looks further than the next angle bracket, or looks there twice: `<!--` a million times is no reason to stop.
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]*+>|<!\[CDATA\[|\]\]>", re.DOTALL)
_UNREAD = re.compile(r"<(script|style)\b[^<>]*+>.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*+>|<!--|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


class Body(NamedTuple):
    """A wording of an item that a feed gave, short or long."""

    text: str
    is_html: bool


class Draft(NamedTuple):
    """What a feed says of an item, as it says it."""

    guid: str = ""
    urls: tuple[str, ...] = ()
    """Absolute or not, best first."""
    title: Body = Body("", False)
    bodies: tuple[Body, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None
    language: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


def item_of(draft: Draft, feed_url: str, base: str) -> tuple[Item | None, list[str]]:
    """The item that `draft` describes, and what was wrong with it, in words; None where there is nothing to read or to follow.

    Relative addresses are resolved against `base`. An item without a title gets the first words of its content.
    """
    problems: list[str] = []
    url = next(filter(None, (absolute(address, base) for address in draft.urls)), None)
    title = plain(draft.title)
    body = _fullest(draft.bodies)
    content = _NEVER.sub("", body.text).strip()
    if len(content) > LONGEST_CONTENT:
        problems.append(f"an item's content of {len(content):,} characters: cut to {LONGEST_CONTENT:,}")
        content = content[:LONGEST_CONTENT]
    if not (title or content or url):
        return None, ["an item without title, content and link: left out"]
    item = Item(
        feed=feed_url,
        guid=_NEVER.sub("", draft.guid).strip()[:_LONGEST_GUID] or None,
        url=url,
        title=title or _first_words(content),
        content=content,
        is_html=body.is_html,
        published_at=draft.published_at,
        updated_at=draft.updated_at,
        language=plain(Body(draft.language, False))[:_LONGEST_LANGUAGE] or None,
        authors=_names(draft.authors),
        categories=_names(draft.categories),
    )
    return item, problems


def plain(body: Body, longest: int = LONGEST_TITLE) -> str:
    """`body` as one line of plain text of at most `longest` characters: no markup, no entities, nothing that cannot be seen."""
    text = body.text[: 20 * longest]
    if body.is_html:
        text = _TAG.sub(" " if "<br" in text.lower() else "", text)
    return _shortened(" ".join(_UNSEEN.sub("", html.unescape(text)).split()), longest)


def absolute(address: str, base: str) -> str | None:
    """`address` as an absolute http or https URL, resolved against `base`; None where it is none (`javascript:`, `data:`, …)."""
    address = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", address).strip()
    if not address or len(address) > _LONGEST_URL:
        return None
    try:
        url = urljoin(base, address)
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and has_host and len(url) <= _LONGEST_URL else None


def _fullest(bodies: tuple[Body, ...]) -> Body:
    """The longest of `bodies`; it counts as HTML only where it holds some, for as HTML plain text would lose its line breaks."""
    body = max(bodies, key=lambda body: len(body.text), default=Body("", False))
    return Body(body.text, body.is_html and bool(_MARKUP.search(body.text)))


def _first_words(content: str) -> str:
    """A title for want of one: the words with which `content` begins."""
    beginning = _TAG.sub(" ", _UNREAD.sub(" ", content[:_LONGEST_BEGINNING]))
    words = plain(Body(beginning, False)).split()
    return " ".join(words[:_TITLE_WORDS]) + ("…" if len(words) > _TITLE_WORDS else "")


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names in one line each, every one once, in order."""
    clean = (plain(Body(name, True), _LONGEST_NAME) for name in names[:_MOST_NAMES])
    return tuple(dict.fromkeys(name for name in clean if name))


def _shortened(text: str, longest: int) -> str:
    """`text` up to the last whole word that fits, and an ellipsis where something is missing."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    return (kept.rpartition(" ")[0] or kept) + "…"
