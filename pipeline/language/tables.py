"""The tables this stage carries in `data/`: tab-separated, a comment line first. Where they are from: docs/attribution.md."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def rows(table: str) -> list[list[str]]:
    """The rows of a table, each its cells."""
    lines = (files("pipeline.language") / "data" / table).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def word_list(name: str) -> frozenset[str]:
    """A list of `word_lists.tsv`."""
    return _word_lists()[name]


@cache
def _word_lists() -> dict[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in rows("word_lists.tsv")}
