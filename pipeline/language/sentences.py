"""Where sentences begin and end, by rule. Time grows with the text alone, whatever is in it.

It does not try to mend running text without spaces after its full stops. The marks are those of most scripts, the abbreviations
those of English news.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.language.tables import word_list
from pipeline.model import Field, Sentence

MOST_SENTENCES = 10_000
"""The last one takes the rest of the text: a story has thirty, and what flows is kept small."""

_CLOSING = "\"'”’»)\\]"
_STOP = re.compile(
    r"[.!?…。！？؟۔।॥։።]"  # one set for all: the engine looks for its members far faster than it tries alternatives
    rf"(?:(?<=[.!?…])(?<![.!?…]{{2}})[.!?…]*+[{_CLOSING}]*+(?=\s)|(?<=[。！？])[。！？]*+[」』”]*+|(?<=[؟۔।॥։።])[؟۔।॥։።]*+(?=\s))"
)
_ALWAYS_LAST = frozenset("。！？؟۔।॥։።")
"""Marks of other scripts that nothing else is written with."""
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘—–/-]+$")
_FIRST_WORD = re.compile(r"\s*[\"'“‘«(\[]*\s?([^\s\"'“”’)\],;:]*)")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+")

_NEVER_LAST = word_list("never last")
_SELDOM_LAST = word_list("seldom last")
_OPENERS = word_list("sentence openers")
"""Words that open a sentence where an abbreviation stands before them; a name does not tell."""


def sentences(title: str, text: str) -> tuple[Sentence, ...]:
    """The sentences of a story in order: the title as one in paragraph 0, then those of the text, a paragraph a line.

    Offsets are code points into the field; white space around a sentence belongs to none. Empty fields have no sentence.
    """
    found = [] if not title.strip() else [_stripped("title", title, 0, len(title), 0)]
    for paragraph, (start, end) in enumerate(_lines(text), 1):
        for first, last in _split(text, start, end):
            if len(found) >= MOST_SENTENCES:
                found[-1] = found[-1]._replace(end=len(text.rstrip()))
                return tuple(found)
            found.append(_stripped("text", text, first, last, paragraph))
    return tuple(found)


def _stripped(field: Field, text: str, start: int, end: int, paragraph: int) -> Sentence:
    """The sentence at an already non-blank stretch, without the white space around it."""
    while text[start].isspace():
        start += 1
    while text[end - 1].isspace():
        end -= 1
    return Sentence(field, start, end, paragraph)


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """The lines that hold anything."""
    start = 0
    for line in text.splitlines(keepends=True):
        if not line.isspace():
            yield start, start + len(line)
        start += len(line)


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for stop in _STOP.finditer(text, start, end):
        if _ends_sentence(text, start, stop, end):
            yield start, stop.end()
            start = stop.end()
    if text[start:end].strip():
        yield start, end


def _ends_sentence(text: str, start: int, stop: re.Match[str], end: int) -> bool:
    mark = stop[0]
    if mark[0] in _ALWAYS_LAST:
        return True
    is_stop = mark[0] == "." and not mark.startswith("..")
    last = _word_before(text, max(start, stop.start() - 30), stop.start()) + "." if is_stop else ""
    if text[stop.end() + 1 : stop.end() + 2].isupper() and not _is_short(last):
        return True  # nine times in ten
    following = _FIRST_WORD.match(text, stop.end(), min(end, stop.end() + 40))
    word = following[1] if following else ""
    return not word[:1].islower() and (not is_stop or _may_end(last, word, closed=len(mark) > 1))


def _is_short(last: str) -> bool:
    """Whether a word with a full stop may be short for another."""
    lower = last.lower()
    return lower in _NEVER_LAST or lower in _SELDOM_LAST or last[1:2] == "."


def _word_before(text: str, start: int, end: int) -> str:
    """The word that ends at `end`, as far as it stands behind `start`."""
    word = text[max(start, text.rfind(" ", start, end) + 1) : end]
    if word.isalpha():
        return word
    found = _LAST_WORD.search(word)
    return found[0] if found else ""


def _may_end(last: str, following: str, *, closed: bool) -> bool:
    """Whether a word with a full stop may end a sentence that `following` would follow."""
    lower = last.lower()
    if lower in _NEVER_LAST:
        return lower == "no." and not following[:1].isdigit()
    if lower in _SELDOM_LAST or (last[1:2] == "." and last != "I." and _INITIALS.fullmatch(last)):
        return closed or following.lower() in _OPENERS or not following
    return True
