"""What stands in a story and is not told by it: the dateline, the byline, photo credits, the outlet's own name.

Names in it are mentions like others, and nobody meets anybody there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from pipeline.language import forms
from pipeline.language.mentions import datelines, line_starts
from pipeline.model import Entity, Mention

_LOOKED_THROUGH = 100_000
_MOST_WORDS = 8
_NO_LETTER = re.compile(r"\W")
_AGENCIES = (
    r"Reuters|AP|Associated Press|AFP|Agence France-Presse|PA|PA Media|Press Association|EPA(?:-EFE)?|ANSA|DPA|TASS|Xinhua|UPI|"
    r"Getty(?: Images)?|AFP via Getty Images|Shutterstock|Alamy|Bloomberg|NurPhoto|Anadolu|Rex(?: Features)?|Zuma"
)
_NAME = r"[A-Z][\w.’'-]{1,30}(?: [A-Z][\w.’'-]{0,30}){1,3}"
_BYLINE = re.compile(
    r"[ \t]{0,8}(?:By|Reporting by|Additional reporting by|Writing by|Editing by|Compiled by|Words by|Story by) "
    rf"(?:the )?{_NAME}(?:(?:,| and|;|,? with) {_NAME}){{0,5}}.{{0,80}}$",
    re.MULTILINE,
)
"""A line."""
_SIGNED_OFF = re.compile(r"\((?:Additional )?(?:Reporting|Writing|Editing|Compiled) by [^()\n]{3,300}\)")
_CREDITED = re.compile(r"\b(?:Photo|Photograph|Picture|Image|Illustration|Credit)s?(?: credit)?(?: by|:)\s?[^.()\n]{3,80}")
_SLASHED = re.compile(rf"/\s?(?:{_AGENCIES})\b(?:/[^\s.()]{{1,30}})?")
_AP_PHOTO = re.compile(rf"AP Photo\b(?:/{_NAME})?")
_IN_BRACKETS = re.compile(rf"\((?:{_AGENCIES})\)")
_GETTY = re.compile(r"Getty Images\b")
_RULES = (
    ((" by ",), _SIGNED_OFF),
    (("Photo", "Picture", "Image", "Illustration", "Credit"), _CREDITED),
    (("/",), _SLASHED),
    (("AP Photo",), _AP_PHOTO),
    (("(",), _IN_BRACKETS),
    (("Getty Images",), _GETTY),
)
"""Each with what a text must hold for it: looking for that is a tenth of the work."""
_NAME_BEFORE = re.compile(rf"{_NAME}\s?$")
"""Whose photo it is, before a slash and the agency."""


def silent(mentions: Sequence[Mention], entities: Sequence[Entity], title: str, text: str, source: str) -> frozenset[int]:
    """The indices of the mentions by which nobody meets anybody. `source` is the publisher's domain, empty where unknown."""
    stretches = {"title": list(_stretches(title)), "text": list(_stretches(text[:_LOOKED_THROUGH]))}
    outlet = {entity.key for entity in entities if entity.kind in ("organisation", "other") and is_outlet(entity.name, source)}
    return frozenset(
        at for at, mention in enumerate(mentions) if mention.entity in outlet or _is_inside(mention.start, stretches[mention.field])
    )


def _is_inside(at: int, stretches: Sequence[tuple[int, int]]) -> bool:
    return bool(stretches) and any(start <= at < end for start, end in stretches)


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    for start, end, _ in datelines(text):
        yield start, end
    for start in line_starts(text):
        if found := _BYLINE.match(text, start):
            yield found.span()
    for marks, rule in _RULES:
        if not any(mark in text for mark in marks):
            continue
        for found in rule.finditer(text):
            whose = _NAME_BEFORE.search(text, max(0, found.start() - 60), found.start()) if rule is _SLASHED else None
            yield (whose or found).start(), found.end()


@lru_cache(5_000)
def is_outlet(name: str, source: str) -> bool:
    """Whether a name is that of the publisher at a domain: BBC at bbc.co.uk, New York Times at nytimes.com."""
    label = source.partition(".")[0].replace("-", "").removeprefix("the")
    words = [_NO_LETTER.sub("", word) for word in forms.name_words(name)[:_MOST_WORDS]]
    words = words[:-1] if len(words) > 1 and words[-1] == "news" and not label.endswith("news") else words
    return bool(label) and all(words) and bool(words) and _spells(words, label)


def _spells(words: Sequence[str], label: str) -> bool:
    """Whether a domain's label is made of `words`, each whole or its initial."""
    if not words:
        return label in ("", "news", "online")
    first, rest = words[0], words[1:]
    return (label.startswith(first) and _spells(rest, label[len(first) :])) or (
        label.startswith(first[0]) and _spells(rest, label[1:])
    )
