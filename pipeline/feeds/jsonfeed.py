"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1). No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from pipeline.errors import BadElement
from pipeline.feeds.bounds import MOST_ITEMS
from pipeline.feeds.dates import read_date
from pipeline.feeds.items import Body, Draft

_VERSIONS = {"https://jsonfeed.org/version/1": "json10", "https://jsonfeed.org/version/1.1": "json11"}

Fields = Mapping[str, object]


class JsonFeed(NamedTuple):
    """A JSON Feed as it stands in the document."""

    format: str
    title: str
    link: str
    language: str
    drafts: tuple[Draft, ...]
    problems: tuple[str, ...]


def read_json(text: str) -> JsonFeed:
    """The feed in `text`; raises `BadElement` where it is not JSON, or JSON of another kind."""
    feed = _loaded(text)
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(feed, dict) or not isinstance(items, list):
        raise BadElement('it is JSON but not a JSON Feed (it has no list of "items"): check that the address is a feed\'s')
    version = str(feed.get("version", "")).rstrip("/").replace("http://", "https://", 1).replace("://www.", "://")
    problems = [] if version in _VERSIONS else ["no version of JSON Feed that is known: read as 1.1"]
    if len(items) > MOST_ITEMS:
        problems.append(f"more than {MOST_ITEMS:,} items: the rest was left out")
    entries = [item for item in items[:MOST_ITEMS] if isinstance(item, dict)]
    if strange := len(items[:MOST_ITEMS]) - len(entries):
        problems.append(f"{strange} of its items are no objects: left out")
    return JsonFeed(
        format=_VERSIONS.get(version, "json11"),
        title=_text(feed, "title"),
        link=_text(feed, "home_page_url"),
        language=_text(feed, "language"),
        drafts=tuple(_draft(entry, feed) for entry in entries),
        problems=tuple(problems),
    )


def _loaded(text: str) -> object:
    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        raise BadElement(
            f"it begins as JSON and is broken at line {error.lineno}, column {error.colno} ({error.msg}): tell its publisher"
        ) from error
    except (RecursionError, ValueError) as error:
        raise BadElement("it is JSON nested without end or with numbers without end: refused") from error


def _draft(entry: Fields, feed: Fields) -> Draft:
    return Draft(
        guid=_text(entry, "id"),
        urls=(_text(entry, "url"), _text(entry, "external_url"), _text(entry, "id")),
        title=Body(_text(entry, "title"), False),
        bodies=(
            Body(_text(entry, "content_html"), True),
            Body(_text(entry, "content_text"), False),
            Body(_text(entry, "summary"), False),
        ),
        published_at=read_date(_text(entry, "date_published")),
        updated_at=read_date(_text(entry, "date_modified")),
        language=_text(entry, "language") or _text(feed, "language"),
        authors=_authors(entry) or _authors(feed),
        categories=tuple(tag for tag in _list(entry, "tags") if isinstance(tag, str)),
    )


def _text(fields: Fields, name: str) -> str:
    """A field's text; a number is as good (ids often are), anything else is nothing."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def _list(fields: Fields, name: str) -> list[object]:
    value = fields.get(name)
    return value if isinstance(value, list) else []


def _authors(fields: Fields) -> tuple[str, ...]:
    """Names, from `authors` (1.1) or `author` (1.0)."""
    authors = [*_list(fields, "authors"), fields.get("author")]
    return tuple(filter(None, (_text(author, "name") for author in authors if isinstance(author, dict))))
