import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories import text as module
from pipeline.stories.text import LONGEST_TEXT, LONGEST_TITLE, headline, plain_text, tidy

PAGE = """<html><head><title>Not me</title><style>p{}</style></head><body><h1>Talks</h1><!-- not > me -->
<p>Elon  Musk met
<b>Vladimir</b>&nbsp;Putin<script>document.write("<p>not me</p>")</script> &amp; others.<br>They &quot;talked&quot;.</p>
<ul><li>One<li>Two</ul><svg><title>not me</title></svg><noscript>nor me</noscript><template><p>nor I</p></template>
<table><tr><td>A</td><td>B</td></tr></table>tail</body></html>"""
READ = 'Talks\nElon Musk met Vladimir Putin & others.\nThey "talked".\nOne\nTwo\nA\nB\ntail'


def test_paragraphs_are_lines() -> None:
    """What a reader sees as a line is one; what a browser hides is gone."""
    assert plain_text(PAGE) == READ


def test_a_document_too_big_for_a_tree_reads_the_same() -> None:
    """Both ways of reading HTML give the same words."""
    many = PAGE + "<p>x</p>" * 1_000
    assert not module._is_small(many)
    assert plain_text(many) == READ + "\nx" * 1_000


def test_entities_are_decoded_once() -> None:
    """An escaped escape stays one."""
    assert plain_text("AT&amp;amp;T &lt;b&gt;") == "AT&amp;T <b>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<script>x", ""),
        ("<frameset>hello", "hello"),
        ("a<p>", "a"),
        ("a < b", "a < b"),
        ("<!-->x", "x"),
    ],
)
def test_odd_documents(html: str, text: str) -> None:
    """A document that is none, or never ends, is read as far as it goes."""
    assert plain_text(html) == text


HOSTILE = {
    "nested": ("<div>" * 100_000 + "x" + "</div>" * 100_000, "x"),
    "nested in part": ("<b><i><p>" * 300 + "x", "x"),
    "formatting that is never closed": ("".join(f"<p><b a={n}></p>" for n in range(30_000)) + "x", "x"),
    "attributes": ("<p " + " ".join(f"a{n}=1" for n in range(200_000)) + ">x", "x"),
    "tags that never close": ("<a" * 900_000, ""),
    "comments that never close": ("<!--" * 400_000, ""),
    "scripts in scripts": ("<script>" * 200_000, ""),
    "svg in svg": ("<svg><style>" * 400 + "x", ""),
    "ampersands": ("&#" * 900_000, None),
    "blanks": (" \n" * 900_000, ""),
    "quotes": ('<a "' * 400_000, ""),
    "breaks": ("<br>" * 400_000 + "x", "x"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(20)
def test_hostile_html_is_read_in_linear_time(name: str) -> None:
    """Nesting, what is never closed, and megabytes of one thing end soon and crash nothing."""
    html, text = HOSTILE[name]
    read = plain_text(html)
    assert len(read) <= LONGEST_TEXT
    assert text is None or read == text


@given(st.text() | st.text(alphabet="<>/!-&;#\"' ab\n\x1e\u200bpdivscrt", max_size=200))
def test_nothing_unseen_comes_out(html: str) -> None:
    """Whatever goes in, out come words, single blanks and line feeds."""
    for text in (plain_text(html), headline(html)):
        assert "  " not in text
        assert text == text.strip()
        assert all(unicodedata.category(char) not in {"Cc", "Cs"} or char == "\n" for char in text)
    assert "\n" not in headline(html)


def test_a_name_cannot_hide_behind_what_is_unseen() -> None:
    """Zero-width, soft-hyphen, bidirectional and control characters do not split a name."""
    hidden = "Pu\u00adt\u200di\u202en\u2066\ufeff\x07\U000e0041"
    assert plain_text(f"<p>{hidden}</p>") == tidy(hidden) == headline(hidden) == "Putin"


def test_nor_behind_an_entity() -> None:
    """What cannot be seen is taken away after entities are decoded, too."""
    assert plain_text("Pu&shy;t&#8205;in&zwnj; &#x202e;met&#7;") == "Putin met"


@pytest.mark.parametrize("html", ["<p>" * 1_001, "<p " + "a " * 3_000 + ">", "x" * 200_001])
def test_no_tree_is_made_of_much(html: str) -> None:
    """Many tags, many attributes and much text are read without a tree, whose cost grows with the square of each."""
    assert not module._is_small(html)


def test_joiners_stay_in_the_scripts_that_are_written_with_them() -> None:
    """Persian keeps its zero-width non-joiner."""
    assert tidy("می‌خواهم") == "می‌خواهم"


def test_plain_text_keeps_its_offsets() -> None:
    """Runs of blanks and empty lines of an ordinary text stay where they were, so that annotations still fit."""
    text = "One  two.\n\n  Three\tfour.\u00a0Five\u200bsix."
    assert tidy(text) == "One  two.\n\n  Three four. Five six."
    assert len(tidy(text)) == len(text)


def test_line_ends_of_all_kinds_are_one() -> None:
    """Windows, Macintosh and Unicode line ends are line feeds."""
    assert tidy("a\r\nb\rc\u2028d\x85e\x0cf") == "a\nb\nc\nd\ne\nf"


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("  Two\n lines ", "Two lines"),
        ("AT&amp;T buys <b>it</b>", "AT&T buys it"),
        ("a < b > c", "a < b > c"),
        ("R&D at AT&T; more", "R&D at AT&T; more"),
        ("<i>Nature</i>", "Nature"),
    ],
)
def test_a_title_is_one_line(title: str, line: str) -> None:
    """A title is read as HTML where it is."""
    assert headline(title) == line


def test_too_long_is_cut_at_a_word() -> None:
    """Text and title have a longest, and end with a whole word where there is one."""
    assert tidy("word " * LONGEST_TEXT).endswith("word")
    assert LONGEST_TEXT - 5 <= len(tidy("word " * LONGEST_TEXT)) <= LONGEST_TEXT
    assert len(tidy("x" * (LONGEST_TEXT + 1))) == LONGEST_TEXT
    assert len(headline("x" * 50_000)) == LONGEST_TITLE
