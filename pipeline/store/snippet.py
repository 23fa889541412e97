"""A line of a text around the words that were asked for; no store's index keeps the text as it was written. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import OSA

from pipeline.store.query import Fuzzy, Query, Words, wanted
from pipeline.store.words import spans

OPEN, CLOSE = "\ue000", "\ue001"
_BEFORE = 60
_LENGTH = 220

Span = tuple[int, int, str]


def snippet(text: str, query: Query) -> str:
    """About 220 code points of `text` around the first match of what `query` asks for, each match marked.

    Empty where it asks for no words; the beginning of the text where none occurs in it (it matched by title).
    """
    asked = [each for each in wanted(query) if each.field != "title"]
    if not asked:
        return ""
    placed = list(spans(text))
    matches = _apart(sorted({match for each in asked for match in _matches(placed, each)}))
    start = _word_boundary(placed, max(0, matches[0][0] - _BEFORE), matches[0][0]) if matches else 0
    end = max(min(len(text), start + _LENGTH), matches[0][1] if matches else 0)
    parts, at = ["…" if start else ""], start
    for first, last in matches:
        if last <= end:
            parts += [text[at:first], OPEN, text[first:last], CLOSE]
            at = last
    return " ".join("".join([*parts, text[at:end], "…" if end < len(text) else ""]).split())


def _matches(placed: Sequence[Span], asked: Words | Fuzzy) -> Iterator[tuple[int, int]]:
    """Where a word, a phrase or what resembles a word stands."""
    if isinstance(asked, Fuzzy):
        yield from ((start, end) for start, end, word in placed if is_like(word, asked))
        return
    whole, last = list(asked.words[:-1]), asked.words[-1]
    for at in range(len(placed) - len(whole)):
        start, end, word = placed[at + len(whole)]
        if (word == last or (asked.is_prefix and word.startswith(last))) and [w for *_, w in placed[at : at + len(whole)]] == whole:
            yield (placed[at][0] if whole else start), end


def is_like(word: str, asked: Fuzzy) -> bool:
    """Whether `word` is one that `asked` means."""
    return word[0] == asked.word[0] and OSA.distance(word, asked.word, score_cutoff=asked.edits) <= asked.edits


def _apart(matches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """`matches`, in order, without those that begin within the one before."""
    apart: list[tuple[int, int]] = []
    for start, end in matches:
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


def _word_boundary(placed: Sequence[Span], at: int, latest: int) -> int:
    """Where the first word begins that does not begin before `at`."""
    if at == 0:
        return 0
    following = bisect_left(placed, (at,))
    return min(latest, placed[following][0]) if following < len(placed) else latest
