"""What the configuration says of names that a story may use without being told: for `entities.py`, which joins them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.language import forms
from pipeline.language.names import Names, Watched

_MOST_NAMESAKES = 20
"""Configured people of one surname that are compared."""


NO_KNOWN: Mapping[str, Watched] = MappingProxyType({})


class Roster:
    """What the configuration says about names that a story may use without being told: precomputed once."""

    def __init__(self, names: Names, known: Mapping[str, Watched] = NO_KNOWN) -> None:
        """`known` are entities that are found by their own names only (`known.py`)."""
        self.watched: Mapping[str, Watched] = {**known, **names.watched}
        self.never = {
            entity.key: frozenset(map(forms.name_words, entity.never)) for entity in names.watched.values() if entity.never
        }
        self._countries: dict[str, str] = {}
        self._keys: dict[tuple[str, ...], str] = {}
        self._people: dict[str, list[str]] = {}
        for entity in names.watched.values():
            if not entity.is_exact:
                self._learn(entity)

    def _learn(self, entity: Watched) -> None:
        for name in (entity.name, *entity.aliases):
            words = forms.name_words(name)
            if entity.kind in ("place", "other") and (country := forms.country(name)):
                self._countries.setdefault(country, entity.key)
            for full in {words, forms.company_words(name)}:
                if len(full) > 1 or (full and entity.kind != "person" and " " in name and not forms.is_title(name.split()[0])):
                    self._keys.setdefault(full, entity.key)
        words = forms.name_words(entity.name)
        if entity.kind in ("person", "other") and len(words) > 1:
            self._people.setdefault(forms.surname(words), []).append(entity.key)

    def of_country(self, country: str) -> str | None:
        """The key of the configured place that is `country`."""
        return self._countries.get(country)

    def of_words(self, words: tuple[str, ...], label: str) -> str | None:
        """The key of the configured entity whose name `words` are, but for a title, a company's suffix or a middle name."""
        if key := self._keys.get(words):
            return None if words in self.never.get(key, ()) else key
        if label != "PERSON" or len(words) < 2 or len(words[0].rstrip(".")) < 2:
            return None
        same = [key for key in self._people.get(forms.surname(words), ())[:_MOST_NAMESAKES] if self._is(words, key)]
        return same[0] if len(same) == 1 else None

    def _is(self, words: tuple[str, ...], key: str) -> bool:
        own = forms.name_words(self.watched[key].name)
        return words not in self.never.get(key, ()) and forms.are_one_person(words, own)
