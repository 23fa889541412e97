"""The configured names and the recogniser's spans in one row, and which short names are not the configured ones after all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipeline.language import forms
from pipeline.language.mentions import NAMES_OF_OTHERS
from pipeline.language.names import Watched
from pipeline.language.ner import Span
from pipeline.language.tables import word_list
from pipeline.language.words import COMMON_WORDS, HEADLINE_VERBS

_GENERATION_AFTER = re.compile(r",?\s(?:Jr|Sr|II|III|IV)\b")
_WORD_BEFORE = re.compile(r"[\w,;] ([\w.-]+) $")
_GIVEN_NAMES_TOO = word_list("given names too")
_LOOKED_THROUGH = 20_000
"""Characters searched for a word in lower case, to tell a verb of a headline from a first name."""


class Named(NamedTuple):
    """A span with the name it holds; `key` is set where the configuration knows the name."""

    start: int
    end: int
    label: str
    name: str
    key: str | None = None


def with_watched(
    text: str, spans: Sequence[Span], hits: Sequence[tuple[int, int, str]], watched: Mapping[str, Watched]
) -> list[Named]:
    """The spans and the configured names of `text` in one row, in order, none overlapping.

    A configured name takes the place of the span it stands in ("Russian president Vladimir Putin"), unless the span is somebody
    else's longer name: "Kimbal Musk", "Donald Trump Jr.", "Trump Tower" are not whom `Musk` and `Trump` stand for.
    """
    found: list[Named] = []
    at = 0
    for start, end, key in hits:
        while at < len(spans) and spans[at].end <= start:
            at += 1
        around = spans[at] if at < len(spans) and spans[at].start < end else Span(start, end, "")
        since = found[-1].end if found else 0  # words of another configured name are no first names of this one
        if not _is_anothers(text, start, end, watched[key], around._replace(start=max(since, around.start)), since):
            label = forms.LABEL_OF.get(watched[key].kind) or around.label or "ORG"
            found.append(Named(start, end, label, _even(text[start:end]), key))
    rest = [Named(start, end, label, _even(text[start:end])) for start, end, label in _clear_of(spans, found)]
    return sorted((*found, *rest)) if found else rest


def _even(name: str) -> str:
    """A name with one space between its words."""
    return name if name.isalnum() else " ".join(name.split())


def _clear_of(spans: Sequence[Span], found: Sequence[Named]) -> Iterable[Span]:
    at = 0
    for span in spans:
        while at < len(found) and found[at].end <= span.start:
            at += 1
        if at == len(found) or found[at].start >= span.end:
            yield span


def _is_anothers(text: str, start: int, end: int, entity: Watched, around: Span, since: int) -> bool:
    """Whether the configured name at start:end is part of the name of somebody or something else."""
    if entity.kind == "person" and _GENERATION_AFTER.match(text, end, end + 6) and not _has_generation(entity):
        return True
    before, hit, after = text[around.start : start].split(), text[start:end].split(), text[end : around.end].split()
    if after and after[-1].lower() in NAMES_OF_OTHERS and not text.startswith(("'", "’"), end):
        return len(hit) == 1 or entity.kind != "person"
    if len(hit) > 1:
        return False
    if entity.kind != "person":
        return around.label == "PERSON" and any(_is_given_name(word, text, ()) for word in (*before[-1:], *after[:1]))
    own = forms.name_words(entity.name)
    short = forms.fold(hit[0])
    if short == forms.surname(own):
        return any(
            _is_given_name(word, text, own) for word in before[-1:] or ([] if around.label else _word_before(text, since, start))
        )
    return short == own[0] and any(_is_given_name(word, text, own) for word in after[:1])


def _word_before(text: str, since: int, start: int) -> list[str]:
    """The word before a name, unless a sentence starts with it and has made it large."""
    found = _WORD_BEFORE.search(text, max(since, start - 40), start)
    return [found[1]] if found else []


def _has_generation(entity: Watched) -> bool:
    return any(forms.fold(name).split()[-1] in forms.GENERATIONS for name in (entity.name, *entity.aliases) if name)


def _is_given_name(word: str, text: str, own: tuple[str, ...]) -> bool:
    """Whether a word beside a configured name makes it somebody else's: no title, no verb, no country, not a name of his own."""
    if not word[:1].isupper() or (not word[-1].isalnum() and word[-1] != ".") or forms.is_title(word) or forms.country(word):
        return False
    folded = forms.fold(word).rstrip(".")
    if folded.endswith(("'s", "’s")) or ((folded in COMMON_WORDS or folded in HEADLINE_VERBS) and folded not in _GIVEN_NAMES_TOO):
        return False
    if own and (any(part.startswith(folded) for part in own) or forms.are_one_person((folded, own[-1]), (own[0], own[-1]))):
        return False
    return f" {word.lower()} " not in text[:_LOOKED_THROUGH]
