"""A line of a text around the words that were asked for. Pure; FTS5 cannot do it, as the index keeps no text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.store.sqlite.tokens import folded

OPEN, CLOSE = "\ue000", "\ue001"
_WORD = re.compile(r"\w+", re.UNICODE)
_BEFORE = 60
_LENGTH = 220


def snippet(text: str, terms: Sequence[str]) -> str:
    """About 220 code points of `text` around the first match of `terms` (a trailing `*` is a prefix), each match marked.

    Empty where there are no terms; the beginning of the text where none occurs in it (it matched by title).
    """
    if not terms:
        return ""
    wanted = [(term.rstrip("*"), term.endswith("*")) for term in map(folded, terms)]
    spans = [match.span() for match in _WORD.finditer(text) if _is_wanted(folded(match.group()), wanted)]
    start = _word_boundary(text, max(0, spans[0][0] - _BEFORE)) if spans else 0
    end = min(len(text), start + _LENGTH)
    parts, at = ["…" if start else ""], start
    for first, last in spans:
        if last <= end:
            parts += [text[at:first], OPEN, text[first:last], CLOSE]
            at = last
    return " ".join("".join([*parts, text[at:end], "…" if end < len(text) else ""]).split())


def _is_wanted(word: str, wanted: Sequence[tuple[str, bool]]) -> bool:
    return any(word.startswith(term) if is_prefix else word == term for term, is_prefix in wanted)


def _word_boundary(text: str, at: int) -> int:
    space = text.find(" ", at, at + _BEFORE)
    return at if at == 0 or space < 0 else space + 1
