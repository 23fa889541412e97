"""Which words are taken for known: only such as were kept, however many there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.sqlite.vocabulary import Vocabulary


@given(st.lists(st.lists(st.text("abc", min_size=1, max_size=4))))
def test_a_word_is_new_until_it_is_remembered(batches: list[list[str]]) -> None:
    vocabulary, kept = Vocabulary(), set[str]()
    for words in batches:
        fresh = vocabulary.unknown(words)
        assert fresh == sorted(set(fresh))
        assert set(words) - set(fresh) <= kept
        vocabulary.remember(fresh)
        kept |= set(fresh)


def test_what_comes_again_is_known_and_what_is_pushed_out_is_not_lost() -> None:
    """Of more words than there are places some are written once more, and none is passed over."""
    vocabulary, words = Vocabulary(), [f"word{at}" for at in range(400_000)]
    assert vocabulary.unknown(words) == sorted(words)
    vocabulary.remember(words)
    again = vocabulary.unknown(words)
    assert 0 < len(again) < len(words) / 2
    vocabulary.remember(again[:1])
    assert vocabulary.unknown(again[:1]) == []
