"""What a poll brought."""

import random
from datetime import UTC, datetime, timedelta

from pipeline.feeds.fetch import Fetched
from pipeline.feeds.poll import item_version_id, outcome, sighted
from pipeline.model import FeedState, Item, Poll

from .documents import ATOM10, RSS20

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://news.example/feed"
STATE = FeedState(URL, NOW)


def polled(fetched: Fetched, before: FeedState = STATE, now: datetime = NOW) -> Poll:
    return outcome(before, fetched, feed_url=URL, every=timedelta(minutes=5), now=now, rng=random.Random(1))


def document(text: str, body_hash: str = "aa") -> Fetched:
    return Fetched(status=200, body=text.encode(), body_hash=body_hash, etag='"1"', duration_s=0.5)


def item(**fields: object) -> Item:
    return Item(URL, "g", "https://news.example/1", "Title", "Words", False)._replace(**fields)


def test_a_document_brings_its_items_in_order() -> None:
    """A microsecond apart, with the state that goes with them."""
    poll = polled(document(RSS20))
    assert [version.item.title for version in poll.versions] == ["Storm & flood", "Second story"]
    assert [version.seen_at - NOW for version in poll.versions] == [timedelta(0), timedelta(microseconds=1)]
    assert (poll.state.etag, poll.state.body_hash, poll.state.last_changed_at, poll.state.error) == ('"1"', "aa", NOW, None)
    assert (poll.status, poll.duration_s) == (200, 0.5)


def test_items_belong_to_the_feed_that_was_subscribed() -> None:
    """Wherever redirects led."""
    poll = polled(document(ATOM10.replace("xml:base", "x"))._replace(final_url="https://mirror.example/a/"))
    assert {version.item.feed for version in poll.versions} == {URL}
    assert poll.versions[0].item.url == "https://mirror.example/a/storm"


def test_an_item_that_stands_twice_comes_once() -> None:
    """The first of them."""
    early, late = item(published_at=NOW), item(published_at=NOW + timedelta(days=1))
    assert [version.item for version in sighted([early, late, item(title="Other")], NOW)] == [early, item(title="Other")]


def test_dates_make_no_version_and_words_do() -> None:
    """A re-dated item is the same; a re-titled or corrected one, or one of another feed, is not."""
    same = {
        item_version_id(each)
        for each in (item(), item(published_at=NOW), item(updated_at=NOW), item(authors=("A",)), item(url=None))
    }
    assert len(same) == 1
    others = (item(), item(title="New"), item(content="New"), item(feed="other"), item(guid="h"))
    assert len({item_version_id(each) for each in others}) == len(others)


def test_without_a_guid_the_address_tells_items_apart() -> None:
    """And without an address, the title."""
    assert item_version_id(item(guid=None)) != item_version_id(item(guid=None, url="https://news.example/2"))
    assert item_version_id(item(guid=None, url=None)) == item_version_id(item(guid=None, url=None))


def test_nothing_new_brings_nothing() -> None:
    """A success all the same."""
    poll = polled(Fetched(status=304, etag='"1"', body_hash="aa"), STATE._replace(failures=2, error="no"))
    assert poll.versions == ()
    assert (poll.state.failures, poll.state.error, poll.state.last_success_at, poll.state.last_changed_at) == (0, None, NOW, None)


def test_a_failure_is_told_and_forgets_nothing() -> None:
    """The ETag of the last document stays."""
    poll = polled(Fetched(status=503, error="answered 503", retry_after_s=3600.0), STATE._replace(etag='"0"', body_hash="bb"))
    assert (poll.state.etag, poll.state.body_hash, poll.state.error, poll.state.failures) == ('"0"', "bb", "answered 503", 1)
    assert poll.state.next_poll_at >= NOW + timedelta(hours=1)


def test_a_document_that_cannot_be_read_is_a_failure_that_is_remembered() -> None:
    """It is told why; the same document again is not read, and no success."""
    first = polled(document("<!doctype html><html></html>", "cc"))
    assert "HTML page" in (first.state.error or "")
    assert first.versions == ()
    again = polled(Fetched(status=200, body_hash="cc"), first.state)
    assert (again.state.error, again.state.failures) == (first.state.error, 2)
    mended = polled(document(RSS20, "dd"), again.state)
    assert (mended.state.error, mended.state.failures, len(mended.versions)) == (None, 0, 2)


def test_what_was_odd_is_noted() -> None:
    """A recovered document brings its items and words about it."""
    poll = polled(document(RSS20[:-40]))
    assert len(poll.versions) == 2
    assert "repaired" in poll.notes[0]


def test_counting_is_the_stores() -> None:
    """Only the store knows which versions are new."""
    assert polled(document(RSS20), STATE._replace(items=5)).state.items == 5
