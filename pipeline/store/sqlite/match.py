"""A query as FTS5 MATCH expressions with the time each is for. Pure, but for the words it asks the index's vocabulary for.

Publication is no posting list: row ids are in order of it, and a range of row ids is what FTS5 skips to. So a query is taken apart
into alternatives that each hold for one stretch of time; nearly always that is one alternative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, assert_never

from pipeline.errors import ConfigError
from pipeline.store.query import EVERYTHING, NOTHING, All, Either, Fuzzy, Not, Published, Query, Words
from pipeline.store.sqlite.tokens import token
from pipeline.store.terms import STORY, Term

MOST_ALTERNATIVES = 64
MOST_ENDINGS = 256
"""Words that a prefix is spelled out as: that is far quicker than FTS5's own prefixes, which are read to their end."""

_NOTHING = "tags : nothing"
_FILTERS = ("pair", "watch", "event", "entity", "feed", "topic", "source", "language", "is")


class Vocabulary(Protocol):
    """The words of all texts."""

    def beginning(self, prefix: str, limit: int) -> Sequence[str]:
        """Up to `limit` words that begin with `prefix`."""

    def like(self, asked: Fuzzy) -> Sequence[str]:
        """The words that `asked` means."""


class Alternative(NamedTuple):
    """Stories of one stretch of time that meet an expression."""

    match: str | None
    """None where every story does."""
    since: datetime | None
    until: datetime | None


def alternatives(query: Query, vocabulary: Vocabulary) -> list[Alternative]:
    """What together finds the stories that `query` does. Raises `ConfigError` where dates are combined in too many ways."""
    return [
        Alternative(None if part == EVERYTHING else _expression(part, vocabulary), during.since, during.until)
        for part, during in _timed(query)
        if part != NOTHING and (during.since is None or during.until is None or during.since < during.until)
    ]


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_Timed = list[tuple[Query, Published]]
_ALWAYS = Published()


def _timed(query: Query) -> _Timed:
    """`query` as alternatives without a date in them, each with the time it is for."""
    match query:
        case Published():
            return [(EVERYTHING, query)]
        case All(parts) if _is_dated(query):
            found: _Timed = [(All(tuple(part for part in parts if not _is_dated(part))), _ALWAYS)]
            for part in filter(_is_dated, parts):
                found = _bounded([(_both(a, b), _overlap(x, y)) for a, x in found for b, y in _timed(part)])
            return found
        case Either(parts) if _is_dated(query):
            plain = Either(tuple(part for part in parts if not _is_dated(part)))
            return _bounded([(plain, _ALWAYS), *(each for part in parts if _is_dated(part) for each in _timed(part))])
        case Not(part) if _is_dated(query):
            return _timed(_negated(part))
        case _:
            return [(query, _ALWAYS)]


def _is_dated(query: Query) -> bool:
    match query:
        case Published():
            return True
        case All(parts) | Either(parts):
            return any(map(_is_dated, parts))
        case Not(part):
            return _is_dated(part)
        case _:
            return False


def _negated(query: Query) -> Query:
    match query:
        case Published(since, until):
            before, after = Published(None, since), Published(until, None)
            return Either(tuple(part for part, bound in ((before, since), (after, until)) if bound))
        case All(parts):
            return Either(tuple(map(_negated, parts)))
        case Either(parts):
            return All(tuple(map(_negated, parts)))
        case Not(part):
            return part
        case _:
            return Not(query)


def _both(a: Query, b: Query) -> Query:
    return b if a == EVERYTHING else a if b == EVERYTHING else All((a, b))


def _overlap(a: Published, b: Published) -> Published:
    since = max((bound for bound in (a.since, b.since) if bound), default=None)
    return Published(since, min((bound for bound in (a.until, b.until) if bound), default=None))


def _bounded(found: _Timed) -> _Timed:
    if len(found) > MOST_ALTERNATIVES:
        raise ConfigError("search: dates are combined in too many ways; put them at the end, after AND")
    return found


# ── words and filters ────────────────────────────────────────────────────────────────────────────────────────────


def _expression(query: Query, vocabulary: Vocabulary) -> str:
    match query:
        case Words():
            return _words(query, vocabulary)
        case Fuzzy():
            return _any_of([_quoted([word]) for word in vocabulary.like(query)], query.field)
        case Term():
            return f"tags : {token(query)}"
        case All(parts):
            return _all(parts, vocabulary)
        case Either(parts):
            return " OR ".join(f"({_expression(part, vocabulary)})" for part in parts) or _NOTHING
        case Not():
            return _all((query,), vocabulary)
        case Published():
            raise ValueError("dates are taken out before")
        case _ as never:
            assert_never(never)


def _all(parts: Iterable[Query], vocabulary: Vocabulary) -> str:
    """What is rare first, as FTS5 walks the first list and skips in the others; then what must not be there."""
    asked = sorted((part for part in parts if not isinstance(part, Not)), key=_commonness)
    refused = [part.part for part in parts if isinstance(part, Not)]
    expression = " AND ".join(f"({_expression(part, vocabulary)})" for part in asked or [STORY])
    for part in refused:
        expression = f"({expression}) NOT ({_expression(part, vocabulary)})"
    return expression


def _commonness(query: Query) -> int:
    return _FILTERS.index(query.kind) if isinstance(query, Term) else len(_FILTERS)


def _words(asked: Words, vocabulary: Vocabulary) -> str:
    if not asked.is_prefix:
        return _any_of([_quoted(asked.words)], asked.field)
    if len(asked.words) == 1:
        endings = vocabulary.beginning(asked.words[0], MOST_ENDINGS + 1)
        if len(endings) <= MOST_ENDINGS:
            return _any_of([_quoted([word]) for word in endings], asked.field)
    return _any_of([_quoted(asked.words) + " *"], asked.field)


def _any_of(phrases: Sequence[str], field: str | None) -> str:
    columns = {"title": "title", "text": "body", None: "{title body}"}[field]
    return f"{columns} : ({' OR '.join(phrases)})" if phrases else _NOTHING


def _quoted(words: Sequence[str]) -> str:
    return '"' + " ".join(words) + '"'
