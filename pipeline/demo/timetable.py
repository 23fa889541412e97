"""What stands in a feed of the newsroom at one moment. Pure.

`dated_from` is the date of second 0 of the programme: an article's dates are counted from it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.demo.formats import Entry, FeedPage
from pipeline.demo.programme import Article, Outlet, Placement, Programme


def page_at(programme: Programme, outlet: Outlet, feed: str, at_s: float, dated_from: datetime) -> FeedPage:
    """The page of `feed` as it stands at `at_s`, newest wording first; equal from one change to the next."""
    standing = [
        _entry(article, placement, outlet, at_s, dated_from)
        for article in programme.articles
        for placement in article.placements
        if article.outlet == outlet.key and placement.feed == feed and placement.at_s <= at_s
    ]
    entries = tuple(sorted(standing, key=lambda entry: entry.updated, reverse=True))
    updated = entries[0].updated if entries else dated_from
    return FeedPage(outlet.name, f"{outlet.site}/", updated, entries)


def _entry(article: Article, placement: Placement, outlet: Outlet, at_s: float, dated_from: datetime) -> Entry:
    wording = [wording for wording in article.wordings if wording.at_s <= at_s][-1]
    return Entry(
        guid=None if "guid" in article.lacks else f"{outlet.key}-{article.id}",
        url=None if "link" in article.lacks else article.url + _tracking(placement, outlet),
        title=None if "title" in article.lacks else wording.title,
        paragraphs=wording.paragraphs,
        html=article.html,
        published=dated_from + timedelta(seconds=article.wordings[0].at_s),
        updated=dated_from + timedelta(seconds=wording.at_s),
    )


def _tracking(placement: Placement, outlet: Outlet) -> str:
    """What outlets hang on the links of their lesser feeds; the story is the same without it."""
    if placement.feed == next(iter(outlet.feeds)):
        return ""
    return f"?utm_source=rss&utm_medium={placement.feed.partition('.')[0]}"
