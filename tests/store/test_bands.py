"""The bands of SQLite: a log that several processes add to, looked up in the memory of each."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.store.sqlite.bands import SqliteBands
from pipeline.store.sqlite.database import Database


def test_what_others_add_is_found(tmp_path: Path):
    """Two on one file, and one that comes later, find the same."""
    one, other = (SqliteBands(Database(tmp_path / "store.db")) for _ in range(2))
    one.keep({"a": [1, 2]})
    assert other.sharing({"b": [1, 2]}, 2) == {"b": ["a"]}
    other.keep({"b": [1, 2]})
    assert one.sharing({"c": [2, 1]}, 2) == {"c": ["a", "b"]}
    assert SqliteBands(Database(tmp_path / "store.db")).sharing({"c": [2, 1]}, 2) == {"c": ["a", "b"]}


def test_the_oldest_texts_are_forgotten(tmp_path: Path):
    """Memory stays as large as the window, also of one that begins on a long log."""
    database = Database(tmp_path / "store.db")
    bands = SqliteBands(database, window=8)
    for n in range(40):
        bands.keep({f"s{n}": [1, n + 10]})
        bands.sharing({"x": [1]}, 1)
    for each in (bands, SqliteBands(database, window=8)):
        assert each.sharing({"x": [1, 49]}, 2) == {"x": ["s39"]}
        assert len(each.sharing({"x": [1]}, 1)["x"]) <= 9
        assert each.sharing({"x": [1, 10]}, 2) == {"x": []}


def test_a_page_that_is_edited_over_and_over_pushes_out_no_other(tmp_path: Path):
    """What it said before takes no place among the texts that one band brings."""
    bands = SqliteBands(Database(tmp_path / "store.db"))
    bands.keep({"still": [7, 8]})
    for n in range(60):
        bands.keep({"live": [7, 8, 100 + n]})
        assert bands.sharing({"x": [7, 8]}, 2) == {"x": ["live", "still"]}
    assert SqliteBands(Database(tmp_path / "store.db")).sharing({"x": [7, 8]}, 2) == {"x": ["live", "still"]}


def test_the_log_is_kept_as_long_as_anybody_looks_through_it(tmp_path: Path):
    """What is behind the window goes, and is found by nobody who begins later; a text that was kept again counts once."""
    database = Database(tmp_path / "store.db")
    bands = SqliteBands(database, window=4)
    for n in range(12):
        bands.keep({f"s{n % 6}": [n, n + 1]})
    bands.forget()
    assert list(bands.all()) == [(f"s{n % 6}", [n, n + 1]) for n in range(8, 12)]
    assert list(SqliteBands(database).all()) == list(bands.all())
    assert SqliteBands(database).sharing({"x": [3, 4], "y": [10, 11]}, 2) == {"x": [], "y": ["s4"]}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.integers(0, 6), max_size=4), max_size=4), max_size=12))
def test_any_runs_find_what_a_look_at_each_finds(tmp_path_factory, batches: list[dict[str, list[int]]]):
    """However the texts were added, those whose last bands share two are found, and no others."""
    bands = SqliteBands(Database(tmp_path_factory.mktemp("bands") / "store.db"))
    last = {story_id: set(its) for batch in batches for story_id, its in batch.items()}
    for batch in batches:
        bands.keep(batch)
        bands.sharing({}, 1)
    for asked in ([0, 1, 2], [3, 4], [5]):
        expected = {story_id for story_id, its in last.items() if len(its & set(asked)) >= 2}
        assert expected == set(bands.sharing({"x": asked}, 2)["x"])
