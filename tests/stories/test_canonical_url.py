import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories.canonical_url import LONGEST_URL, canonical, names_a_page, publisher, web_address

PAGE = "https://example.org/world/story-1"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/world/story-1",
        "HTTPS://WWW.Example.ORG:443/world/story-1/",
        "http://m.example.org:80/world/story-1",
        "https://amp.example.org/world/story-1",
        "https://www.example.org/world/story-1/amp",
        "https://www.example.org/world/story-1/amp/",
        "https://example.org/world/./x/../story-1",
        "https://example.org/world/story-1?utm_source=rss&utm_medium=feed",
        "https://example.org/world/story-1?at_medium=RSS&at_campaign=KARANGA",
        "https://example.org/world/story-1?fbclid=abc&CMP=share_btn_tw&ns_mchannel=social&ftag=x&cmpid=y&gclid=z",
        "https://example.org/world/story-1?partner=rss&emc=rss&mod=rss_world",
        "https://example.org/world/story-1#comments",
        "https://example.org/world/story-1#xtor=RSS-3208",
        "https://example.org/world/story-1#0",
        "https://reader:secret@example.org/world/story-1",
        "  https://example.org/world/story-1\n",
    ],
)
def test_addresses_of_one_page_are_one(url: str) -> None:
    """What feeds, phones, AMP and campaigns add to an address makes no other story of it."""
    assert canonical(url) == PAGE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/a", "https://example.org/b"),
        ("https://example.org/story?id=1", "https://example.org/story?id=2"),
        ("https://example.org/a", "https://example.com/a"),
        ("https://example.org/a", "https://example.org:8443/a"),
        ("https://example.org/changes#v1.2", "https://example.org/changes#v1.3"),
        ("https://m.com/a", "https://com/a"),
        ("https://example.org/A", "https://example.org/a"),
    ],
)
def test_other_pages_stay_others(one: str, other: str) -> None:
    """Path, parameters that name the page, host, port and anchors tell stories apart."""
    assert canonical(one) != canonical(other)
    assert canonical(one) is not None


def test_the_order_of_parameters_is_nothing() -> None:
    """Parameters name the same page in any order."""
    assert (
        canonical("https://example.org/s?b=2&a=1") == canonical("https://example.org/s?a=1&b=2") == "https://example.org/s?a=1&b=2"
    )


HOSTILE = [
    "",
    "/relative",
    "//example.org/x",
    "javascript:alert(1)",
    "mailto:a@example.org",
    "urn:uuid:1",
    "tag:example.org,2020:1",
    "https://",
    "https:///x",
    "https://[::1",
    "https://example.org:99999/",
    "https://example.org:x/",
    "https://example.org:0/",
    "https://a b/c",
    "https://\ud800.example/",
    "https://a\u2100.example/",
    "https://example.org/" + "a" * LONGEST_URL,
    "file:///etc/passwd",
    "\x00",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_what_is_no_web_address_has_no_identity(url: str) -> None:
    """Anything but a usable http(s) address is None, and nothing is raised."""
    assert canonical(url) is None
    assert publisher(url) is None
    assert web_address(url) is None


@given(
    st.text(max_size=60)
    | st.text(max_size=60).map(lambda rest: "https://example.org/" + rest)
    | st.from_regex(r"https?://\S{1,60}")
)
def test_canonical_is_at_rest(url: str) -> None:
    """Hostile addresses never raise, and what is canonical stays as it is."""
    once = canonical(url)
    publisher(url)
    web_address(url)
    assert once is None or canonical(once) == once


def test_endless_endings_end() -> None:
    """An address made of AMP endings and slashes alone is its site."""
    assert canonical("https://example.org" + "/amp//" * 600) == "https://example.org"


@pytest.mark.parametrize(
    ("url", "is_page"),
    [
        ("https://example.org/", False),
        ("https://www.example.org", False),
        ("https://example.org/a", True),
        ("https://example.org/?p=1", True),
        ("https://example.org/#v2", True),
    ],
)
def test_a_front_door_is_no_page(url: str, is_page: bool) -> None:
    """The address of a site names none of its stories."""
    address = canonical(url)
    assert address is not None
    assert names_a_page(address) is is_page


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.bbc.co.uk/news/1", "bbc.co.uk"),
        ("http://feeds.bbci.co.uk/news/rss.xml", "bbci.co.uk"),
        ("https://alice.github.io/x", "alice.github.io"),
        ("https://www.gov.uk/news", "www.gov.uk"),
        ("http://192.168.0.1:8080/feed", "192.168.0.1"),
        ("http://[::1]/feed", "::1"),
        ("http://localhost:9999/feed.xml", "localhost"),
        ("https://münchen.de/", "xn--mnchen-3ya.de"),
    ],
)
def test_the_publisher_is_the_registered_domain(url: str, expected: str) -> None:
    """Two hosts of one registered domain are one publisher; what has no such domain is its host."""
    assert publisher(url) == expected


def test_an_address_with_credentials_is_followed_by_nobody() -> None:
    """`https://bbc.co.uk@elsewhere.example/` reads like one site and leads to another."""
    assert web_address("https://bbc.co.uk@elsewhere.example/") is None
    assert web_address(" https://example.org/a b?utm_source=x ") == "https://example.org/a%20b?utm_source=x"
