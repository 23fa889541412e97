"""Rules that put a recogniser's spans right, without training: where they start and end, what they are, and those it passed over.

Exact spans and kinds: F1 .71 to .82 on CoNLL++ 2020, .67 to .72 on Worldwide newswire. Offsets are code points of one text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

from pipeline.language.forms import GENERATIONS, is_title
from pipeline.language.ner import Span
from pipeline.language.places import places
from pipeline.language.tables import rows, word_list
from pipeline.language.words import FUNCTION_WORDS, HEADLINE_VERBS

_BEFORE = re.compile(r"(?:(?:the|a|an)\s+(?=\S)|[\s\"'“”‘’(\[`*#@–—-]+)+", re.IGNORECASE)
_AROUND = " \t\u00a0,;:()[]\"“”–—'’-"
"""What a name does not end with."""
_PLAIN = re.compile(r"(?!(?:the|a|an) )(?:[^\W\d_][\w.&-]*\w|[A-Z](?:\.[A-Z])+\.)(?: [\w.&-]*\w)*", re.IGNORECASE)
"""A span that needs no trimming, as nine of ten: words, one space between them."""
_OVER = re.compile(r"(?<=\S)\s*[\n/|(]")
_BETWEEN = re.compile(r"\s*\*\s*")
_BETWEEN_PEOPLE = re.compile(rf"\s*\*\s*|, (?!Jr|Sr|II)| (?:{'|'.join(sorted(verb.title() for verb in HEADLINE_VERBS))}) ")
_FIRST_WORD = re.compile(r"(\S+)\s+")
_WORD_BEFORE = re.compile(r"([\w.'’-]+)[ \u00a0]$")
_ACRONYM_AFTER = re.compile(r"\s?\(\s?([A-Z][A-Z.&]{1,6})\s?\)")
_PARTICLES = word_list("particles")
_PARTICLE_NAME = re.compile(rf"(?:\s+(?:{'|'.join(sorted(_PARTICLES))})\b)*\s+[A-Z][\w’'-]+")
_DATELINE = re.compile(
    r"[ \t]{0,8}([A-Z][A-Z.'’ -]{2,30}?)(?:, [A-Z][\w. ]{1,30}?)?(?:, \w{3,9}\.? \d{1,2})?\s{0,3}"
    r"(?:\(\s?[A-Z]\w[\w .]{0,20}\)\s{0,3}[-–—]|[–—] |- )"
)
"""PARIS (Reuters) -, WASHINGTON, Jan. 5 (AP) —, LONDON —: how news agencies open a story."""
_NO_NAMES = word_list("no names")
"""What the recogniser takes for a person or an organisation, and is neither."""
_SURNAMES_TOO = word_list("places that are surnames")
"""The places that people are called by: every other country beside a first name is the recogniser's slip."""
_MOST_REMEMBERED = 5_000
"""Names of which is kept what they look like."""
_MOST_COPIED = 300
"""Different names that are looked for again: a story has forty."""

_PLACED = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC"})
_NAME_OF_ORGANISATION = _PLACED - {"ORG"} | {"WORK_OF_ART", "PRODUCT", "NORP", "EVENT", "LAW"}
_ORGANISATIONS_END = word_list("organisations end")
_ORGANISATIONS_BEGIN = word_list("organisations begin")
_FACILITIES_END = word_list("facilities end")
_FACILITIES = frozenset(["centre", "center", "school", "hospital", "court", "museum"])
NAMES_OF_OTHERS = _ORGANISATIONS_END | word_list("others end")
"""A name before one of these is part of another name: Trump Tower, Washington Post."""


def put_right(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans of `text` trimmed, relabelled and copied to the other places of their names; in order, none overlapping."""
    trimmed = datelines(text)
    for found in spans:
        if _is_plain(text[found.start : found.end], found.label) and not (
            found.label == "PERSON" and _goes_on_small(text, found.end)
        ):
            trimmed.append(found)
        else:
            trimmed += (span for piece in _pieces(text, found) if (span := trim(text, piece)))
    return _copied(text, _relabelled(text, [span for span in trimmed if text[span.start : span.end].lower() not in _NO_NAMES]))


@lru_cache(_MOST_REMEMBERED)
def _is_plain(name: str, label: str) -> bool:
    """Whether there is nothing to trim, as of nine names in ten; of a person, no title, verb or particle either."""
    return bool(_PLAIN.fullmatch(name)) and not (label == "PERSON" and any(map(_is_no_name, name.split(" "))))


def _is_no_name(word: str) -> bool:
    """Whether a word may be cut from a person's name, or make it go on."""
    return _precedes_person(word) or word.lower() in HEADLINE_VERBS or word in _PARTICLES


def _precedes_person(word: str) -> bool:
    """Whether a word is a title or a nationality, or written small."""
    demonyms = places().demonyms
    return is_title(word) or word in demonyms or word.rstrip("'’s") in demonyms or word in FUNCTION_WORDS


def datelines(text: str) -> list[Span]:
    """The places that open a paragraph as news agencies do it."""
    opened = (_DATELINE.match(text, start) for start in line_starts(text))
    return [Span(found.start(1), found.end(1), "GPE") for found in opened if found]


def line_starts(text: str) -> Iterator[int]:
    """Where each line starts: a pattern is tried there thirty times a story, and at every letter where it looks for `^` itself."""
    start = 0
    while start >= 0:
        yield start
        start = text.find("\n", start) + 1 or -1


def _pieces(text: str, span: Span) -> list[Span]:
    """A span cut where names end: at a star, between people at a comma or headline verb; a slash, bracket or new line ends it."""
    start, end, label = span
    if over := _OVER.search(text, start, end):
        end = over.start()
    breaks = _BETWEEN_PEOPLE if label == "PERSON" else _BETWEEN
    pieces = []
    for found in breaks.finditer(text, start, end):
        pieces.append(Span(start, found.start(), label))
        start = found.end()
    return [*pieces, Span(start, end, label)]


def trim(text: str, span: Span) -> Span | None:
    """`span` without an article, quote or (of a person) title before and a possessive after; None where nothing is left."""
    start, end, label = span
    if before := _BEFORE.match(text, start, end):
        start = before.end()
    end = start + len(_without_possessive(text[start:end]))
    if label == "PERSON":
        start, end = _after_titles(text, start, end), _with_particle(text, start, _before_verb(text, start, end))
    return Span(start, end, label) if end - start > 1 or text[start:end].isalnum() else None


def _without_possessive(name: str) -> str:
    name = name.removesuffix(" .").rstrip(_AROUND)
    return name[:-2].rstrip(_AROUND) if name.endswith(("'s", "’s", "'S", "’S")) else name


def _after_titles(text: str, start: int, end: int) -> int:
    """Past titles, nationalities and what is written small before a person's name."""
    while (first := _FIRST_WORD.match(text, start, end)) and _precedes_person(first[1]):
        start = first.end()
    return start


def _before_verb(text: str, start: int, end: int) -> int:
    """The end of a person's name before a headline's verb ("Putin Threatens")."""
    last = text.rfind(" ", start, end)
    return last if last > start and text[last + 1 : end].lower() in HEADLINE_VERBS else end


def _with_particle(text: str, start: int, end: int) -> int:
    """The end of a person's name that goes on after von der, bin, de la."""
    last = text.rfind(" ", start, end) + 1
    if text[last:end] not in _PARTICLES and not _goes_on_small(text, end):
        return end
    goes_on = _PARTICLE_NAME.match(text, end, end + 60)
    return goes_on.end() if goes_on else end


def _goes_on_small(text: str, end: int) -> bool:
    """Whether a particle stands behind a name."""
    following = text[end : end + 8].split(" ", 2)
    return len(following) > 2 and not following[0] and following[1] in _PARTICLES


def _relabelled(text: str, spans: list[Span]) -> list[Span]:
    names = [text[span.start : span.end] for span in spans]
    people = [name for span, name in zip(spans, names, strict=True) if span.label == "PERSON"]
    surnames = {surname for name in people if (surname := _surname(name))}
    alone = {name for name in people if " " not in name}
    story = _Story(surnames | {surname[0].upper() + surname[1:] for surname in surnames}, alone, _acronyms(text, spans, names))
    return [
        span if (label := _label(span.label, name, story)) == span.label else Span(span.start, span.end, label)
        for span, name in zip(spans, names, strict=True)
    ]


class _Story(NamedTuple):
    """What a story's spans say of each other."""

    surnames: set[str]
    """Of the people with a full name."""
    alone: set[str]
    """People named by one word."""
    acronyms: dict[str, str]
    """The label of each acronym that is spelled out."""


@lru_cache(_MOST_REMEMBERED)
def _surname(name: str) -> str | None:
    words = name.split()
    if len(words) > 2 and words[-1].lower() in GENERATIONS:
        words = words[:-1]
    for at in range(1, len(words) - 1):
        if words[at] in _PARTICLES:
            return " ".join(words[at:])
    return words[-1] if len(words) > 1 else None


def _acronyms(text: str, spans: list[Span], names: list[str]) -> dict[str, str]:
    """The label of each acronym that follows its full name in brackets."""
    found: dict[str, str] = {}
    if "(" not in text:
        return found
    for span, name in zip(spans, names, strict=True):
        if " " in name and text[span.end : span.end + 2].lstrip()[:1] == "(" and (after := _ACRONYM_AFTER.match(text, span.end)):
            acronym = after[1].replace(".", "")
            if "".join(word[0] for word in name.split() if word[0].isupper())[:1] == acronym[0]:
                found[after[1]] = span.label if span.label in ("ORG", "GPE") else "ORG"
    return found


def _label(label: str, name: str, story: _Story) -> str:
    """What `name` is in its story."""
    known = places()
    if name in story.surnames and (name not in known.names or (label == "PERSON" and name in _SURNAMES_TOO)):
        return "PERSON"
    if name in story.acronyms:
        return story.acronyms[name]
    if name in _organisations():
        return "ORG"
    if name in known.names:
        return label if label in ("GPE", "LOC") else "GPE"
    if name in known.demonyms:
        return "NORP"
    if " " not in name:
        return label
    words = name.lower().split()
    if label in ("PERSON", "ORG") and words[-1] in _FACILITIES_END:
        return "FAC"
    if label in _NAME_OF_ORGANISATION:
        if words[-1] in _ORGANISATIONS_END or words[0] in _ORGANISATIONS_BEGIN:
            return label if label == "FAC" and words[-1] in _FACILITIES else "ORG"
    elif label == "ORG" and len(words) == 2 and words[-1] not in _ORGANISATIONS_END and name.split()[-1] in story.alone:
        return "PERSON"
    return label


# ── copying ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _copied(text: str, spans: list[Span]) -> list[Span]:
    """The spans, and the places the recogniser passed over: names it marked elsewhere, surnames of people, countries."""
    taken = bytearray(len(text))
    kept = []
    for span in spans:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    for name, label in _worth_copying(text, kept):
        kept += _elsewhere(text, name, label, taken)
    return sorted((*kept, *_known(text, taken)))


def _worth_copying(text: str, spans: Sequence[Span]) -> list[tuple[str, str]]:
    """The names looked for again, longest first, each with its commonest label."""
    labels: dict[str, dict[str, int]] = {}
    surnames: dict[str, str] = {}
    for start, end, label in spans:
        name = text[start:end]
        if label in _PLACED and name[0].isupper() and (" " in name or len(name) > 2):
            counts = labels.setdefault(name, {})
            counts[label] = counts.get(label, 0) + 1
            if label == "PERSON" and (last := _surname(name)) and len(last) > 2 and last[0].isupper():
                surnames[last] = "PERSON"
    found = surnames | {name: max(counts, key=counts.__getitem__) for name, counts in labels.items()}
    return sorted(list(found.items())[:_MOST_COPIED], key=lambda item: -len(item[0]))


def _elsewhere(text: str, name: str, label: str, taken: bytearray) -> list[Span]:
    found: list[Span] = []
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        if not taken[at] and not taken[end - 1] and _is_alone(text, at, end):
            taken[at:end] = b"\1" * len(name)
            found.append(Span(at, end, label))
        at = text.find(name, end)
    return found


def _is_alone(text: str, start: int, end: int) -> bool:
    """Whether a name is not part of a longer run of capitalised words."""
    if (start and _goes_on(text[start - 1])) or (end < len(text) and _goes_on(text[end])):
        return False
    if text[end : end + 1] == " " and text[end + 1 : end + 2].isupper() and text[end + 2 : end + 3].isalpha():
        return False
    before = _WORD_BEFORE.search(text, max(0, start - 24), start)
    return (
        not before
        or not before[1][0].isupper()
        or before[1].lower() in FUNCTION_WORDS
        or is_title(before[1])
        or before[1][-1] == "."
    )


def _goes_on(letter: str) -> bool:
    return letter.isalnum() or letter in "_-@"


@cache
def _organisations() -> frozenset[str]:
    return frozenset(name for (name,) in rows("organisations.txt"))


@cache
def _gazetteer() -> tuple[AhoCorasick, list[str]]:
    """Countries, capitals and the organisations everybody knows, and the label of each."""
    labels = dict.fromkeys(sorted(places().names), "GPE") | dict.fromkeys(sorted(_organisations()), "ORG")
    return AhoCorasick(list(labels), matchkind=MatchKind.LeftmostLongest), list(labels.values())


def _known(text: str, taken: bytearray) -> list[Span]:
    automaton, labels = _gazetteer()
    found = []
    for name, start, end in automaton.find_matches_as_indexes(text):
        if not taken[start] and not taken[end - 1] and _is_alone(text, start, end):
            taken[start:end] = b"\1" * (end - start)
            found.append(Span(start, end, labels[name]))
    return found
