"""What tells an edit from another story under a guid or an address that was used again: words that say what it is about. No I/O.

Measured on 8,420 stories of BBC News with 18,425 wordings of title and summary: of all pairs of wordings of one story 6 in 45,588
share no telling word, and other wordings lead from the one to the other; of two stories of that time .84 share none, of two on US
politics .68.
"""

from __future__ import annotations

import re

LEAST_WORDS = 8
"""With fewer telling words on either side nobody can say: it counts as an edit."""

_OF_TITLE, _OF_TEXT = 12, 12
_STEM = 5
"""Letters of a word that count, a plural's s aside: "vaccines" and "vaccination" are one."""
_WORD = re.compile(r"[^\W\d_]\w+")
_IDLE_WORDS = (
    "a about above according after again against all also am an and any are as at be because been before being below "
    "between both breaking but by can could day days did do does doing down during each few first for friday from further "
    "get got had has have having he her here hers herself him himself his how i if in into is it its itself just last "
    "latest let like live made make many may me might monday more most much must my myself new news no nor not now of off "
    "on once one only or other our ours out over own people per read report reported reports said same saturday say says "
    "she should since so some still such sunday than that the their theirs them themselves then there these they this "
    "those through thursday to today told too tuesday two under until up update updates upon us use very via video was "
    "watch we wednesday week were what when where which while who whom why will with would year years yet you your yours "
    "mr mrs ms dr "
)
_IDLE = frozenset(_IDLE_WORDS.split())
"""Words of any news: they tell nothing."""


def telling_words(title: str, text: str) -> frozenset[str]:
    """The beginnings of the words that say what a story is about, of its title and the beginning of its text."""
    return frozenset((*_telling(title, _OF_TITLE), *_telling(text[: 60 * _OF_TEXT], _OF_TEXT)))


def tell_another(some: frozenset[str], others: frozenset[str]) -> bool:
    """Whether two wordings under one name are of two stories: each says what it is about, and they have nothing in common."""
    return min(len(some), len(others)) >= LEAST_WORDS and some.isdisjoint(others)


def _telling(text: str, most: int) -> list[str]:
    return [word.removesuffix("s")[:_STEM] for word in _WORD.findall(text.casefold()) if word not in _IDLE][:most]
