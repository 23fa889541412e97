"""The configured names, found in text by one automaton however many there are.

A name is found whole (Unicode word boundaries), with any apostrophes, hyphens, spaces and line breaks between its words, whatever
its case, unless the entity says `case: exact`; with `accents: fold` also without its accents, or with others. Two rules keep out
common words:
- a name of one word, not itself written in lower case, is not found in lower case: "musk" is a perfume;
- a name that is an English function word (US, WHO, IT) is found exactly as written.
A `never` phrase blocks what overlaps it for its own entity alone. Where names overlap, the leftmost longest is found.
Does not care who a short name means in a story: that is `entities.py`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from ahocorasick_rs import AhoCorasick, MatchKind

from pipeline.language.words import FUNCTION_WORDS
from pipeline.model import Kind


class EntitySettings(Protocol):
    """What the configuration says of an entity."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind | None: ...
    @property
    def aliases(self) -> Sequence[str]: ...
    @property
    def never(self) -> Sequence[str]: ...
    @property
    def case(self) -> str: ...
    @property
    def accents(self) -> str: ...


class Watched(NamedTuple):
    """A configured entity in a form that crosses to another process."""

    key: str
    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    is_exact: bool = False
    folds_accents: bool = False


def watched(entities: Mapping[str, EntitySettings]) -> tuple[Watched, ...]:
    """The configured entities, in the order of the configuration; one without a kind is `other`."""
    return tuple(
        Watched(
            key,
            found.name,
            found.kind or "other",
            tuple(found.aliases),
            tuple(found.never),
            is_exact=found.case == "exact",
            folds_accents=found.accents == "fold",
        )
        for key, found in entities.items()
    )


_SPACES = "\t\n\r\v\f\x85\u00a0\u2007\u2009\u200a\u2028\u2029\u202f\u3000"
_SAME = (
    dict.fromkeys("’‘ʼ＇`´", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-")
    | dict.fromkeys(_SPACES, " ")
    | {"ς": "σ"}
)
_OTHER = re.compile(f"[{''.join(_SAME)}]")
_INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff"
_GAPS = re.compile(rf" {{2,}}|[{_INVISIBLE}]+")
_ACCENT = re.compile(r"[\u0300-\u036f]")
_INVISIBLE_OR_ACCENT = re.compile(rf"[{_INVISIBLE}\u0300-\u036f]")
_GAPS_AND_ACCENTS = re.compile(_GAPS.pattern + r"|[^\W_][\u0300-\u036f]{1,4}")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts that write names without a space before the next word, or with particles joined to them."""


class Normal(NamedTuple):
    """A text in the form names are compared in, and the way back to the text."""

    text: str
    """Case kept."""
    folded: str
    """The same, in lower case and of the same length."""
    starts: list[int]
    """Where each stretch of `text` starts …"""
    shifts: list[int]
    """… that lies this much further on in the original."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the original of a stretch that starts and ends inside words."""
        return start + self._shift(start), end + self._shift(end - 1)

    def _shift(self, at: int) -> int:
        return self.shifts[bisect_right(self.starts, at) - 1]


def normal(text: str) -> Normal:
    """`text` with one kind of apostrophe, hyphen and space, no invisible characters, and letters composed."""
    even = _OTHER.sub(lambda other: _SAME[other[0]], text)
    if "  " not in even and (even.isascii() or not _INVISIBLE_OR_ACCENT.search(even)):
        return Normal(even, _lower(even), [0], [0])
    uneven = _GAPS_AND_ACCENTS if _ACCENT.search(even) else _GAPS
    pieces: list[str] = []
    starts, shifts = [0], [0]
    done = length = 0
    for found in uneven.finditer(even):
        piece = _evened(found[0])
        pieces += (even[done : found.start()], piece)
        length += found.start() - done + len(piece)
        done = found.end()
        starts.append(length)
        shifts.append(done - length)
    even = "".join((*pieces, even[done:]))
    return Normal(even, _lower(even), starts, shifts)


def _evened(piece: str) -> str:
    if piece[0] == " ":
        return " "
    return unicodedata.normalize("NFC", piece) if piece[0].isalnum() else ""


def _lower(text: str) -> str:
    """Lower case at the same length: the few letters whose lower case is two characters stay."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


class _Bare(dict[int, str]):
    """For `str.translate`: each letter without its accents, one for one."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        self[code] = bare = _STROKED.get(letter) or unicodedata.normalize("NFD", letter)[0]
        return bare


_STROKED = {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H", "ı": "i"}
"""Letters that Unicode takes for letters of their own."""
_BARE = _Bare()


class _Surface(NamedTuple):
    """One way an entity is written."""

    owner: int
    written: str
    blocks: bool
    is_as_written: bool
    may_be_lower: bool


class _Hit(NamedTuple):
    start: int
    end: int
    owner: int


class Names:
    """Every configured name behind one automaton; 100,000 names are found as fast as one."""

    def __init__(self, entities: Mapping[str, EntitySettings] | Iterable[Watched]) -> None:
        known = watched(entities) if isinstance(entities, Mapping) else tuple(entities)
        self.watched = {entity.key: entity for entity in known}
        self._keys = [entity.key for entity in known]
        accented = [(owner, entity) for owner, entity in enumerate(known) if not entity.folds_accents]
        bare = [(owner, entity) for owner, entity in enumerate(known) if entity.folds_accents]
        self._accented = _Automaton(accented, is_bare=False) if accented else None
        self._bare = _Automaton(bare, is_bare=True) if bare else None

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Where configured names stand in `text`: start, end (exclusive) and the entity's key, in order, none overlapping."""
        if not self._keys:
            return []
        form = normal(text)
        hits: list[_Hit] = []
        blocks: dict[int, list[tuple[int, int]]] = {}
        for automaton in filter(None, (self._accented, self._bare)):
            automaton.search(form, hits, blocks)
        blocked = {owner: _Blocked(spans) for owner, spans in blocks.items()}
        found, done = [], 0
        for start, end, owner in sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.owner)):
            if start >= done and not (owner in blocked and blocked[owner].overlaps(start, end)):
                found.append((*_whole(text, *form.original(start, end)), self._keys[owner]))
                done = end
        return found


class _Automaton:
    """Names that are found at once, as they are written or without accents."""

    def __init__(self, owned: Iterable[tuple[int, Watched]], *, is_bare: bool) -> None:
        self._is_bare = is_bare
        surfaces: dict[str, list[_Surface]] = {}
        for owner, entity in owned:
            for written, blocks in _surfaces(entity):
                folded, surface = _surface(owner, written.translate(_BARE) if is_bare else written, blocks, entity.is_exact)
                if folded:
                    surfaces.setdefault(folded, []).append(surface)
        self._surfaces = list(surfaces.values())
        self._automaton = AhoCorasick(list(surfaces), matchkind=MatchKind.Standard)

    def search(self, form: Normal, hits: list[_Hit], blocks: dict[int, list[tuple[int, int]]]) -> None:
        """Add the names that stand there whole to `hits`, and the `never` phrases to `blocks` by entity."""
        text, folded = form.text, form.folded
        if self._is_bare and not text.isascii():
            text, folded = text.translate(_BARE), folded.translate(_BARE)
        for pattern, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if not _stands_alone(folded, start, end):
                continue
            for surface in self._surfaces[pattern]:
                if not _is_meant(surface, text[start:end]):
                    continue
                if surface.blocks:
                    blocks.setdefault(surface.owner, []).append((start, end))
                else:
                    hits.append(_Hit(start, end, surface.owner))


def _surfaces(entity: Watched) -> list[tuple[str, bool]]:
    return [(written, False) for written in dict.fromkeys((entity.name, *entity.aliases))] + [
        (phrase, True) for phrase in entity.never
    ]


def _surface(owner: int, written: str, blocks: bool, is_exact: bool) -> tuple[str, _Surface]:
    form = normal(" ".join(written.split()))
    is_one_word = " " not in form.text
    as_written = is_exact or (is_one_word and form.folded in FUNCTION_WORDS)
    may_be_lower = not is_one_word or form.text[:1] == form.folded[:1]
    return form.folded, _Surface(owner, form.text, blocks, as_written, may_be_lower)


def _is_meant(surface: _Surface, hit: str) -> bool:
    if surface.is_as_written:
        return hit == surface.written
    return surface.may_be_lower or surface.blocks or not hit.islower()


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no word goes on before or after; O' (as in O'Brien) is part of a word."""
    if start and _joined(text[start - 1], text[start]):
        return False
    if end < len(text) and _joined(text[end - 1], text[end]):
        return False
    return not (text[max(0, start - 2) : start] == "o'" and (start < 3 or not text[start - 3].isalnum()))


def _joined(left: str, right: str) -> bool:
    return _is_of_word(left) and _is_of_word(right) and not (_UNSPACED.match(left) or _UNSPACED.match(right))


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_" or unicodedata.combining(letter) > 0


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch with the combining marks that belong to its last letter."""
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return start, end


class _Blocked:
    """Stretches in which an entity is not named."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        spans.sort()
        self._starts = [start for start, _ in spans]
        self._reach = list(accumulate((end for _, end in spans), max))

    def overlaps(self, start: int, end: int) -> bool:
        before = bisect_left(self._starts, end)
        return before > 0 and self._reach[before - 1] > start
