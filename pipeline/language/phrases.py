"""The key phrases of a story: a few words each, as the story writes them, none a fragment of another.

A phrase is a run of words between common words and punctuation (the candidates of RAKE: Rose et al., 2010) that the story repeats.
Part of a name is given as the whole name. A story that repeats little gives names it says once. English only; knows no grammar.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.language.places import places
from pipeline.language.tokens import StoryTokens
from pipeline.language.words import COMMON_WORDS

MOST_PHRASES = 8
_FEW = 3
"""With fewer repeated phrases than this, names said once are given too."""
_MOST_WORDS = 4
_LONGEST_WORD = 30
_WORTH = (1.0, 2.4, 3.0, 3.0)
"""What an occurrence counts for, by the number of words: two words tell more than twice one."""
_LEAST_COUNT = (3, 2, 2, 2)
_NO_NOUN = ("ed", "ly", "ing")

Words = tuple[str, ...]


def key_phrases(told: StoryTokens, names: Sequence[str] = ()) -> tuple[str, ...]:
    """Up to eight phrases of one to four words, the most telling first; none where there is nothing to tell.

    `names` are those of the story's entities, most mentioned first.
    """
    whole = _wholes(names)
    worth: dict[str, float] = {}
    for words, (count, at) in _repeated(told).items():
        if count < _LEAST_COUNT[len(words) - 1]:
            continue
        if phrase := _phrase(words, " ".join(told.written[at : at + len(words)]), whole):
            worth[phrase] = max(worth.get(phrase, 0.0), count * _WORTH[len(phrase.split()[:_MOST_WORDS]) - 1])
    best = _apart(sorted(worth, key=lambda phrase: -worth[phrase]))
    return best if len(best) >= _FEW else _apart([*best, *said_once(names)])


def said_once(names: Sequence[str]) -> tuple[str, ...]:
    """The names of several words that share none: the phrases of a story in a language whose words are not known here."""
    return _apart(name for name in names[:MOST_PHRASES] if " " in name)


def _repeated(told: StoryTokens) -> dict[Words, tuple[int, int]]:
    """How often each phrase of repeated words occurs, and where it does: as first written, in lower case if it ever is."""
    repeated = {word for word, times in told.counts.items() if times > 1 and word not in COMMON_WORDS and _is_whole(word)}
    found: dict[Words, tuple[int, int]] = {}
    for at, word in [(at, word) for at, word in enumerate(told.lower) if word in repeated]:
        end = at
        while end < at + _MOST_WORDS and told.lower[end] in repeated:  # the last token is a line's end
            end += 1
            words = tuple(told.lower[at:end])
            count, first = found.get(words, (0, at))
            found[words] = count + 1, at if told.written[at] == word else first
    return found


def _is_whole(word: str) -> bool:
    """Whether it is a word: no single letter, number or mark."""
    return 1 < len(word) <= _LONGEST_WORD and word[0].isalpha()


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
        if stems.isdisjoint(taken):
            chosen.append(phrase)
            taken |= stems
            if len(chosen) == MOST_PHRASES:
                break
    return tuple(chosen)
