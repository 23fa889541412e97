"""Sentences by rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.sentences import MOST_SENTENCES, sentences


def split(text: str) -> list[str]:
    return [text[sentence.start : sentence.end] for sentence in sentences("", text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He left. She stayed.", ["He left.", "She stayed."]),
        ("Mr. Smith met Gov. Brown. They talked.", ["Mr. Smith met Gov. Brown.", "They talked."]),
        ("It is in the U.S. The law is new.", ["It is in the U.S.", "The law is new."]),
        ("The U.S. President spoke.", ["The U.S. President spoke."]),
        ("J. K. Rowling wrote it. It sold.", ["J. K. Rowling wrote it.", "It sold."]),
        ('"Really?" he asked. "Yes." She nodded.', ['"Really?" he asked.', '"Yes."', "She nodded."]),
        ("“We won.” He smiled.", ["“We won.”", "He smiled."]),
        ("Wait... and see. Then go!", ["Wait... and see.", "Then go!"]),
        ("It rose 3.5 percent at 5 p.m. Monday. Shares fell.", ["It rose 3.5 percent at 5 p.m. Monday.", "Shares fell."]),
        ("Apple Inc. said so. He said no. They left.", ["Apple Inc. said so.", "He said no.", "They left."]),
        ("No. 5 won. He came on Jan. 5.", ["No. 5 won.", "He came on Jan. 5."]),
        ("会谈结束。双方满意。", ["会谈结束。", "双方满意。"]),
    ],
)
def test_a_sentence_ends_where_a_reader_would_end_it(text: str, expected: list[str]) -> None:
    """Abbreviations, initials, decimals and quotations end no sentence of themselves."""
    assert split(text) == expected


def test_the_title_is_a_sentence_in_paragraph_nought() -> None:
    """The title comes first, in its own field and paragraph; a line break of the text starts a paragraph."""
    found = sentences(" A title ", "One. Two.\n\nThree.")
    assert [(s.field, s.paragraph, s.start, s.end) for s in found] == [
        ("title", 0, 1, 8),
        ("text", 1, 0, 4),
        ("text", 1, 5, 9),
        ("text", 2, 11, 17),
    ]


def test_empty_fields_have_no_sentence() -> None:
    """White space alone makes no sentence."""
    assert sentences(" ", "\n \n") == ()


@given(st.text(alphabet=st.sampled_from("aB.!?…\"'”)\n U0é。"), max_size=200))
def test_sentences_cover_the_text_in_order(text: str) -> None:
    """Sentences do not overlap, have no white space around them, and leave out nothing but white space."""
    found = sentences("", text)
    at = 0
    for sentence in found:
        assert text[at : sentence.start].strip() == ""
        piece = text[sentence.start : sentence.end]
        assert piece == piece.strip() != ""
        at = sentence.end
    assert text[at:].strip() == ""


@pytest.mark.parametrize("piece", ["x", '"', "...", '."', "A.", ". ", "\n", '. "'])
def test_hostile_text_is_split_all_the_same(piece: str) -> None:
    """A megabyte of one thing is split, into no more than so many sentences."""
    assert len(sentences("", piece * 500_000)) <= MOST_SENTENCES
