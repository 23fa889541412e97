import pytest

from pipeline.model import Item
from pipeline.stories.fingerprints import SHORTEST_CONTENT, fingerprints, source_of

FEED = "https://feeds.example.org/world.xml"
LONG = "Talks went on late into the night. " * 10


def item(guid: str | None = None, url: str | None = None, feed: str = FEED) -> Item:
    return Item(feed, guid, url, "Title", "text", False)


def names(guid: str | None = None, url: str | None = None, feed: str = FEED, title: str = "Title", text: str = "short") -> set[str]:
    return set(fingerprints(item(guid, url, feed), title, text))


def test_the_strongest_comes_first() -> None:
    """Guid, then address, then words."""
    found = fingerprints(item("4711", "https://example.org/a"), "Title", LONG)
    assert [name.partition(":")[0] for name in found] == ["guid", "url", "content"]


def test_a_guid_that_is_an_address_counts_everywhere() -> None:
    """The same permalink as guid in feeds of two hosts is one story."""
    some = names(guid="http://www.example.org/a?utm_source=x")
    others = names(guid="https://example.org/a", feed="https://aggregator.example/feed")
    assert some & others


def test_an_address_is_one_name_wherever_it_stands() -> None:
    """As guid, as link or as both."""
    assert (
        names(guid="https://example.org/a")
        == names(url="https://example.org/a/")
        == names("https://example.org/a", "http://example.org/a")
    )


def test_another_guid_counts_within_its_publisher() -> None:
    """4711 is a story of each publisher."""
    assert names(guid="4711", url="https://example.org/a") & names(guid="4711", url="https://www.example.org/b")
    assert not names(guid="4711", url="https://example.org/a") & names(guid="4711", url="https://other.example/a")


def test_one_address_in_two_feeds_is_one() -> None:
    """Cross-posted with another guid, the address tells."""
    assert names(guid="1", url="https://example.org/a") & names(
        guid="2", url="https://example.org/a?at_medium=RSS", feed="https://x.example/f"
    )


@pytest.mark.parametrize("guid", ["https://example.org/", "", "  ", None])
def test_a_front_door_identifies_nothing(guid: str | None) -> None:
    """A feed that gives every item the address of the site does not make one story of them."""
    assert not names(guid=guid, url="https://example.org/", text="one") & names(guid=guid, url="https://example.org/", text="two")


def test_long_words_identify_within_a_publisher() -> None:
    """The same words at another address of the same publisher are the same story; elsewhere, or in brief, they are not."""
    some = names(url="https://example.org/a", text=LONG)
    assert some & names(url="https://example.org/b", text=LONG.upper().replace(".", " …"))
    assert not some & names(url="https://other.example/b", text=LONG)
    assert not some & names(url="https://example.org/b", text=LONG, title="Another")
    brief = LONG[: SHORTEST_CONTENT - 1]
    assert not names(url="https://example.org/a", text=brief) & names(url="https://example.org/b", text=brief)


def test_there_is_always_one() -> None:
    """An item with nothing but words is known by them, short as they are."""
    assert names(text="short") == names(text="Short!")
    assert len(names(text="short")) == 1
    assert names(guid="1") != names(guid="2")


@pytest.mark.parametrize(
    ("url", "feed", "source"),
    [
        ("https://www.bbc.co.uk/news/1", "https://feeds.bbci.co.uk/x", "bbc.co.uk"),
        (None, "https://feeds.bbci.co.uk/x", "bbci.co.uk"),
        ("javascript:alert(1)", "https://feeds.bbci.co.uk/x", "bbci.co.uk"),
        (None, "my archive", "my archive"),
    ],
)
def test_the_source_is_the_publisher(url: str | None, feed: str, source: str) -> None:
    """The story's own domain, else its feed's, else the name the feed has."""
    assert source_of(item(url=url, feed=feed)) == source
