"""A query in Elasticsearch's language. Pure: everything is compared as it stands, nothing is analysed there but by blanks."""

from __future__ import annotations

from typing import Any, assert_never

from pipeline.store.elasticsearch.documents import keyword
from pipeline.store.query import All, Either, Fuzzy, Not, Published, Query, Words
from pipeline.store.terms import Term

_FIELDS = {"title": ("title_words",), "text": ("text_words",), None: ("title_words", "text_words")}
_BOOSTS = {"title_words": 4.0, "text_words": 1.0}
_MOST_EXPANSIONS = 1_024

Clause = dict[str, Any]


def clause(query: Query) -> Clause:
    """The query clause of `query`."""
    match query:
        case Words():
            return _in_fields(query.field, lambda field: _words(field, query))
        case Fuzzy():
            return _in_fields(query.field, lambda field: _fuzzy(field, query))
        case Term():
            return {"bool": {"filter": {"term": {"terms": keyword(query)}}}}
        case Published():
            return {"bool": {"filter": _published(query)}}
        case All(parts):
            return _all(parts)
        case Either(parts):
            return (
                {"bool": {"should": [clause(part) for part in parts], "minimum_should_match": 1}} if parts else {"match_none": {}}
            )
        case Not(part):
            return {"bool": {"filter": {"match_all": {}}, "must_not": clause(part)}}
        case _ as never:
            assert_never(never)


def from_place(place: str, *, newer: bool) -> Clause:
    """Stories at `place` and on the newer or the older side of it."""
    second, _, story_id = place.partition(".")
    compare = "gt" if newer else "lt"
    tie = {"bool": {"filter": [{"term": {"second": int(second)}}, {"range": {"story_id": {compare + "e": story_id}}}]}}
    return {"bool": {"should": [{"range": {"second": {compare: int(second)}}}, tie], "minimum_should_match": 1}}


def _all(parts: tuple[Query, ...]) -> Clause:
    asked = [clause(part) for part in parts if not isinstance(part, Not)]
    refused = [clause(part.part) for part in parts if isinstance(part, Not)]
    if not asked:
        return {"bool": {"filter": {"match_all": {}}, "must_not": refused}}
    return {"bool": {"must": asked, "must_not": refused}}


def _in_fields(field: str | None, of: Any) -> Clause:
    clauses = [of(name) for name in _FIELDS[field]]
    return clauses[0] if len(clauses) == 1 else {"dis_max": {"queries": clauses}}


def _words(field: str, asked: Words) -> Clause:
    text, boost = " ".join(asked.words), _BOOSTS[field]
    if asked.is_prefix and len(asked.words) == 1:
        return {"prefix": {field: {"value": text, "boost": boost}}}
    if asked.is_prefix:
        return {"match_phrase_prefix": {field: {"query": text, "max_expansions": _MOST_EXPANSIONS, "boost": boost}}}
    if len(asked.words) == 1:
        return {"term": {field: {"value": text, "boost": boost}}}
    return {"match_phrase": {field: {"query": text, "boost": boost}}}


def _fuzzy(field: str, asked: Fuzzy) -> Clause:
    return {
        "fuzzy": {
            field: {
                "value": asked.word,
                "fuzziness": asked.edits,
                "prefix_length": 1,
                "max_expansions": _MOST_EXPANSIONS,
                "boost": _BOOSTS[field],
            }
        }
    }


def _published(asked: Published) -> Clause:
    bounds: dict[str, int] = {}
    if asked.since:
        bounds["gte"] = int(asked.since.timestamp())
    if asked.until:
        bounds["lt"] = int(asked.until.timestamp())
    return {"range": {"second": bounds}}
