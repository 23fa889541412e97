"""A search request as an FTS5 MATCH expression. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.store.roles import SearchRequest
from pipeline.store.sqlite import tokens

_WORD = re.compile(r"\w+", re.UNICODE)


def expression(request: SearchRequest) -> str | None:
    """The MATCH expression of `request`; None where it asks for nothing that the index holds (all stories meet it).

    Several words, entities and pairs must all be met; of several topics, sources, feeds, languages or events, any.
    """
    return " AND ".join(_conditions(request)) or None


def terms(request: SearchRequest) -> list[str]:
    """The single words that `request` asks for, a prefix with its `*`, for marking them in a text."""
    return [
        word + "*" * (asked.endswith("*") and word == words[-1])
        for asked in request.words
        for words in (_WORD.findall(asked),)
        for word in words
    ]


def _conditions(request: SearchRequest) -> Iterator[str]:
    # What is rare first: FTS5 walks the first list and skips in the others.
    for a, b in request.pairs:
        yield _tags([tokens.pair(a, b)])
    for name in request.entities:
        yield _tags([tokens.entity(name)])
    for kind, asked in (
        (tokens.event, request.events),
        (tokens.feed, request.feeds),
        (tokens.source, request.sources),
        (tokens.topic, request.topics),
        (tokens.language, request.languages),
    ):
        if asked:
            yield _tags(map(kind, asked))
    if request.originals_only:
        yield _tags([tokens.ORIGINAL])
    for word in request.words:
        yield f"{{title body}} : {_phrase(word)}"


def _tags(asked: Iterable[str]) -> str:
    return f"tags : ({' OR '.join(asked)})"


def _phrase(asked: str) -> str:
    """A word, prefix or phrase, quoted: nothing in it is an operator. One without a letter or digit is met by no story."""
    words = " ".join(_WORD.findall(asked))
    return f'"{words}"' + (" *" if words and asked.endswith("*") else "") if words else '"xnothingatall"'
