"""A table of names that the user brings (say, from Wikidata), so that an entity has one name and key under all of them.

A line is `name, kind, aliases, QID`, separated by tabs, the aliases by `|`. What nobody configured is no watch: these names only
say that "Volodymyr Zelenskyy" and "Zelensky" are one. A name that two entities of the table share says nothing and is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from pipeline.errors import ConfigError
from pipeline.language import forms
from pipeline.language.names import Names, Watched
from pipeline.language.ner import Span
from pipeline.model import Kind

KEY_PREFIX = "wikidata:"
_LONGEST_NAME = 200
_QID = re.compile(r"Q[1-9]\d{0,12}")
_KINDS = frozenset(get_args(Kind))
_LABELS_OF = {
    "person": frozenset({"PERSON"}),
    "place": frozenset({"GPE", "LOC", "FAC", "NORP"}),
    "organisation": frozenset({"ORG", "NORP", "PRODUCT", "FAC"}),
}
"""What the recogniser must have seen in a single word for it to be one of these; "Jordan" the person is not the country."""


class Table(NamedTuple):
    """What a file of names holds."""

    entities: tuple[Watched, ...]
    problems: tuple[str, ...]
    """A sentence for each line that is left out, with its number."""
    shared: int
    """Names left out because two entities bear them."""


def parsed(lines: Iterable[str]) -> Table:
    """The entities of a table, each with the names that are its alone. A bad line costs itself."""
    found: dict[str, Watched] = {}
    problems = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#") or (number == 1 and line.lower().startswith("name\t")):
            continue
        try:
            entity = _entity(line.rstrip("\r\n"))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        known = found.get(entity.key)
        found[entity.key] = known._replace(aliases=(*known.aliases, entity.name, *entity.aliases)) if known else entity
    entities, shared = _unshared(tuple(found.values()))
    return Table(entities, tuple(problems), shared)


def load(path: Path) -> tuple[Watched, ...]:
    """The entities of the table at `path`. Raises ConfigError where it cannot be read."""
    try:
        with path.open(encoding="utf-8") as lines:
            return parsed(lines).entities
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"known_entities: {path} cannot be read ({error}); make it with `wirewatch entities import`") from None


def written(entities: Iterable[Watched]) -> Iterator[str]:
    """The lines of a table."""
    yield "# name\tkind\taliases\tQID\n"
    for entity in entities:
        yield "\t".join((entity.name, entity.kind, "|".join(entity.aliases), entity.key.removeprefix(KEY_PREFIX))) + "\n"


def _entity(line: str) -> Watched:
    """An entity from its line. Raises ValueError, in words for a person."""
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) != 4:
        raise ValueError(f"expected name, kind, aliases and QID separated by tabs (got {len(cells)} of 4)")
    name, kind, aliases, qid = cells
    if not any(map(str.isalnum, name)) or len(name) > _LONGEST_NAME:
        raise ValueError("expected a name of at most 200 characters")
    if kind not in _KINDS:
        raise ValueError(f"expected a kind such as person, organisation or place (got {kind[:40]!r})")
    if not _QID.fullmatch(qid):
        raise ValueError(f"expected a QID such as Q7747 (got {qid[:40]!r})")
    others = dict.fromkeys(alias for alias in map(str.strip, aliases.split("|")) if _can_be_found(alias) and alias != name)
    return Watched(KEY_PREFIX + qid, name, kind, tuple(others))  # type: ignore[arg-type]  # one of _KINDS


def _can_be_found(alias: str) -> bool:
    return 1 < len(alias) <= _LONGEST_NAME and any(map(str.isalnum, alias))


def _unshared(entities: Sequence[Watched]) -> tuple[tuple[Watched, ...], int]:
    """The entities with the names that no other has; one without any is left out."""
    owners = Counter(folded for entity in entities for folded in {name.casefold() for name in (entity.name, *entity.aliases)})
    kept = []
    for entity in entities:
        own = [name for name in (entity.name, *entity.aliases) if owners[name.casefold()] == 1]
        if own:
            kept.append(entity._replace(aliases=tuple(name for name in own if name != entity.name)))
    shared = {folded for folded, count in owners.items() if count > 1}
    return tuple(kept), len(shared)


def _words_of(entity: Watched) -> Iterator[tuple[str, ...]]:
    return map(forms.name_words, (entity.name, *entity.aliases))


class KnownNames:
    """The names of a table behind one automaton, without those that the configuration has."""

    def __init__(self, entities: Iterable[Watched], configured: Iterable[Watched] = ()) -> None:
        """An entity that shares a name with a configured one is the configured one, and is left out."""
        taken = {words for entity in configured for words in _words_of(entity)}
        self._names = Names(entity for entity in entities if not taken or taken.isdisjoint(_words_of(entity)))
        self.entities = self._names.watched

    def find(self, text: str, spans: Sequence[Span], hits: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
        """Where names of the table stand in `text` and mean what they say, in order, none overlapping a configured one (`hits`).

        Several words in capitals mean it wherever they stand and are no part of a longer name; a single word means it where the
        recogniser saw a name of that kind.
        """
        if not self.entities:
            return []
        labels = {(span.start, span.end): span.label for span in spans}
        inside = sorted((span.start, span.end) for span in spans)
        found = []
        at = before = 0
        for start, end, key in self._names.find(text):
            while at < len(inside) and inside[at][1] <= start:
                at += 1
            while before < len(hits) and hits[before][1] <= start:
                before += 1
            if before < len(hits) and hits[before][0] < end:
                continue
            around = inside[at] if at < len(inside) and inside[at][0] < end else None
            if self._is_meant(text[start:end], key, labels.get((start, end)), is_part=bool(around) and around != (start, end)):
                found.append((start, end, key))
        return found

    def _is_meant(self, name: str, key: str, label: str | None, *, is_part: bool) -> bool:
        if label is not None:
            wanted = _LABELS_OF.get(self.entities[key].kind)
            return " " in name or wanted is None or label in wanted
        words = name.split()
        return len(words) > 1 and not is_part and words[0][0].isupper() and words[-1][0].isupper()
