"""What is cut away from documents that go too far."""

import gc

import pytest

from pipeline.errors import BadElement
from pipeline.feeds import bounds
from pipeline.feeds.bounds import bounded
from pipeline.feeds.wellformed import fault


def cut(xml: str) -> tuple[str, str]:
    kept, problems = bounded(xml.encode())
    assert fault(kept.decode()) is None
    return kept.decode(), " ".join(problems)


def test_what_is_within_bounds_is_left_alone() -> None:
    """Byte for byte."""
    xml = "<rss><item><title>é</title><category>a</category></item></rss>"
    assert cut(xml) == (xml, "")


def test_items_beyond_the_most_are_cut() -> None:
    """The first ten thousand are kept, whole."""
    kept, problems = cut("<x:rss xmlns:x='u'><channel>" + "<item><a/></item>" * (bounds.MOST_ITEMS + 5) + "</channel></x:rss>")
    assert kept.count("<item>") == kept.count("</item>") == bounds.MOST_ITEMS
    assert "10,000 items" in problems


def test_elements_beyond_the_most_are_cut() -> None:
    """However they are arranged."""
    kept, problems = cut("<rss><item>" + "<a/>" * (bounds.MOST_ELEMENTS + 5) + "</item></rss>")
    assert kept.count("<") <= bounds.MOST_ELEMENTS + 2
    assert "elements" in problems


def test_what_is_nested_too_deep_is_cut() -> None:
    """What stands before and after it is kept."""
    kept, problems = cut("<rss>before" + "<a>" * 1_000 + "</a>" * 1_000 + "<b>after</b></rss>")
    assert kept.count("<a>") == bounds.DEEPEST - 1
    assert "before" in kept
    assert "<b>after</b>" in kept
    assert "deep" in problems


@pytest.mark.parametrize(
    "element",
    [
        "<author>" + "a" * 65 + "@example.org</author>",
        "<author>" + "many words " * 100 + "</author>",
        "<author><pubDate>" + "1 " * 300 + "</pubDate>" + "many words " * 100 + "</author>",
        "<pubDate>" + "1 " * 300 + "</pubDate>",
        "<b " + " ".join(f"a{number}='>'" for number in range(60)) + "/>",
        "<keywords>" + "a," * 2_000 + "</keywords>",
        "<b xml:base='http://example.org/" + "x" * 3_000 + "'/>",
        "<b xml:base='http://example.org/" + "x" * 3_000 + "'><c>&gt;</c></b>",
    ],
)
def test_an_element_too_long_to_be_one_is_cut(element: str) -> None:
    """It goes, its neighbours stay."""
    kept, problems = cut(f"<rss><item><title>a</title>{element}<link>b</link></item></rss>")
    assert kept == "<rss><item><title>a</title><link>b</link></item></rss>"
    assert problems


def test_categories_beyond_the_most_of_an_item_are_cut() -> None:
    """Every item has its own count."""
    item = "<item>" + "<category term='>'/>" * 60 + "</item>"
    kept, problems = cut(f"<rss>{item}{item}</rss>")
    assert kept.count("<category") == 100
    assert "categories" in problems


def test_namespaces_without_end_are_refused() -> None:
    """feedparser looks through all of them at every element."""
    declared = " ".join(f"xmlns:n{number}='u{number}'" for number in range(300))
    with pytest.raises(BadElement, match="namespaces"):
        bounded(f"<rss {declared}/>".encode())


def test_a_document_that_was_read_is_let_go_at_once():
    """Nothing of it waits for the collector of cycles: a service would hold a hundred megabytes of documents."""
    document = b"<rss version='2.0'><channel><title>News</title><item><title>A meeting</title></item></channel></rss>"
    bounded(document)
    gc.collect()
    gc.disable()
    try:
        bounded(document)
        assert gc.collect() == 0
    finally:
        gc.enable()
