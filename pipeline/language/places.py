"""Countries and regions by any of their names, demonyms and capitals, from `data/countries.tsv`."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from pipeline.language.tables import rows


class Places(NamedTuple):
    """Three tables; the first is keyed by case-folded words, the others hold names as written."""

    country_of: dict[str, str]
    """The country's common name for each of its names and demonyms (plural too), and the state's for its abbreviation."""
    names: frozenset[str]
    """Names of countries and regions, and capitals."""
    demonyms: frozenset[str]


@cache
def places() -> Places:
    """The tables, read once a process."""
    country_of: dict[str, str] = {}
    names: set[str] = set()
    demonyms: set[str] = set()
    for name, others, adjectives, capitals in rows("countries.tsv"):
        written = [name, *_cells(others)]
        peoples = [form for adjective in _cells(adjectives) for form in _with_plural(adjective)]
        for form in (*written, *peoples):
            country_of.setdefault(form.casefold(), name)
        names.update(written, _cells(capitals))
        demonyms.update(peoples)
    for state, abbreviations in rows("states.tsv"):
        country_of.update((form.casefold(), state) for form in _cells(abbreviations))
    return Places(country_of, frozenset(names - demonyms), frozenset(demonyms))


def _cells(cell: str) -> list[str]:
    return cell.split("|") if cell else []


def _with_plural(adjective: str) -> tuple[str, ...]:
    return (adjective, adjective + "s") if adjective[-1] in "nic" else (adjective,)
