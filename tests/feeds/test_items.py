"""An item from what a feed says of it."""

import pytest

from pipeline.feeds.items import LONGEST_CONTENT, LONGEST_TITLE, Body, Draft, absolute, item_of, plain
from pipeline.model import Item

FEED = "https://example.org/feed.xml"


def made(draft: Draft) -> Item:
    item, problems = item_of(draft, FEED, FEED)
    assert item is not None
    assert problems == []
    return item


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("Fish &amp; <b>chips</b>", "Fish & chips"),
        ("AT&amp;amp;T", "AT&amp;T"),
        ("one<br/>two", "one two"),
        ("  a \n\t b\u00a0c ", "a b c"),
        ("in<!-- hidden -->visible", "invisible"),
        ("Musk\u200b\u202e\x00\u2066 meets", "Musk meets"),
        ("5 < 6 & 7 > 3", "5 < 6 & 7 > 3"),
        ("caf&eacute; &#8217;s", "café ’s"),
    ],
)
def test_a_title_is_plain_text(markup: str, words: str) -> None:
    """No markup, no entities, no white space to speak of, nothing that cannot be seen."""
    assert made(Draft(title=Body(markup, True))).title == words


def test_a_plain_title_keeps_its_angle_brackets() -> None:
    """Atom's text is text: what looks like a tag there was meant to be read."""
    assert made(Draft(title=Body("How to use <b> well", False))).title == "How to use <b> well"


def test_joiners_are_kept_where_scripts_need_them() -> None:
    """Persian is written with them; between Latin letters they only hide a name."""
    assert plain(Body("می\u200cخواهم Mu\u200csk", False)) == "می\u200cخواهم Musk"


def test_a_title_has_an_end() -> None:
    """At a word, with an ellipsis."""
    title = made(Draft(title=Body("word " * 1_000, False))).title
    assert len(title) <= LONGEST_TITLE
    assert title.endswith("word…")


def test_an_item_without_title_is_called_by_its_first_words() -> None:
    """Markup, scripts and entities are not among them."""
    item = made(
        Draft(
            bodies=(
                Body(
                    "<style>p{}</style><p>Rain &amp; wind</p><p>all over the north of the country until late on Friday night", True
                ),
            )
        )
    )
    assert item.title == "Rain & wind all over the north of the country until late…"


def test_the_fullest_body_is_kept() -> None:
    """A summary beside the whole text is not needed."""
    item = made(Draft(title=Body("t", False), bodies=(Body("short", False), Body("<p>The whole story</p>", True))))
    assert (item.content, item.is_html) == ("<p>The whole story</p>", True)


def test_html_without_markup_is_plain_text() -> None:
    """Its line breaks would be lost otherwise."""
    assert made(Draft(bodies=(Body("one\n\ntwo: 1 < 2", True),))).is_html is False


def test_content_has_an_end() -> None:
    """What is beyond it is cut, and noted."""
    item, problems = item_of(Draft(bodies=(Body("x" * (LONGEST_CONTENT + 1), False),)), FEED, FEED)
    assert item is not None
    assert len(item.content) == LONGEST_CONTENT
    assert "cut" in problems[0]


def test_what_no_database_takes_is_removed() -> None:
    """NULs and lone surrogates, from every field."""
    item = made(
        Draft(
            guid="a\x00\ud800b",
            title=Body("t\ud800", False),
            bodies=(Body("c\x00\ud800d", False),),
            authors=("e\x00",),
            categories=("f\udfff",),
        )
    )
    assert (item.guid, item.title, item.content, item.authors, item.categories) == ("ab", "t", "cd", ("e",), ("f",))


def test_an_item_with_nothing_in_it_is_left_out() -> None:
    """A guid alone is nothing to read."""
    item, problems = item_of(Draft(guid="1", urls=("javascript:alert(1)",), title=Body(" \u200b ", False)), FEED, FEED)
    assert item is None
    assert problems == ["an item without title, content and link: left out"]


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://news.example/a", "https://news.example/a"),
        ("/a?b=1", "https://example.org/a?b=1"),
        ("a", "https://example.org/a"),
        ("//cdn.example/x", "https://cdn.example/x"),
        (" https://news.example/\n a", "https://news.example/ a"),
    ],
)
def test_addresses_become_absolute(address: str, url: str) -> None:
    """Against the address of the feed."""
    assert absolute(address, FEED) == url


@pytest.mark.parametrize(
    "address",
    ["", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "tag:example.org,2026:1",
    "urn:uuid:1", "file:///etc/passwd",
     "http://", "http://[::1", "http://a:99999/", "https://example.org/" + "x" * 5_000, "mailto:a@example.org"],
)  # fmt: skip
def test_what_is_no_web_address_is_none(address: str) -> None:
    """Only http and https, only with a host, only of a length that is one."""
    assert absolute(address, FEED) is None


def test_names_are_one_line_each_and_once() -> None:
    """In the order of the feed."""
    assert made(Draft(title=Body("t", False), authors=("A  B", "C", "A B", " ", "<i>D</i>"))).authors == ("A B", "C", "D")
