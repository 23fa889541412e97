"""XML that is nearly XML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadElement
from pipeline.feeds.wellformed import fault, well_formed


def repaired(text: str) -> str:
    result, problems = well_formed(text)
    assert any("repaired" in problem for problem in problems)
    assert fault(result) is None
    return result


def test_what_is_well_formed_is_left_alone() -> None:
    """The document from its root on, and nothing to tell."""
    assert well_formed("<?xml version='1.0'?>\n<!-- c --><rss a='1'>x &amp; y</rss>") == ("<rss a='1'>x &amp; y</rss>", [])


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("<a>Q&A</a>", "<a>Q&amp;A</a>"),
        ("<a>1 < 2</a>", "<a>1 &lt; 2</a>"),
        ("<a>x&nbsp;y&hellip;</a>", "<a>x&#160;y&#8230;</a>"),
        ("<a>x&unknown;y</a>", "<a>x&amp;unknown;y</a>"),
        ("<a>x&#0;y&#xD800;z&#65;</a>", "<a>xyz&#65;</a>"),
        ("<a>x\x00\x1by\ufffe</a>", "<a>xy</a>"),
        ("<a><b>x</a>", "<a><b>x</b></a>"),
        ("<a>x</b>y</a>", "<a>xy</a>"),
        ("<a>one<br>two</a>", "<a>one<br/>two</a>"),
        ("<a><B>x</b>y</a>", "<a><B>x</B>y</a>"),
        ("<a b=1 c d='x&y' b='2'>x</a>", '<a b="1" d="x&amp;y">x</a>'),
        ("<a><x:b>y</x:b></a>", '<a xmlns:x="urn:undeclared:x"><x:b>y</x:b></a>'),
        ("<a><dc:date>y</dc:date></a>", '<a xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:date>y</dc:date></a>'),
        ("<a><![CDATA[x & <y>", "<a><![CDATA[x & <y>]]></a>"),
        ("<a>one</a><b>two</b>", "<a>one<b>two</b></a>"),
        ("<a>x ]]> & y</a>", "<a>x ]]&gt; &amp; y</a>"),
        ('<a xmlns:n=" http://n/ "><n:b/>&</a>', '<a xmlns:n="http://n/"><n:b/>&amp;</a>'),
        ("<rss><item><title>one<item><title>two", "<rss><item><title>one</title></item><item><title>two</title></item></rss>"),
        ("<rss><item><title>one<link>two</link></item></rss>", "<rss><item><title>one</title><link>two</link></item></rss>"),
    ],
)
def test_what_is_broken_is_mended_with_little_loss(broken: str, mended: str) -> None:
    """Each way in which feeds are broken, and what is made of it."""
    assert repaired(broken) == mended


def test_what_stands_before_the_document_is_skipped() -> None:
    """A warning of PHP's does not cost the feed."""
    text, problems = well_formed(
        "<b>Warning</b>: x in y on line 3\n<?xml version='1.0'?><rss>x</rss>".replace("<b>", "").replace("</b>", "")
    )
    assert text == "<rss>x</rss>"
    assert problems == ["something stands before the document: skipped"]


def test_simple_entities_of_its_own_are_put_in() -> None:
    """RSS 0.91 declares HTML's entities."""
    text, problems = well_formed("<!DOCTYPE rss [<!ENTITY nbsp \"&#160;\"> <!ENTITY pub 'The Post'>]><rss>&pub;&nbsp;&amp;</rss>")
    assert text == "<rss>The Post&#160;&amp;</rss>"
    assert problems == []


def test_entities_from_elsewhere_are_not_fetched() -> None:
    """A file of ours does not end up in a story."""
    text, problems = well_formed("<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><rss>&x;</rss>")
    assert text == "<rss>&amp;x;</rss>"
    assert "not fetched" in problems[0]


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><rss>&b;</rss>',
        '<!DOCTYPE l [<!ENTITY % a "ha"><!ENTITY b "%a;">]><rss>&b;</rss>',
        f'<!DOCTYPE l [<!ENTITY a "{"x" * 100_000}">]><rss>{"&a;" * 1_000}</rss>',
        f"<rss>{'&#65;' * 2_000_000}</rss>",
    ],
    ids=["nested", "parameter", "quadratic", "references"],
)
def test_bombs_are_refused(bomb: str) -> None:
    """What grows without end is refused before it grows, and the words say so."""
    with pytest.raises(BadElement, match="refused"):
        well_formed(bomb)


@pytest.mark.parametrize("text", ["", "just words", "<!-- never closed", "<", "<!DOCTYPE rss [", "<?xml", "\x00"])
def test_what_has_no_element_is_refused(text: str) -> None:
    """No root, no document."""
    with pytest.raises(BadElement, match="neither XML nor JSON"):
        well_formed(text)


PIECES = st.sampled_from(
    ["<rss>", "</rss>", "<item>", "</item>", "<title>", "</title>", "<a:b c:d='e'>", "</a:b>", "<br>", "<![CDATA[", "]]>",
    "<!--", "-->", "<?", "?>",
     "&", "&amp;", "&nbsp;", "&#0;", "&#xFFFFFF;", "<", ">", '"', "'", "/", "=", " ", "\x00", "xmlns:a=''", " xmlns='u v'",
     "<x y=\"", "text", "é", "<!DOCTYPE x [", "]>"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_soup_is_mended_or_refused(soup: str) -> None:
    """Either well-formed XML comes out, or words."""
    try:
        text, _ = well_formed("<rss>" + soup)
    except BadElement as refusal:
        assert str(refusal)  # noqa: PT017 - both ends are good ones
    else:
        assert fault(text) is None
