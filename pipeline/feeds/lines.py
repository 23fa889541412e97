"""A line of a backfill as an item: JSON with the keys that `export stories` writes. No I/O, no clock."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from pipeline.errors import BadElement
from pipeline.feeds.dates import read_date
from pipeline.model import Item

_Text = Annotated[str, msgspec.Meta(max_length=2_000_000)]


class _Line(msgspec.Struct):
    """What a line may say; other keys are passed over, so that an export can be read back."""

    title: _Text = ""
    text: _Text | None = None
    html: _Text | None = None
    url: _Text | None = None
    ref: _Text | None = None
    guid: _Text | None = None
    feed: _Text | None = None
    published_at: str | None = None
    updated_at: str | None = None
    seen_at: str | None = None
    first_seen_at: str | None = None
    """What an export calls it."""
    language: str | None = None


class LineItem(msgspec.Struct):
    """An item from a line, and when the line says it was sighted (aware UTC), where it says so."""

    item: Item
    seen_at: datetime | None


_decoder = msgspec.json.Decoder(_Line)


def read_line(line: bytes, feed: str) -> LineItem:
    """The item in `line`, of `feed` where the line names none.

    Raises `BadElement` where the line is not a JSON object of a story, with what is wrong and where.
    """
    try:
        said = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise BadElement(f"not a story: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadElement(f"not JSON: {error}") from error
    if not (said.title or said.text or said.html or said.url):
        raise BadElement("not a story: it has none of title, text, html and url")
    item = Item(
        feed=said.feed or feed,
        guid=said.guid or None,
        url=said.url or None,
        title=said.title,
        content=said.html if said.html is not None and said.text is None else said.text or "",
        is_html=said.html is not None and said.text is None,
        published_at=_date(said.published_at, "published_at"),
        updated_at=_date(said.updated_at, "updated_at"),
        language=said.language,
        ref=said.ref,
    )
    return LineItem(item, _date(said.seen_at, "seen_at") or _date(said.first_seen_at, "first_seen_at"))


def _date(text: str | None, key: str) -> datetime | None:
    if not text:
        return None
    if date := read_date(text):
        return date
    raise BadElement(f"not a story: {key} is no date: {text[:60]!r}; write it as 2026-01-31T08:00:00Z")
