"""Which language a story is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.detect import language_of


@pytest.mark.parametrize(
    ("language", "title", "text"),
    [
        ("en", "Musk held secret calls with Putin", "The two spoke several times, officials said on Friday."),
        ("de", "Scholz trifft Macron in Berlin", "Der Bundeskanzler empfing den französischen Präsidenten am Freitag."),
        ("fr", "Macron reçoit le chancelier allemand", "Le président français a rencontré Olaf Scholz vendredi à Paris."),
        ("es", "El presidente visita Madrid", "El Gobierno anunció este viernes nuevas medidas económicas."),
        ("ru", "Путин встретился с Си", "Президент России прибыл в Пекин с официальным визитом."),
        ("zh", "习近平会见普京", "两国领导人在北京举行会谈。"),
        ("ar", "الرئيس يزور باريس", "وصل الرئيس إلى العاصمة الفرنسية يوم الجمعة."),
    ],
)
def test_the_words_tell(language: str, title: str, text: str) -> None:
    """Whatever the feed declares."""
    assert language_of(title, text) == language
    assert language_of(title, text, "en-US" if language != "en" else "de") == language


@pytest.mark.parametrize(
    "text",
    [
        "Elon Musk met Vladimir Putin in Moscow.",
        "Musk meets Putin. Elon Musk met Vladimir Putin.",
        "Elon Musk met Olaf Scholz in Berlin.",
    ],
)
def test_names_are_no_language(text: str) -> None:
    """A few words of English full of names are not taken for another language."""
    assert language_of("", text) in ("en", None)


def test_the_feed_tells_where_the_words_do_not() -> None:
    """Names are in every language, and nothing is in none."""
    assert language_of("Scholz trifft Macron in Berlin", "", "de-AT") == "de"
    assert language_of("Scholz trifft Macron in Berlin", "") is None
    assert language_of("", "", "pt_BR") == "pt"
    assert language_of("", "") is None
    assert language_of("12:30 – 14:00", "https://example.org/" + "a" * 500) is None


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_a_language_or_none(title: str, text: str) -> None:
    """Nothing that a feed sends stops it; line breaks would stop the identifier."""
    found = language_of(title, text)
    assert found is None or found.isalpha()
