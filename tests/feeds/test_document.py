"""Documents in every format, well made, badly made and hostile."""

import contextlib
import gzip
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadElement
from pipeline.feeds.document import Document, parse

from .documents import ALL, ATOM10, JSON11, RSS20

FEED = "https://feeds.example/example?id=1"
PATCHES = [
    *(b"", b"<", b">", b"&", b"\x00", b"\xff\xfe", b'"', b"{", b"[", b"\\ud800", b"null", b"&#0;", b"<![CDATA[", b"]]>", b"<!--"),
    *(
        b"<item>",
        b"</item>",
        b"<link>",
        b"</link>",
        b"<title>",
        b"</title>",
        b"<source>",
        b"<category>",
        b"<image>",
        b"<svg>",
        b"<a:b>",
    ),
    *(b"<textInput>", b"<media:group>", b"<enclosure/>", b"<itunes:owner>", b"<georss:point>"),
]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def read(text: str, content_type: str | None = None) -> Document:
    return parse(text.encode(), content_type, FEED)


def channel(items: str) -> str:
    return f"<rss version='2.0'><channel><title>t</title><link>https://news.example/</link>{items}</channel></rss>"


@pytest.mark.parametrize("name", ALL)
def test_every_format_tells_the_same_stories(name: str) -> None:
    """Title, address, dates, author, category, language and the fullest body, whatever the format."""
    document = read(ALL[name])
    assert (document.format, document.title, document.link, document.language) == (
        name,
        "Example & Sons",
        "https://news.example/",
        "en-gb",
    )
    assert document.problems == ()
    storm, second = document.items
    assert (storm.feed, storm.guid) == (FEED, "urn:story-1")
    assert (storm.title, storm.url, storm.published_at) == ("Storm & flood", "https://news.example/storm", NOON)
    assert (storm.authors, storm.categories, storm.language) == (("Ann Author",), ("weather",), "en-gb")
    assert storm.is_html
    assert "".join(storm.content.split("\n")) == "<p>A storm hit the coast.</p><p>Nobody was hurt.</p>"
    assert (second.title, second.url, second.content, second.is_html) == (
        "Second story",
        "https://news.example/second",
        "Plain words.",
        False,
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "content_type", ["text/html", "application/octet-stream", "text/plain; charset=us-ascii", "image/png", "nonsense;;;=", ""]
)
def test_a_wrong_content_type_does_no_harm(name: str, content_type: str) -> None:
    """The body itself tells the format."""
    assert read(ALL[name], content_type) == read(ALL[name])


@pytest.mark.parametrize("name", ALL)
def test_marks_and_space_before_a_document_do_no_harm(name: str) -> None:
    """A byte order mark, line breaks, and a gzip file served as it lies on the disk."""
    expected = read(ALL[name]).items
    assert read("\ufeff" + ALL[name]).items == expected
    assert read("\n\n  " + ALL[name]).items == expected
    assert parse(gzip.compress(ALL[name].encode()), None, FEED).items == expected


@pytest.mark.parametrize("name", ["rss20", "rss10", "atom10", "atom03"])
def test_a_truncated_document_gives_what_it_has(name: str) -> None:
    """The first story is whole; that something is missing is noted."""
    text = ALL[name]
    document = read(text[: text.index("Plain words") + 3])
    assert [item.title for item in document.items] == ["Storm & flood", "Second story"]
    assert any("repaired" in problem for problem in document.problems)


def test_guids_are_kept_as_they_are() -> None:
    """Not resolved, not normalised: another writing would be another story."""
    guids = ["5", "HTTP://Example.org/../a b?c#d", "tag:example.org,2026:é"]
    document = read(channel("".join(f"<item><title>t</title><guid>{guid}</guid></item>" for guid in guids)))
    assert [item.guid for item in document.items] == guids


def test_a_permalink_is_an_address() -> None:
    """RSS 2.0: a guid is one unless it says that it is not."""
    document = read(channel("<item><title>a</title><guid>https://news.example/a</guid></item>"))
    assert document.items[0].url == "https://news.example/a"


def test_a_number_is_no_address() -> None:
    """Though RSS 2.0 takes a guid for a permalink where it does not say that it is none."""
    assert read(channel("<item><title>a</title><guid>12345</guid></item>")).items[0].url is None


def test_relative_links_of_a_feed_hosted_elsewhere_lead_to_the_site() -> None:
    """RSS says the site's address; Atom says its base, or means the document's."""
    assert read(RSS20).items[0].url == "https://news.example/storm"
    atom = ATOM10.replace(' xml:base="https://news.example/"', "")
    assert read(atom).items[0].url == "https://feeds.example/storm"
    assert (
        parse(atom.encode(), None, FEED, served_at="https://mirror.example/x/feed").items[0].url == "https://mirror.example/x/storm"
    )


def test_scripts_are_no_addresses() -> None:
    """Such an item has no address, and keeps its words."""
    document = read(channel("<item><title>a</title><link>javascript:alert(1)</link></item>"))
    assert document.items[0].url is None


def test_items_that_cannot_be_used_are_noted_once_with_their_number() -> None:
    """The others are read."""
    document = read(channel("<item><guid>1</guid></item><item><title>good</title></item><item/>"))
    assert [item.title for item in document.items] == ["good"]
    assert document.problems == ("an item without title, content and link: left out (2 times)",)


def test_problems_are_few_and_short() -> None:
    """However many a document has."""
    items = "".join(f"<item><description>{'x' * (2_000_001 + number)}</description></item>" for number in range(22))
    problems = read(channel(items)).problems
    assert len(problems) == 20
    assert problems[-1] == "and 3 more"


def test_a_feed_without_items_is_a_feed() -> None:
    """Nothing was published yet: no error."""
    assert read(channel("")).items == ()
    assert read('{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": []}').items == ()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "it is empty"),
        (" \n\t\ufeff ", "it is empty"),
        ("<!doctype html><html><body>Not found</body></html>", "an HTML page, not a feed"),
        ("<html><head><title>Consent</title></head></html>", "an HTML page, not a feed"),
        (
            "<!-- x --><!DOCTYPE HTML><link rel='alternate' type='application/rss+xml' href='/rss'>",
            "the page names https://feeds.example/rss: use that address",
        ),
        ("just words", "neither XML nor JSON"),
        ("<opml version='2.0'><body/></opml>", "an OPML list of feeds"),
        ("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>x</loc></url></urlset>", "a sitemap"),
        ("<note><to>you</to></note>", "its root element is <note>"),
        ('{"error": "not found"}', "JSON but not a JSON Feed"),
        ("[1, 2, 3]", "JSON but not a JSON Feed"),
        ('{"items": [', "broken at line 1"),
        ("[" * 100_000, "refused"),
        ('{"items": [' + "9" * 10_000 + "]}", "refused"),
        ("\x1f", "neither XML nor JSON"),
        ('<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel><title>&b;</title></channel></rss>', "refused"),
    ],
)
def test_what_is_no_feed_says_what_it_is(body: str, words: str) -> None:
    """Each refusal names what was found."""
    with pytest.raises(BadElement, match=words):
        read(body)


def test_a_broken_gzip_file_is_refused() -> None:
    """In words."""
    with pytest.raises(BadElement, match="gzip"):
        parse(b"\x1f\x8b\x08nonsense", None, FEED)


def test_json_of_the_wrong_shape_loses_only_what_is_wrong() -> None:
    """Fields that are no text are as if they were not there; items that are no objects are left out."""
    document = read(
        '{"items": [null, 1, {"id": 7, "title": ["x"], "content_text": "words", "tags": "x", "authors": [1, {"name": 2}]}]}'
    )
    (item,) = document.items
    assert (item.guid, item.title, item.content, item.categories, item.authors) == ("7", "words", "words", (), ("2",))
    assert len(document.problems) == 2


def test_nothing_of_ours_ends_up_in_a_story() -> None:
    """An entity that points to a file stays what it is."""
    document = read('<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + channel("<item><title>a &x; b</title></item>"))
    assert document.items[0].title == "a &x; b"


@given(
    name=st.sampled_from(sorted(ALL)),
    edits=st.lists(
        st.tuples(
            st.integers(min_value=0, max_value=3_000),
            st.integers(min_value=0, max_value=40),
            st.sampled_from(PATCHES) | st.binary(max_size=8),
        ),
        max_size=6,
    ),
)
def test_a_mutated_document_is_read_or_refused(name: str, edits: list[tuple[int, int, bytes]]) -> None:
    """No bytes raise anything but `BadElement`, and what is read keeps its promises."""
    body = ALL[name].encode()
    for place, length, patch in edits:
        body = body[:place] + patch + body[place + length :]
    try:
        document = parse(body, None, FEED)
    except BadElement:
        return
    for item in document.items:
        assert item.title or item.content or item.url
        assert item.url is None or item.url.startswith(("http://", "https://"))
        (item.title + item.content + (item.guid or "")).encode()
        assert "\0" not in item.title + item.content + (item.guid or "")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    """No bytes raise anything but `BadElement`."""
    try:
        parse(body, None, FEED)
    except BadElement as refusal:
        assert str(refusal)  # noqa: PT017 - both ends are good ones


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "inside", ["<!--", "<a ", "<script ", "<![CDATA[", "</a", "&a", "&#", "&lt;", "< ", "<a b='", "]]", "a" * 60 + "@"]
)
@pytest.mark.parametrize(
    "around",
    [
        "<rss><item><title>{}",
        "<rss><item><description>{}</description>",
        "<rss><item><author>{}</author>",
        "<!--{}",
        "<!DOCTYPE x [{}",
    ],
)
def test_no_repetition_takes_time_that_grows_with_its_square(inside: str, around: str) -> None:
    """Each of these once took a parser of feeds minutes; raw, escaped and in JSON."""
    many = inside * (300_000 // len(inside))
    escaped = many.replace("&", "&amp;").replace("<", "&lt;")
    bodies = (around.format(many), around.format(escaped), json.dumps({"items": [{"title": many, "content_html": many}]}))
    for body in bodies:
        with contextlib.suppress(BadElement):
            read(body)


def test_json_feed_is_json() -> None:
    """The sample is what it says, for the tests above to mean something."""
    assert parse(JSON11.encode(), "application/feed+json", FEED).format == "json11"
