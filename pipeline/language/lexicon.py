"""Which words speak for which subject: `data/topic_words.tsv` for the 17 top ones, `data/subtopic_words.tsv` for those below them.

The names of the IPTC concepts speak softly for the subjects they stand under. A word that speaks for several speaks less for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from pipeline.language.tables import rows
from pipeline.language.tokens import tokens
from pipeline.language.words import COMMON_WORDS

_CONCEPT_WEIGHT = 0.5
_SUBTOPIC_WEIGHT = 3.0


class Word(NamedTuple):
    """What a word of the lexicon says; of a phrase, the name of whose tokens it is."""

    subjects: tuple[tuple[int, float], ...] = ()
    """Those it speaks for (by index) and how loudly."""
    phrases: tuple[tuple[str, str], ...] = ()
    """Those it begins: the second token of each, and the whole."""


class Lexicon(NamedTuple):
    codes: tuple[str, ...]
    """The top subjects, then those of the second level."""
    names: tuple[str, ...]
    tops: int
    """How many top subjects there are."""
    parent: tuple[int, ...]
    """The top subject (by index) of each."""
    words: dict[str, Word]
    """Words, phrases (with a space between tokens), and what phrases begin with."""


def spoken(told: Sequence[str], counts: Mapping[str, int], lexicon: Lexicon) -> dict[str, int]:
    """How often each word and phrase of the lexicon stands in `told`, tokens in lower case; a phrase's words count beside it.

    `counts` is how often each token does.
    """
    words = {word: times for word, times in counts.items() if word in lexicon.words}
    line = f" {' '.join(told)} "
    phrases = [phrase for word in words for second, phrase in lexicon.words[word].phrases if second in counts]
    # Looked for without the spaces around it first: with them it takes twice as long to find that it is not there.
    return words | {phrase: times for phrase in phrases if phrase in line and (times := line.count(f" {phrase} "))}


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once a process."""
    concepts = {code: (name, parent, int(level)) for code, name, parent, level in rows("topics.tsv")}
    codes = [code for wanted in (1, 2) for code, (_, _, level) in concepts.items() if level == wanted]
    index = {code: at for at, code in enumerate(codes)}
    tops = sum(level == 1 for _, _, level in concepts.values())
    above, below = _of_words(index), _of_subtopics(index)
    _add_names(concepts, index, above, below)
    words = {
        " ".join(tokens(word)): Word((*_shared(above.get(word, {})), *_shared(below.get(word, {}))))
        for word in above.keys() | below.keys()
    }
    return Lexicon(
        tuple(codes),
        tuple(concepts[code][0] for code in codes),
        tops,
        tuple(index[_at_level(1, code, concepts)] for code in codes),
        _with_phrases(words),
    )


def _with_phrases(words: Mapping[str, Word]) -> dict[str, Word]:
    """`words`, with the phrases that each begins."""
    found = dict(words)
    for phrase in sorted(word for word in words if " " in word):
        first, second, *_ = phrase.split()
        known = found.get(first, Word())
        found[first] = known._replace(phrases=(*known.phrases, (second, phrase)))
    return found


_Loudness = dict[str, dict[int, float]]
_Concepts = Mapping[str, tuple[str, str, int]]
"""Name, parent and level by code."""


def _of_words(index: Mapping[str, int]) -> _Loudness:
    loudness: _Loudness = {}
    for code, weight, cell in rows("topic_words.tsv"):
        for form in _all_forms(cell):
            subjects = loudness.setdefault(form, {})
            subjects[index[code]] = max(subjects.get(index[code], 0.0), float(weight))
    return loudness


def _of_subtopics(index: Mapping[str, int]) -> _Loudness:
    loudness: _Loudness = {}
    for code, cell in rows("subtopic_words.tsv"):
        for form in _all_forms(cell):
            loudness.setdefault(form, {})[index[code]] = _SUBTOPIC_WEIGHT
    return loudness


def _add_names(concepts: _Concepts, index: Mapping[str, int], above: _Loudness, below: _Loudness) -> None:
    """Let concepts' names speak softly for the subjects they stand under, where no table says what they speak for."""
    named = {name.lower(): code for code, (name, parent, _) in reversed(list(concepts.items())) if parent}
    for name, code in named.items():
        if name in COMMON_WORDS:
            continue
        for level, loudness in ((1, above), (2, below)):
            if name not in loudness:
                for form in _forms(name):
                    loudness.setdefault(form, {}).setdefault(index[_at_level(level, code, concepts)], _CONCEPT_WEIGHT)


def _at_level(level: int, code: str, concepts: _Concepts) -> str:
    """The concept of a level that `code` is or stands under."""
    while concepts[code][2] > level:
        code = concepts[code][1]
    return code


def _shared(subjects: Mapping[int, float]) -> Iterator[tuple[int, float]]:
    return ((subject, weight / len(subjects) ** 0.5) for subject, weight in subjects.items())


def _all_forms(cell: str) -> Iterator[str]:
    return (form for word in cell.split(",") for form in _forms(word))


def _forms(word: str) -> tuple[str, ...]:
    """A word or phrase and its plural."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word, word[:-1] + "ies"
    if word.endswith(("s", "x", "ch", "sh")):
        return word, word + "es"
    return word, word + "s"
