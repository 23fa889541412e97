"""What a story is about: the 17 top subjects of the IPTC Media Topics, by a lexicon.

`data/topic_words.tsv` says which words and phrases speak for which subject, and how loudly; the names of the IPTC concepts below a
subject speak softly for it. A word that speaks for several subjects speaks less for each. Nothing is learnt from any text.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from pipeline.language.tables import rows
from pipeline.language.words import COMMON_WORDS
from pipeline.model import TopicScore

_WORD = re.compile(r"[^\W_](?:[\w&]|[.'-](?=\w))*")
_READ_AT_MOST = 10_000
"""Characters that are read: what a story is about stands at its beginning."""
_MOST_TOPICS = 4
_CONCEPT_WEIGHT = 0.5
_TITLE_WEIGHT = 2
_ENOUGH = 6.0
"""A subject's sum at which a story of one short paragraph is sure: its score is a half at the top."""
_LEAST_SHARE = 0.4
"""Of the first subject's score: what a further subject must reach to be given."""
_LEAST_SCORE = 0.15


class _Lexicon(NamedTuple):
    codes: tuple[str, ...]
    names: tuple[str, ...]
    words: dict[str, tuple[tuple[int, float], ...]]
    """For each word, and each phrase with spaces, the subjects (by index) it speaks for and how loudly."""
    phrases: dict[tuple[str, str], tuple[tuple[str, ...], ...]]
    """The phrases by their first two words."""


def topics(title: str, text: str) -> tuple[TopicScore, ...]:
    """Up to four subjects a story would be filed under, surest first, scores in 0..1; none where no word speaks for any."""
    lexicon = _lexicon()
    spoken = _spoken(text[:_READ_AT_MOST].lower(), lexicon)
    for word in _spoken(title[:1_000].lower(), lexicon):
        spoken[word] += _TITLE_WEIGHT
    sums = [0.0] * len(lexicon.codes)
    for word, times in spoken.items():
        loud = math.sqrt(min(times, 6.0))
        for subject, weight in lexicon.words[word]:
            sums[subject] += weight * loud
    return _chosen(sums, lexicon)


def _spoken(text: str, lexicon: _Lexicon) -> Counter[str]:
    """How often each word and phrase of the lexicon stands in `text`; a phrase's words count beside it."""
    words = _WORD.findall(text)
    counts = Counter(words)
    found = Counter({word: counts[word] for word in counts.keys() & lexicon.words.keys()})
    pairs = list(pairwise(words))
    openings = lexicon.phrases.keys() & set(pairs)
    if openings:
        for at, pair in enumerate(pairs):
            if pair in openings:
                found.update(" ".join(phrase) for phrase in lexicon.phrases[pair] if tuple(words[at : at + len(phrase)]) == phrase)
    return found


def _chosen(sums: list[float], lexicon: _Lexicon) -> tuple[TopicScore, ...]:
    best = max(sums)
    if best <= 0:
        return ()
    sure = best / (best + _ENOUGH)
    order = sorted(range(len(sums)), key=lambda subject: -sums[subject])[:_MOST_TOPICS]
    return tuple(
        TopicScore(lexicon.codes[subject], lexicon.names[subject], round(score, 3))
        for subject in order
        if (score := sure * sums[subject] / best) >= _LEAST_SCORE and sums[subject] >= _LEAST_SHARE * best
    )


@cache
def _lexicon() -> _Lexicon:
    """The lexicon, read once a process."""
    concepts = rows("topics.tsv")
    tops = [(code, name) for code, name, _, level in concepts if level == "1"]
    index = {code: at for at, (code, _) in enumerate(tops)}
    loudness: dict[str, dict[int, float]] = {}
    for code, weight, cell in rows("topic_words.tsv"):
        for word in cell.split(","):
            for form in _forms(word):
                subjects = loudness.setdefault(form, {})
                subjects[index[code]] = max(subjects.get(index[code], 0.0), float(weight))
    parents = {code: parent for code, _, parent, _ in concepts}
    for code, name, parent, _ in concepts:
        if parent and name.lower() not in loudness and name.lower() not in COMMON_WORDS:
            for form in _forms(name.lower()):
                loudness.setdefault(form, {}).setdefault(index[_top(code, parents)], _CONCEPT_WEIGHT)
    words = {
        word: tuple((subject, weight / len(subjects) ** 0.5) for subject, weight in subjects.items())
        for word, subjects in loudness.items()
    }
    phrases: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {}
    for phrase in (tuple(word.split()) for word in words if " " in word):
        phrases[phrase[0], phrase[1]] = (*phrases.get((phrase[0], phrase[1]), ()), phrase)
    return _Lexicon(
        tuple(code for code, _ in tops),
        tuple(name for _, name in tops),
        words,
        phrases,
    )


def _top(code: str, parents: dict[str, str]) -> str:
    while parent := parents.get(code):
        code = parent
    return code


def _forms(word: str) -> tuple[str, ...]:
    """A word or phrase and its plural."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word, word[:-1] + "ies"
    if word.endswith(("s", "x", "ch", "sh")):
        return word, word + "es"
    return word, word + "s"
