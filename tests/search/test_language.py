"""What people type, and what it asks for."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.search.language import LONGEST, QueryError, query_of
from pipeline.store import terms
from pipeline.store.query import EVERYTHING, NOTHING, All, Either, Fuzzy, Not, Published, Words

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
MUSK, PUTIN, XI = Words(("musk",)), Words(("putin",)), Words(("xi",))


def day(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EVERYTHING),
        ("*:*", EVERYTHING),
        ("...", NOTHING),
        ("Musk", MUSK),
        ("musk putin", All((MUSK, PUTIN))),
        ("musk AND putin OR xi", Either((All((MUSK, PUTIN)), XI))),
        ("musk OR putin xi", All((Either((MUSK, PUTIN)), XI))),
        ("-musk", Not(MUSK)),
        ("+musk NOT (putin OR xi)", All((MUSK, Not(Either((PUTIN, XI)))))),
        ('"Secret contact"', Words(("secret", "contact"))),
        ("“Secret contact”", Words(("secret", "contact"))),
        ("U.S.", Words(("u", "s"))),
        ("mus*", Words(("mus",), is_prefix=True)),
        ("北*", Words(("北",), is_prefix=True)),
        ("musk~", Fuzzy("musk", 1)),
        ("starlink~", Fuzzy("starlink", 2)),
        ("starlink~1", Fuzzy("starlink", 1)),
        ("title:(musk OR putin)", Either((Words(("musk",), field="title"), Words(("putin",), field="title")))),
        ("a\\:b", Words(("a", "b"))),
        ('say\\"so', Words(("say", "so"))),
        ('pair:("Elon Musk" AND putin)', terms.pair("putin", "Elon Musk")),
        ("entity:(musk OR putin)", Either((terms.entity("musk"), terms.entity("putin")))),
        ('entity:"Tesla boss"', terms.entity("musk")),
        ("LANG:de", terms.language("de")),
        ("is:original", terms.ORIGINAL),
        ("since:7d", Published(day(2026, 11, 17, 8))),
        ("since:2026-11", Published(day(2026, 11, 1))),
        ("published:2026", Published(day(2026, 1, 1), day(2027, 1, 1))),
        ("published:2026-12", Published(day(2026, 12, 1), day(2027, 1, 1))),
        ("published:[2026-01-31 TO 2026-02-01]", Published(day(2026, 1, 31), day(2026, 2, 2))),
        ("published:{2026-01-31 TO 2026-02-02}", Published(day(2026, 2, 1), day(2026, 2, 2))),
        ("published:[* TO 2026}", Published(None, day(2026, 1, 1))),
        ("published:>2026-01-31T08:30", Published(day(2026, 1, 31, 8, 31))),
        ("published:<=2026-01-31", Published(None, day(2026, 2, 1))),
        ('published:["2026-01-31T08:30:00+02:00" TO now-1h]', Published(day(2026, 1, 31, 6, 30), day(2026, 11, 24, 7, 0, 1))),
    ],
)
def test_a_query_means(text: str, expected):
    """Lucene's syntax; words with a blank between must all be there."""
    assert query_of(text, NOW, {"tesla boss": "musk"}) == expected


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ('musk "secret', 5, "quotation mark is not closed"),
        ("(musk OR putin", 0, "not closed"),
        ("musk)", 4, "nothing opened"),
        ("musk AND", 8, "missing here"),
        ("AND musk", 0, "operator"),
        ("musk OR OR xi", 8, "operator"),
        ("musk && putin", 5, "write AND"),
        ("mu?k", 2, "end of a word"),
        ("musk ki*ball", 7, "end of a word"),
        ("m*", 0, "at least 2"),
        ("musk^2", 0, "weighs the same"),
        ("/mu.k/", 0, "regular expression"),
        ('"a b"~3', 0, "AND between"),
        ('"a b"* musk~3', 7, "1 or 2"),
        ("colour:red", 0, "no field colour"),
        ("musk feed:https://x.example/rss", 10, "quotation marks"),
        ('pair:("Elon Musk")', 5, "two names"),
        ("pair:(a b c)", 5, "two names"),
        ("entity:mu*", 7, "whole"),
        ("is:new", 3, "original or duplicate"),
        ("since:30x", 6, "how long ago"),
        ("musk since:-7d", 11, "counts back by itself"),
        ("published:[2026-01-01 to *]", 22, "TO in capitals"),
        ("published:2026-13", 10, "expected a date"),
        ("published:[2026 TO 2025]", 10, "ends before"),
        ("[a TO b]", 0, "range belongs"),
        ("(" * 51 + "a" + ")" * 51, 50, "parentheses"),
        ("x" * (LONGEST + 1), LONGEST, "at most"),
    ],
)
def test_a_query_that_means_nothing_shows_the_place(text: str, at: int, why: str):
    """A caret stands under it, and the words say what would be right."""
    with pytest.raises(QueryError, match=why) as raised:
        query_of(text, NOW)
    assert raised.value.at == at
    *_, line, caret = str(raised.value).splitlines()
    place = caret.index("^")
    assert at >= len(text) or line[place] == text[at]


@given(st.text(st.sampled_from('ab "()[]{}:*~^/\\+-!&|.TOANDR2026é\n'), max_size=30))
def test_whatever_is_typed_is_a_query_or_an_error_with_a_place(text: str):
    """Nothing that people type is a crash."""
    with contextlib.suppress(QueryError):
        query_of(text, NOW)
