"""What a search asks for, as a tree that every store answers alike. `search/language.py` makes it of what people type.

    Query = Words | Fuzzy | Term | Published | All | Either | Not

Words are folded as `words.py` has it, terms as `terms.py` has it: a store compares, and never thinks about spelling. Not tuples, as
what flows is: as tuples "all of nothing" and "any of nothing" would be equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from pipeline.model import Field
from pipeline.store.terms import Term


@dataclass(frozen=True, slots=True)
class Words:
    """A word, or several that stand next to each other in this order, in one field."""

    words: tuple[str, ...]
    """Folded, at least one."""
    is_prefix: bool = False
    """Whether the last may go on."""
    field: Field | None = None
    """Title or text; either where None."""


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """A word that is at most `edits` letters put in, left out, changed or swapped with the next away; the first letter stands."""

    word: str
    edits: int
    """1 or 2."""
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """Published from `since` to before `until`, whole seconds UTC; None is open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class All:
    """Meets every part; without parts, every story does."""

    parts: tuple[Query, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """Meets a part or more; without parts, no story does."""

    parts: tuple[Query, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """Does not meet `part`."""

    part: Query


Query: TypeAlias = Words | Fuzzy | Term | Published | All | Either | Not

EVERYTHING = All()
NOTHING = Either()


def wanted(query: Query) -> list[Words | Fuzzy]:
    """The words that a story found by `query` may hold because of it: those not under a `Not`, for marking them."""
    if isinstance(query, Words | Fuzzy):
        return [query]
    if isinstance(query, All | Either):
        return [each for part in query.parts for each in wanted(part)]
    return []
