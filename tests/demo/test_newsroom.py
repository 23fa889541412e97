import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from http.client import RemoteDisconnected

import feedparser
import pytest

from pipeline.demo.newsroom import Newsroom
from pipeline.demo.programme import Programme, programme

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROGRAMME = programme()
QUIET = PROGRAMME._replace(mishaps=())


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Reader:
    """A newsroom at a clock's mercy, read over loopback."""

    def __init__(self, programme: Programme, *, hold_s: float = 0.2) -> None:
        self.clock = Clock()
        self.newsroom = Newsroom(programme, now=NOW, clock=self.clock, hold_s=hold_s)

    def url(self, path: str) -> str:
        return next(url for url, _ in self.newsroom.feeds() if url.endswith(path))

    def get(self, path: str, at_s: float, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of a feed at a moment."""
        self.clock.seconds = at_s
        request = urllib.request.Request(self.url(path), headers={name.replace("_", "-"): value for name, value in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status, lowered(response.headers), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, lowered(error.headers), error.read()

    def titles(self, path: str, at_s: float) -> list[str]:
        return [entry.get("title", "") for entry in feedparser.parse(self.get(path, at_s)[2]).entries]


def lowered(headers: Message) -> dict[str, str]:
    """Headers by their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


@pytest.fixture
def quiet() -> Iterator[Reader]:
    """A newsroom without mishaps."""
    reader = Reader(QUIET)
    with reader.newsroom:
        yield reader


@pytest.fixture
def unlucky() -> Iterator[Reader]:
    """The newsroom as the demo has it."""
    reader = Reader(PROGRAMME)
    with reader.newsroom:
        yield reader


def test_stories_come_out_by_the_timetable(quiet: Reader):
    """A story is not there before its time, and from then on it is."""
    assert quiet.titles("/index.rdf", 3.9) == []
    assert quiet.titles("/index.rdf", 4.0) == ["Musk kept in touch with Putin for two years, report says"]


def test_an_edit_replaces_the_words_and_moves_up(quiet: Reader):
    """A story has one entry, in its newest wording, and the newest wording stands first."""
    assert quiet.titles("/markets.atom", 29)[-2:] == [
        "Hospitals and schools asked about their power contracts",
        "Calder Energy lifts its dividend after a windy winter",
    ]
    assert quiet.titles("/markets.atom", 30)[0] == "Four thousand calls to be played back in review of power contracts"


def test_a_cross_posted_story_is_one_item_under_two_addresses(quiet: Reader):
    """In the second feed of an outlet a story has the same guid and a link with a tracker."""
    entries = feedparser.parse(quiet.get("/world.xml", 15)[2]).entries
    world = next(entry for entry in entries if entry.get("title") == "Fishing fleets test a backup for cut cables")
    technology = feedparser.parse(quiet.get("/technology.xml", 15)[2]).entries[0]
    assert world.id == technology.id
    assert technology.link == f"{world.link}?utm_source=rss&utm_medium=technology"


@pytest.mark.parametrize("header", ["etag", "last-modified"])
def test_what_did_not_change_is_not_sent_again(quiet: Reader, header: str):
    """A reader who says what it has is answered 304 until something changes."""
    _, headers, _ = quiet.get("/index.rdf", 10)
    asks = {"If_None_Match": headers["etag"]} if header == "etag" else {"If_Modified_Since": headers["last-modified"]}
    assert quiet.get("/index.rdf", 15, **asks)[0] == 304
    assert quiet.get("/index.rdf", 16, **asks)[0] == 200


def test_the_etag_decides_where_both_are_sent(quiet: Reader):
    """If-None-Match goes before If-Modified-Since (RFC 9110 §13.2.2)."""
    assert quiet.get("/index.rdf", 10, If_None_Match='"other"', If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT")[0] == 200


def test_one_outlet_knows_nothing_of_validators(quiet: Reader):
    """Its reader has to see for itself whether the bytes are the same, and they are."""
    _, headers, body = quiet.get("/rss.xml", 10)
    assert not {"etag", "last-modified"} & set(headers)
    assert quiet.get("/rss.xml", 12)[2] == body


def test_one_outlet_says_it_sends_html(quiet: Reader):
    """The wrong content type does not keep the document from being RSS."""
    _, headers, body = quiet.get("/index.rdf", 10)
    assert headers["content-type"].startswith("text/html")
    assert feedparser.parse(body).version == "rss10"


def test_the_hostile_story_is_as_hostile_as_promised(quiet: Reader):
    """Script, terminal codes, bidirectional overrides and markup of ours stand in a title, script in a body."""
    item = json.loads(quiet.get("/feed.json", 30)[2])["items"][0]
    assert all(part in item["title"] for part in ("<script>", "\x1b[31m", "\u202e", "[bold red]"))
    assert "document.cookie" in item["content_html"]


def test_dates_never_lie_in_the_future():
    """At any speed the last date is that of the moment it comes out."""
    room = Newsroom(QUIET, now=NOW, speed=20, clock=(clock := Clock()))
    with room:
        clock.seconds = QUIET.length_s / 20
        with urllib.request.urlopen(next(url for url, _ in room.feeds() if url.endswith(".rdf")), timeout=5) as response:
            newest = feedparser.parse(response.read()).entries[0].updated_parsed
    assert datetime(*newest[:6], tzinfo=UTC).timestamp() <= NOW.timestamp() + clock.seconds


def test_each_mishap_happens_once(unlucky: Reader):
    """A poll meets 500, half a document, an undeclared entity, a page or nothing at all, and the next one meets the feed."""
    assert unlucky.get("/feed.atom", 8)[0] == 500
    assert unlucky.get("/feed.atom", 8)[0] == 200
    whole = len(feedparser.parse(unlucky.get("/world.xml", 16)[2]).entries)
    half = feedparser.parse(unlucky.get("/world.xml", 17)[2])
    assert half.bozo
    assert len(half.entries) < whole
    assert len(unlucky.titles("/world.xml", 17)) == whole
    with pytest.raises(RemoteDisconnected):
        unlucky.get("/markets.atom", 21)
    assert unlucky.get("/markets.atom", 21)[0] == 200
    assert b"&nosuchthing;" in unlucky.get("/rss.xml", 27)[2]
    assert b"&nosuchthing;" not in unlucky.get("/rss.xml", 27)[2]
    assert b"<!doctype html>" in unlucky.get("/feed.json", 33)[2]
    assert json.loads(unlucky.get("/feed.json", 33)[2])["items"]


def test_a_mishap_sends_no_validators(unlucky: Reader):
    """A reader of half a document must not be told later that it has the whole one."""
    _, headers, _ = unlucky.get("/world.xml", 17)
    assert not {"etag", "last-modified"} & set(headers)


def test_closing_does_not_wait_for_who_hangs():
    """A newsroom closes though a request is held for a minute."""
    reader = Reader(PROGRAMME, hold_s=60)
    reader.newsroom.start()
    reader.clock.seconds = 21
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(reader.url("/markets.atom"), timeout=0.2)
    reader.newsroom.stop()
    reader.newsroom.stop()
    assert "newsroom" not in {thread.name for thread in threading.enumerate()}


def test_an_unknown_feed_is_not_found(quiet: Reader):
    """There is nothing else to read, a path least of all."""
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(quiet.url("/index.rdf") + "x", timeout=5)


def test_it_is_over_when_the_last_thing_is_out(quiet: Reader):
    """The end of the programme is the end of its timetable."""
    quiet.clock.seconds = QUIET.length_s - 0.1
    assert not quiet.newsroom.is_over
    quiet.clock.seconds = QUIET.length_s
    assert quiet.newsroom.is_over
