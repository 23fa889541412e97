"""Which words are taken for known: only such as were kept, however many there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.sqlite.vocabulary import Vocabulary
from pipeline.store.words import LONGEST


@given(st.lists(st.lists(st.text("abcé", min_size=1, max_size=4))))
def test_a_word_is_new_until_it_is_remembered(batches: list[list[str]]) -> None:
    vocabulary, kept = Vocabulary(), set[str]()
    for words in batches:
        fresh = vocabulary.unknown("  ".join(words))
        assert fresh == sorted(set(fresh))
        assert set(words) - set(fresh) <= kept
        vocabulary.remember(fresh)
        kept |= set(fresh)


def test_what_comes_again_is_known_and_what_is_pushed_out_is_not_lost() -> None:
    """Of more words than there are places some are written once more, and none is passed over."""
    vocabulary, words = Vocabulary(), [f"word{at}" for at in range(400_000)]
    assert vocabulary.unknown(" ".join(words)) == sorted(words)
    vocabulary.remember(words)
    again = vocabulary.unknown(" ".join(words))
    assert 0 < len(again) < len(words) / 2
    vocabulary.remember(again[:1])
    assert vocabulary.unknown(again[0]) == []


@given(st.integers(1, LONGEST), st.integers(0, LONGEST), st.sampled_from("aé漢𝄞"))
def test_a_word_is_the_same_wherever_it_stands(length: int, before: int, letter: str) -> None:
    """Whatever stands before it, and where a long text is cut for hashing: only the new words are new."""
    vocabulary, word = Vocabulary(), letter * length
    vocabulary.remember([word, "before"])
    assert vocabulary.unknown("before " * (10_000 + before) + f"{word} new{word} ") == [f"new{word}"]
