"""A newsroom that publishes by the page, and what two services that read it made of it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.loopback import Feeds, rss
from pipeline.demo.receiver import Receiver
from pipeline.store.roles import Store

Article = tuple[str, str, str]
"""Address, title, text."""

PEOPLE = ("Elon Musk", "Vladimir Putin", "Angela Merkel", "Xi Jinping", "Donald Trump")
PLACES = ("Moscow", "Berlin", "Beijing", "Paris", "Brussels", "Ottawa", "Madrid")
SUBJECTS = ("the price of grain", "satellites over the Arctic", "a treaty on fishing", "the football cup", "new taxes on steel")


def article(feed: int, n: int) -> Article:
    """An article of its own, most of its words drawn by chance: none is anywhere near a copy of another."""
    rng = random.Random(1_000 * feed + n)
    a, b = PEOPLE[n % 5], PEOPLE[(n * 2 + feed + 1) % 5]
    sentences = "\n".join(" ".join(_word(rng) for _ in range(12)).capitalize() + "." for _ in range(8))
    opening = f"{a} spoke in {PLACES[(n + feed) % 7]} about {SUBJECTS[n % 5]} and said it was time."
    text = f"{opening} {b} answered the same evening.\n{sentences}"
    return f"https://outlet{feed}.example/{n}", f"{a} and {b} on {SUBJECTS[n % 5]}, part {n}", text


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(3))


def edited(before: Article) -> Article:
    """The same article in another wording, with somebody new in it."""
    address, title, text = before
    return address, f"{title} (updated)", f"{text} Later Emmanuel Macron joined Vladimir Putin in the talks."


def copied(before: Article, feed: int, n: int) -> Article:
    """Another outlet's near-verbatim copy."""
    _, title, text = before
    return f"https://outlet{feed}.example/copy-{n}", title, f"{text} Agencies contributed."


class Newsroom:
    """Feeds on loopback under two names of this host, with everything in them that was published so far."""

    def __init__(self, feeds: Feeds, count: int) -> None:
        self._feeds = feeds
        self.articles: list[dict[str, Article]] = [{} for _ in range(count)]
        self.publish({})

    @property
    def urls(self) -> list[str]:
        hosts = ("127.0.0.1", "localhost")
        return [self._feeds.url(f"/{feed}").replace("127.0.0.1", hosts[feed % 2]) for feed in range(len(self.articles))]

    def publish(self, fresh: Mapping[int, list[Article]]) -> None:
        """Put articles into feeds, over those of the same address."""
        for feed, articles in fresh.items():
            self.articles[feed] |= {each[0]: each for each in articles}
        for feed, held in enumerate(self.articles):
            self._feeds.bodies[f"/{feed}"] = rss(list(held.values()))

    @property
    def titles(self) -> dict[str, str]:
        """The present title of every address."""
        return {address: title for held in self.articles for address, title, _ in held.values()}


class Outcome(NamedTuple):
    """What a service made of the newsroom; what is told by the clock alone is left out."""

    stories: dict[str, Any]
    """By address: wordings in order, and all that was read in it. Ids begin with the second of the first sighting."""
    copies: set[frozenset[str]]
    """Addresses of one event."""
    duplicates: int
    hits: set[tuple[str, str]]
    """Watch and address."""
    alerts: set[tuple[str, frozenset[str]]]
    """Watch and the addresses of the event."""


def outcome(store: Store) -> Outcome:
    stories = list(store.stories.all())
    address = {each.story.id: each.story.url or "" for each in stories}
    events: dict[str, set[str]] = defaultdict(set)
    for each in stories:
        events[each.story.event_id].add(address[each.story.id])
    of = {event: frozenset(addresses) for event, addresses in events.items()}
    read = {
        each.story.url or "": (
            each.story.title,
            each.story.text,
            tuple(version.id for version in each.story.versions),
            each.reading._replace(version_id=""),
            each.watches,
        )
        for each in stories
    }
    return Outcome(
        read,
        set(of.values()),
        sum(each.story.duplicate_of is not None for each in stories),
        {(hit.watch, address[hit.story_id]) for hit in store.outbox.hits()},
        {(alert.watch, of.get(alert.event_id, frozenset({alert.event_id}))) for alert in store.outbox.alerts()},
    )


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Watch and alert of every message, repetitions under the same webhook-id left out."""
    return sorted((call.payload["data"]["watch"], call.id) for call in receiver.messages if call.payload)
