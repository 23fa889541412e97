"""The forms a name takes: its words without title, possessive and case; given names and their short forms; initials; keys."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from pipeline.language.places import places
from pipeline.language.tables import rows, word_list
from pipeline.model import Kind

TITLES = word_list("titles")
KIND_OF: dict[str, Kind] = {
    "PERSON": "person",
    "ORG": "organisation",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "NORP": "group",
    "PRODUCT": "product",
    "EVENT": "event",
    "WORK_OF_ART": "work",
    "LAW": "law",
}
LABEL_OF: dict[str, str] = {
    "person": "PERSON",
    "organisation": "ORG",
    "place": "GPE",
    "group": "NORP",
    "product": "PRODUCT",
    "event": "EVENT",
    "work": "WORK_OF_ART",
    "law": "LAW",
}
"""The label of a watched name that the recogniser missed; ORG for a kind that is not here."""
GENERATIONS = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})
_COMPANY = word_list("company suffixes")
_POSSESSIVE = re.compile(r"\s*['’](?:s|S)?$")
_BETWEEN = re.compile(r"[\s,]+")
_UNWORDLIKE = re.compile(r"[^\w]+|_+")
MOST_REMEMBERED = 5_000
"""Names whose forms are kept: the day's news has fewer that come again."""


def fold(text: str) -> str:
    """`text` case-folded, without accents."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    return "".join(letter for letter in unicodedata.normalize("NFKD", folded[:1_000]) if not unicodedata.combining(letter))


@lru_cache(MOST_REMEMBERED)
def shown(surface: str) -> str:
    """A name as it is shown: one space between words, no possessive, no title before it."""
    words = [word for word in _POSSESSIVE.sub("", surface.strip()).split() if word]
    while len(words) > 1 and is_title(words[0]):
        words = words[1:]
    return " ".join(words)


def is_title(word: str) -> bool:
    return word.lower().rstrip(".") in TITLES


@lru_cache(MOST_REMEMBERED)
def name_words(surface: str) -> tuple[str, ...]:
    """The folded words of a name: no possessive, no title or article before, no comma, no al- before the last."""
    words = [word for word in _BETWEEN.split(fold(_POSSESSIVE.sub("", surface.strip())).replace("’", "'")) if word]
    while len(words) > 1 and (is_title(words[0]) or words[0] == "the"):
        words = words[1:]
    if words and words[-1].startswith(("al-", "el-")) and len(words[-1]) > 5:
        words[-1] = words[-1][3:]
    return tuple(words)


@lru_cache(MOST_REMEMBERED)
def company_words(surface: str) -> tuple[str, ...]:
    """The folded words of an organisation's name, without Inc. and its like."""
    words = name_words(surface)
    while len(words) > 1 and words[-1] in _COMPANY:
        words = words[:-1]
    return words


@lru_cache(MOST_REMEMBERED)
def without_company_suffix(name: str) -> str:
    """The name as shown, cut to the words that `company_words` keeps."""
    words = name.split()
    while len(words) > 1 and fold(words[-1]) in _COMPANY:
        words = words[:-1]
    return " ".join(words).rstrip(",")


@lru_cache(MOST_REMEMBERED)
def country(surface: str) -> str | None:
    """The common name of the country or region that `surface` names or is the demonym of."""
    return places().country_of.get(" ".join(name_words(surface))) or places().country_of.get(surface.casefold())


def surname(words: tuple[str, ...]) -> str:
    """The last word of a person's name; Jr. is none."""
    return words[-2] if len(words) > 2 and words[-1] in GENERATIONS else words[-1]


def are_one_person(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether two full names of one surname can be one person's: equal, short and initial given names go together.

    "Bob Corker" and "Robert P. Corker" can, "George H. Bush" and "George W. Bush" cannot, nor can a father and his Jr.
    """
    if (a[-1] in GENERATIONS or b[-1] in GENERATIONS) and a[-1] != b[-1]:
        return False
    if surname(a) != surname(b) or not _are_one_given_name(a[0].rstrip("."), b[0].rstrip(".")):
        return False
    middle_a, middle_b = _middle(a), _middle(b)
    return not middle_a or not middle_b or middle_a[0] == middle_b[0]


def _middle(words: tuple[str, ...]) -> str:
    rest = words[1:-2] if words[-1] in GENERATIONS else words[1:-1]
    return rest[0] if rest else ""


def _are_one_given_name(a: str, b: str) -> bool:
    if a == b or (len(a) == 1 and b.startswith(a)) or (len(b) == 1 and a.startswith(b)):
        return True
    return b in _short_forms().get(a, ()) or a in _short_forms().get(b, ())


@cache
def _short_forms() -> dict[str, frozenset[str]]:
    return {given: frozenset(others.split("|")) for given, others in rows("nicknames.tsv")}


@lru_cache(MOST_REMEMBERED)
def initials(name: str) -> tuple[str, str]:
    """The initials of a name's capitalised words, and those of all its words, in capitals."""
    words = [word for word in _POSSESSIVE.sub("", name).replace("-", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in words if word[0].isupper()), "".join(word[0] for word in words).upper()


@lru_cache(MOST_REMEMBERED)
def entity_key(kind: Kind, name: str) -> str:
    """The key of an entity that is not configured: `kind:folded-name`, e.g. `person:xi-jinping`."""
    return f"{kind}:{_UNWORDLIKE.sub('-', fold(name)).strip('-') or fold(name)}"
