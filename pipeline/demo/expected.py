"""Which alerts the demo must bring, and whether it did: what the programme declares against what the receiver took. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.demo.programme import Article, Programme


class Expected(NamedTuple):
    """An alert that must arrive once: one watch on one happening."""

    watch: str
    story: str
    """The article that fires it, by its id in the programme."""
    urls: frozenset[str]
    """Where the happening can be read: the article, and other outlets' copies of it. The alert links to any one of them."""


class Arrival(NamedTuple):
    """An alert as the receiver took it, its signature verified."""

    webhook_id: str
    watch: str
    url: str | None


class Verdict(NamedTuple):
    """How what arrived compares with what was expected."""

    arrived: tuple[Expected, ...]
    missing: tuple[Expected, ...]
    unexpected: tuple[Arrival, ...]
    repeated: tuple[Expected, ...]
    """Those that came under more than one webhook-id."""

    @property
    def is_right(self) -> bool:
        """Whether everything arrived, once, and nothing else did."""
        return not (self.missing or self.unexpected or self.repeated)


def expected_alerts(programme: Programme) -> tuple[Expected, ...]:
    """Every alert that `programme` must bring, in order of its articles."""
    return tuple(
        Expected(watch, article.id, frozenset(_urls(article, programme)))
        for article in programme.articles
        for wording in article.wordings
        for watch in wording.fires
    )


def judge(expected: Sequence[Expected], arrivals: Sequence[Arrival]) -> Verdict:
    """Compare; the same webhook-id received again is one arrival (Standard Webhooks: the id is there to be deduplicated by)."""
    once = list({arrival.webhook_id: arrival for arrival in arrivals}.values())
    matches = [(arrival, _match(expected, arrival)) for arrival in once]
    counts = Counter(match for _, match in matches if match is not None)
    return Verdict(
        arrived=tuple(alert for alert in expected if counts[alert]),
        missing=tuple(alert for alert in expected if not counts[alert]),
        unexpected=tuple(arrival for arrival, match in matches if match is None),
        repeated=tuple(alert for alert in expected if counts[alert] > 1),
    )


def _match(expected: Sequence[Expected], arrival: Arrival) -> Expected | None:
    address = (arrival.url or "").partition("?")[0]
    return next((alert for alert in expected if alert.watch == arrival.watch and address in alert.urls), None)


def _urls(article: Article, programme: Programme) -> Iterator[str]:
    yield article.url
    yield from (copy.url for copy in programme.articles if copy.copy_of == article.id)
