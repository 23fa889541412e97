"""What an item is recognised by when it is sighted again: its guid, its address, its words. No I/O.

Two items that share a fingerprint are one story, but for a guid or an address that is used again: `edits.py` tells.
"""

from __future__ import annotations

from pipeline.model import Item, stable_id
from pipeline.store.words import words
from pipeline.stories.canonical_url import canonical, names_a_page, publisher

SHORTEST_CONTENT = 200
"""Code points of text that identify a story by themselves: "Live updates" and an empty summary stand under many."""


def source_of(item: Item) -> str:
    """The publisher: the registered domain of the item's address, else of its feed's; the feed's name where it has no address."""
    return (publisher(item.url) if item.url else None) or publisher(item.feed) or item.feed


def fingerprints(item: Item, title: str, text: str) -> tuple[str, ...]:
    """What identifies `item`, strongest first; at least one. `title` and `text` are cleaned.

    A guid that is an address counts for all publishers, any other within its publisher: "4711" is many stories. An address that
    is a site's front door identifies nothing.
    """
    source = source_of(item)
    names = list(dict.fromkeys((*_guid(item, source), *_url(item))))
    if len(text) >= SHORTEST_CONTENT or not names:
        names.append("content:" + stable_id("content", source, " ".join(words(title)), " ".join(words(text))))
    return tuple(names)


def _guid(item: Item, source: str) -> list[str]:
    guid = (item.guid or "").strip()
    address = canonical(guid)
    if not guid or (address and not names_a_page(address)):
        return []
    # Whether a feed gives an address as guid, as link or as both makes no difference.
    return [_of_address(address) if address else "guid:" + stable_id("guid", source, guid)]


def _url(item: Item) -> list[str]:
    address = canonical(item.url) if item.url else None
    return [_of_address(address)] if address and names_a_page(address) else []


def _of_address(address: str) -> str:
    return "url:" + stable_id("url", address)
