"""What a word is, the same for every store: texts are folded here before they are indexed, and so is what is asked for.

Folded is without case, accents and typographic forms. A word is a run of letters, digits and marks; a Chinese or Japanese character
is a word of its own, so that such a text is found by any part of it, as a phrase.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache

LONGEST = 200
"""Code points of the longest word: what is longer is several."""

_REMEMBERED = range(200, 20_000)
"""Code points of a text whose words are remembered for the next step of its way: a few steps of the chain ask for them."""

_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()}
_BLANKS_IN_LINES = {**_BLANKS, ord("\n"): "\n"}
_OTHER = re.compile(r"[^\x00-\x7f]")
_WORD = re.compile(rf"[0-9a-z\x80-\U0010ffff]{{1,{LONGEST}}}")
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# Letters that Unicode does not take apart, and people type without.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ŧ": "t", "ı": "i", "ŋ": "n"}
)


class _Folded(dict[str, str]):
    """Each character that is not ASCII, folded when it is first met: there are some hundreds in any news."""

    def __missing__(self, char: str) -> str:
        decomposed = unicodedata.normalize("NFKD", char).casefold().translate(_PLAIN)
        plain = "".join(part for part in decomposed if not "\u0300" <= part <= "\u036f")
        self[char] = folded = "".join(map(_as_word, unicodedata.normalize("NFC", plain)))
        return folded


def _as_word(char: str) -> str:
    if _IDEOGRAPHS.match(char):
        return f" {char} "
    category = unicodedata.category(char)
    if category[0] in "LNM":
        return char.lower()
    return "" if category == "Cf" else char if char.isascii() else " "


_FOLDED = _Folded()


def folded(text: str) -> str:
    """`text` in which every code point of a word is an ASCII letter or digit or not ASCII, and everything else is ASCII.

    So a store's tokenizer has only ASCII to look at; `split` takes it apart the same way.
    """
    if not text.isascii():
        text = _OTHER.sub(lambda match: _FOLDED[match.group()], text)
    return text.lower()


def split(plain: str) -> list[str]:
    """The words of a text that is folded already, in order."""
    plain = plain.translate(_BLANKS)
    found = plain.split()
    if _may_have_endless_words(plain):
        return [word[at : at + LONGEST] for word in found for at in range(0, len(word), LONGEST)]
    return found


def split_lines(plain: str) -> list[list[str]]:
    """The words of each line of a text that is folded already, in order."""
    return [line.split() for line in plain.translate(_BLANKS_IN_LINES).split("\n")]


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, folded, in order."""
    return _remembered(text) if len(text) in _REMEMBERED else tuple(split(folded(text)))


def spelled(text: str) -> str:
    """The words of `text`, folded, with blanks between them: what a tokenizer that knows blanks only takes apart as we do."""
    plain = folded(text).translate(_BLANKS)
    return " ".join(words(text)) if _may_have_endless_words(plain) else plain


def _may_have_endless_words(plain: str) -> bool:
    """Whether one of the words with blanks between them may be longer than the longest: that fills one of these stretches."""
    stretch = LONGEST // 2
    return any(" " not in plain[at : at + stretch] for at in range(0, len(plain), stretch))


class WordNumbers(dict[str, int]):
    """A number for each word, remembered: in half the time that `lru_cache` takes. Forgets all when there are too many.

    Safe to use from several threads: at worst a number is found twice.
    """

    def __init__(self, number: Callable[[str], int], most: int = 20_000) -> None:
        super().__init__()
        self._number = number
        self._most = most

    def __missing__(self, word: str) -> int:
        if len(self) >= self._most:
            self.clear()
        self[word] = number = self._number(word)
        return number


@lru_cache(maxsize=256)
def _remembered(text: str) -> tuple[str, ...]:
    return tuple(split(folded(text)))


@lru_cache(maxsize=16_384)
def name(text: str) -> str:
    """A name without case, accents, punctuation and superfluous blanks: how names are compared in a search."""
    return " ".join(words(text)) or text.strip()


def spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Each word of `text`, folded, with where it stands; of a character that folds to two words both stand in its place."""
    plain, moves = _moves(text)
    for match in _WORD.finditer(plain):
        start, last = _origin(moves, match.start()), _origin(moves, match.end() - 1)
        yield start, max(last + 1, _origin(moves, match.end())), match.group()


def _moves(text: str) -> tuple[str, list[tuple[int, int]]]:
    """`text` folded, and from which place in that on the original is how much further on."""
    parts, moves, done, length = [], [(0, 0)], 0, 0
    for match in _OTHER.finditer(text):
        at, plain = match.start(), _FOLDED[match.group()]
        parts += [text[done:at].lower(), plain]
        length += at - done
        if len(plain) != 1:
            moves += [(length + n, at - length - n) for n in range(len(plain))]
            moves.append((length + len(plain), at + 1 - length - len(plain)))
        done, length = at + 1, length + len(plain)
    return "".join([*parts, text[done:].lower()]), moves


def _origin(moves: list[tuple[int, int]], at: int) -> int:
    return at + moves[bisect_right(moves, (at, sys.maxsize)) - 1][1]
