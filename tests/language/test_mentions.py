"""Spans put right, without a recogniser: the spans are given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.mentions import put_right
from pipeline.language.ner import Span


def right(text: str, *marked: tuple[str, str]) -> list[tuple[str, str]]:
    """The spans after the rules, where the recogniser marked the first place of each of `marked`."""
    spans = [Span(text.index(name), text.index(name) + len(name), label) for name, label in marked]
    return [(text[start:end], label) for start, end, label in put_right(text, spans)]


@pytest.mark.parametrize(
    ("text", "marked", "expected"),
    [
        ("the Wall Street Journal's man", ("the Wall Street Journal's", "ORG"), ("Wall Street Journal", "ORG")),
        ("saw President Joe Biden,", ("President Joe Biden,", "PERSON"), ("Joe Biden", "PERSON")),
        ("saw Russian president Vladimir Putin", ("Russian president Vladimir Putin", "PERSON"), ("Vladimir Putin", "PERSON")),
        ("the U.S. said", ("the U.S.", "GPE"), ("U.S.", "GPE")),
        ("now Ursula von der Leyen spoke", ("Ursula von", "PERSON"), ("Ursula von der Leyen", "PERSON")),
        ("see Putin Threatens War", ("Putin Threatens", "PERSON"), ("Putin", "PERSON")),
        ("in Venezuela now", ("Venezuela", "PERSON"), ("Venezuela", "GPE")),
        ("two Israelis", ("Israelis", "ORG"), ("Israelis", "NORP")),
        ("the Acme Motors works", ("Acme Motors", "PERSON"), ("Acme Motors", "ORG")),
        ("at Trump Tower now", ("Trump Tower", "PERSON"), ("Trump Tower", "FAC")),
        ("the EU said", ("EU", "GPE"), ("EU", "ORG")),
    ],
)
def test_a_span_is_trimmed_and_labelled(text: str, marked: tuple[str, str], expected: tuple[str, str]) -> None:
    """Articles, possessives, titles and headline verbs are no part of a name; what a name is follows from its words."""
    assert right(text, marked) == [expected]


def test_people_of_a_list_are_several() -> None:
    """A comma, a star or a verb stands between people."""
    assert right("Xi, Putin * Modi Meets Lula here", ("Xi, Putin * Modi Meets Lula", "PERSON")) == [
        ("Xi", "PERSON"),
        ("Putin", "PERSON"),
        ("Modi", "PERSON"),
        ("Lula", "PERSON"),
    ]


def test_no_name_crosses_a_line() -> None:
    """What follows a line's end or a slash is another thing."""
    assert right("said Putin\nRussia", ("Putin\nRussia", "PERSON"))[0] == ("Putin", "PERSON")
    assert right("REUTERS/Jane Doe", ("REUTERS/Jane Doe", "ORG"))[0] == ("REUTERS", "ORG")


def test_a_surname_is_a_person() -> None:
    """A surname inherits the person, and an entity is copied to its other places, but not into longer names."""
    text = "Olaf Scholz spoke. Scholz left. Then Scholz came to the Scholz Park."
    assert right(text, ("Olaf Scholz", "PERSON"), ("Scholz left", "ORG")) == [
        ("Olaf Scholz", "PERSON"),
        ("Scholz left", "ORG"),
        ("Scholz", "PERSON"),
    ]
    assert right("Olaf Scholz spoke. Then came Scholz.", ("Olaf Scholz", "PERSON"))[1:] == [("Scholz", "PERSON")]


def test_a_dateline_is_a_place() -> None:
    """The city before the agency's name is a place though it shouts."""
    assert right("TOLEDO (Reuters) - Shares fell.")[0] == ("TOLEDO", "GPE")


def test_what_only_looks_like_a_name_is_dropped() -> None:
    """COVID-19 is nobody."""
    assert right("the COVID-19 wave", ("COVID-19", "ORG")) == []


@given(st.text(alphabet="AbPutin .,'’s\n/*()-the", max_size=80), st.data())
def test_spans_stay_in_order_and_apart(text: str, data: st.DataObject) -> None:
    """Whatever the recogniser marks, what comes out is inside the text, not empty, in order and not overlapping."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    marked = [Span(a, b, data.draw(st.sampled_from(["PERSON", "ORG", "GPE"]))) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    at = 0
    for start, end, _ in put_right(text, marked):
        assert at <= start < end <= len(text)
        at = end
