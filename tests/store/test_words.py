"""What a word is, the same for whatever indexes it."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.store.words import LONGEST, WordNumbers, folded, name, spans, spelled, words

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't panic", ["don", "t", "panic"]),
        ("Don’t panic", ["don", "t", "panic"]),
        ("CAFÉ café cafe\u0301", ["cafe", "cafe", "cafe"]),
        ("Łódź, Øresund, Straße", ["lodz", "oresund", "strasse"]),
        ("İstanbul ΟΔΟΣ", ["istanbul", "οδοσ"]),
        ("ﬁn m² ½ ＡＢＣ Ⅷ", ["fin", "m2", "1", "2", "abc", "viii"]),
        ("北京大学 abc東京", ["北", "京", "大", "学", "abc", "東", "京"]),
        ("हिन्दी 서울", ["हिन्दी", "서울"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zerowidth"]),
        ("C++ a_b e-mail U.S.", ["c", "a", "b", "e", "mail", "u", "s"]),
        ("…!?", []),
    ],
)
def test_words_are_folded_as_people_type_them(text: str, expected: list[str]):
    """Without case, accents and typography; an ideograph is a word."""
    assert list(words(text)) == expected


def test_a_word_without_end_is_several():
    """No index takes a word of any length."""
    assert [len(word) for word in words("x" * (2 * LONGEST + 5))] == [LONGEST, LONGEST, 5]


@settings(max_examples=300, deadline=None)
@given(TEXTS | st.integers(0, 3 * LONGEST).map("x".__mul__))
def test_what_is_spelled_falls_apart_at_blanks(text: str):
    """A tokenizer that knows blanks only sees the same words."""
    assert tuple(spelled(text).split()) == words(text)


def test_a_name_without_words_is_compared_as_it_is():
    """`!?` is no other name than `?!`."""
    assert (name(" Ana  NÚÑEZ "), name("!?")) == ("ana nunez", "!?")


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_sqlite_sees_the_same_words(text: str):
    """Its tokenizer, given the folded text, finds just these."""
    connection = apsw.Connection(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE f USING fts5(x, tokenize='ascii'); CREATE VIRTUAL TABLE v USING fts5vocab(f, instance)"
    )
    connection.execute("INSERT INTO f VALUES(?)", (" ".join(words(text)),))
    assert [word for (word,) in connection.execute("SELECT term FROM v ORDER BY offset")] == list(words(text))


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_every_word_is_found_where_it_stands(text: str):
    """The places are in the text as it was written, and hold the word."""
    found = list(spans(text))
    assert tuple(word for *_, word in found) == words(text)
    assert all(word in words(text[start:end]) for start, end, word in found)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_folding_twice_is_folding_once(text: str):
    """What is folded is in its final form."""
    assert words(folded(text)) == words(text)


def test_numbers_of_words_are_remembered_and_bounded():
    """A word's number is found once while it is remembered; of a great many words no more than so many are."""
    asked: list[str] = []

    def number(word: str) -> int:
        asked.append(word)
        return len(word)

    numbers = WordNumbers(number, most=3)
    assert [numbers[word] for word in ("a", "bb", "a", "bb")] == [1, 2, 1, 2]
    assert asked == ["a", "bb"]
    assert [numbers["c" * n] for n in range(1, 20)] == list(range(1, 20))
    assert len(numbers) <= 3
