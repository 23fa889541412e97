"""What is remembered of documents: only just that version, and only so many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.elasticsearch.remembered import Remembered


def test_another_version_is_not_remembered() -> None:
    remembered = Remembered[str](5)
    remembered.keep({"a": ((1, 1), "old"), "b": ((2, 1), "b")})
    remembered.keep({"a": ((3, 1), "new")})
    assert remembered.at({"a": (1, 1), "b": (2, 1), "c": (3, 1)}) == {"b": "b"}
    assert remembered.at({"a": (3, 1), "b": (2, 2)}) == {"a": "new"}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefg")), max_size=60))
def test_what_was_asked_for_longest_ago_is_forgotten(steps: list[tuple[bool, str]]) -> None:
    """Kept or found counts as asked for; of three that fit the last three are there."""
    remembered, last = Remembered[str](3), list[str]()
    for is_kept, id in steps:
        if is_kept:
            remembered.keep({id: ((1, 1), id)})
        was_there = id in last
        assert is_kept or remembered.at({id: (1, 1)}) == ({id: id} if was_there else {})
        if is_kept or was_there:
            last = [*(each for each in last if each != id), id][-3:]
    assert remembered.at(dict.fromkeys("abcdefg", (1, 1))).keys() == set(last)
