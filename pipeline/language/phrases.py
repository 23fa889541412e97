"""The key phrases of a story: a few words each, as the story writes them, none a fragment of another.

A phrase is a run of words between common words and punctuation (the candidates of RAKE: Rose et al., 2010) that the story repeats.
Part of a name is given as the whole name. A story that repeats little gives names it says once. English only; knows no grammar.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from pipeline.language.places import places
from pipeline.language.words import COMMON_WORDS

MOST_PHRASES = 8
_FEW = 3
"""With fewer repeated phrases than this, names said once are given too."""
_READ_AT_MOST = 10_000
_MOST_WORDS = 4
_LONGEST_WORD = 30
_WORTH = (1.0, 2.4, 3.0, 3.0)
"""What an occurrence counts for, by the number of words: two words tell more than twice one."""
_LEAST_COUNT = (3, 2, 2, 2)
_TOKEN = re.compile(r"[^\W\d_]\w*(?:[-.&]\w+|['’](?![sS]\b)\w+)*|[^\w\s'’]|['’](?=\w)|\n|\d\S*")
_ENDS_RUN = COMMON_WORDS | set(".,;:!?()[]\"“”|/—–'’\n")
_NO_NOUN = ("ed", "ly", "ing")

Words = tuple[str, ...]


def key_phrases(title: str, text: str, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Up to eight phrases of one to four words, the most telling first; none where there is nothing to tell.

    `names` are those of the story's entities, most mentioned first.
    """
    runs = [*_runs(text[:_READ_AT_MOST]), *_runs(title[:500])]
    counts, spelled = _repeated(runs)
    whole = _wholes(names)
    worth: dict[str, float] = {}
    for words, count in counts.items():
        phrase = _phrase(words, spelled[words], whole)
        if phrase and count >= _LEAST_COUNT[len(words) - 1]:
            worth[phrase] = max(worth.get(phrase, 0.0), count * _WORTH[len(phrase.split()[:_MOST_WORDS]) - 1])
    best = _apart(sorted(worth, key=lambda phrase: -worth[phrase]))
    return best if len(best) >= _FEW else _apart([*best, *said_once(names)])


def said_once(names: Sequence[str]) -> tuple[str, ...]:
    """The names of several words that share none: the phrases of a story in a language whose words are not known here."""
    return _apart(name for name in names[:MOST_PHRASES] if " " in name)


def _runs(text: str) -> list[list[str]]:
    """The stretches between common words, numbers and punctuation; a possessive ends one."""
    runs: list[list[str]] = []
    run: list[str] = []
    for token in _TOKEN.findall(text):
        if token in _ENDS_RUN or token.lower() in _ENDS_RUN or not token[0].isalpha() or not 1 < len(token) <= _LONGEST_WORD:
            if run:
                runs.append(run)
                run = []
        else:
            run.append(token)
    return [*runs, run] if run else runs


def _repeated(runs: Sequence[list[str]]) -> tuple[dict[Words, int], dict[Words, str]]:
    """How often each phrase of repeated words occurs, and its spelling: as first written, in lower case if it ever is."""
    lowered = [[word.lower() for word in run] for run in runs]
    singles = Counter(chain.from_iterable(lowered))
    counts: dict[Words, int] = {}
    spelled: dict[Words, str] = {}
    for run, lower in zip(runs, lowered, strict=True):
        for start, first in enumerate(lower):
            if singles[first] < 2:
                continue
            for end in range(start + 1, min(start + _MOST_WORDS, len(run)) + 1):
                if singles[lower[end - 1]] < 2:
                    break
                words = tuple(lower[start:end])
                counts[words] = counts.get(words, 0) + 1
                if words not in spelled or run[start] == first:
                    spelled[words] = " ".join(run[start:end])
    return counts, spelled


def _wholes(names: Sequence[str]) -> dict[str, str]:
    """The most mentioned name that each capitalised word is part of."""
    whole: dict[str, str] = {}
    for name in names:
        for word in name.split():
            if word[0].isupper():
                whole.setdefault(word.lower(), name)
    return whole


def _phrase(words: Words, spelled: str, whole: dict[str, str]) -> str | None:
    """The phrase to give for `words`: itself, or the name that it is part of; None where it reads badly."""
    if spelled[0].isupper():
        if name := whole.get(words[0]) or whole.get(words[-1]):
            return name if len(name.split()) <= _MOST_WORDS else None
        if spelled in places().demonyms:
            return None
    if spelled.islower() and (words[0].endswith(_NO_NOUN[:2]) or words[-1].endswith(_NO_NOUN[:2])):
        return None
    if len(words) == 1 and (spelled.endswith(_NO_NOUN) or len(spelled) < 4):
        return None
    return spelled


def _apart(candidates: Iterable[str]) -> tuple[str, ...]:
    """The first candidates that share no word with one before."""
    chosen: list[str] = []
    taken: set[str] = set()
    for phrase in candidates:
        stems = {word.lower().rstrip("s") for word in phrase.split()}
        if len(chosen) < MOST_PHRASES and stems.isdisjoint(taken):
            chosen.append(phrase)
            taken |= stems
    return tuple(chosen)
