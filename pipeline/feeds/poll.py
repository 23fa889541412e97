"""What a poll brought, from what the server sent: parsed, told apart, dated, and the feed's next state. No I/O, no clock."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from pipeline.errors import BadElement
from pipeline.feeds.document import Document, parse
from pipeline.feeds.fetch import Fetched
from pipeline.feeds.schedule import CANNOT_BE_READ, Outcome, next_state, unreadable_words
from pipeline.model import FeedState, Item, ItemVersion, Poll, stable_id


def outcome(state: FeedState, fetched: Fetched, *, feed_url: str, every: timedelta, now: datetime, rng: random.Random) -> Poll:
    """The poll of `feed_url` that began in `state` and came to `fetched` at `now` (aware UTC).

    A document that cannot be read is a failure; its ETag and hash are kept, so that the same one is not read again. Raises nothing.
    """
    document, error = _read(state, fetched, feed_url)
    found = Outcome(
        error=error,
        is_changed=document is not None,
        is_answered=fetched.error is None,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        body_hash=fetched.body_hash,
        retry_after_s=fetched.retry_after_s,
    )
    return Poll(
        state=next_state(state, found, now=now, every=every, rng=rng),
        versions=sighted(document.items, now) if document else (),
        status=fetched.status,
        duration_s=fetched.duration_s,
        notes=document.problems if document else (),
    )


def sighted(items: Iterable[Item], seen_at: datetime) -> tuple[ItemVersion, ...]:
    """`items` as sighted at `seen_at` (aware UTC), each a microsecond after the one before; what stands twice comes once."""
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(item_version_id(item), item)
    return tuple(
        ItemVersion(name, item, seen_at + timedelta(microseconds=place)) for place, (name, item) in enumerate(first.items())
    )


def item_version_id(item: Item) -> str:
    """The id of these words in this feed. Dates are no part of it: an item that was only re-dated is the same version."""
    return stable_id("item", item.feed, item.guid or item.url or item.title, item.title, item.content)


def _read(state: FeedState, fetched: Fetched, feed_url: str) -> tuple[Document | None, str | None]:
    """The document, where there is a new one that can be read, and the error, where there is one."""
    if fetched.error:
        return None, fetched.error
    if fetched.body is None:
        return None, unreadable_words(state)
    try:
        return parse(fetched.body, fetched.content_type, feed_url, served_at=fetched.final_url), None
    except BadElement as error:
        return None, f"{CANNOT_BE_READ}{error}"
