"""Who is who in a story: its mentions joined to entities, each with one name and one key.

Configured entities come first. What the story itself calls somebody joins the rest: a surname or first name its only bearer, an
acronym its full form, a demonym its country, a short form its organisation. Two people of one surname stay two, and a bare surname
between them stays by itself. Nothing is known here of other stories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from pipeline.language import forms
from pipeline.language.named import Named
from pipeline.language.roster import Roster
from pipeline.language.tables import word_list
from pipeline.model import Entity, Kind

_MOST_NAMESAKES = 20
"""Full names of one surname that are compared: a story has two."""
_TOO_GENERAL = word_list("general organisations")


class Joined(NamedTuple):
    """The entities of a story, most mentioned first, and for each `Named` the key of its entity."""

    keys: tuple[str, ...]
    entities: tuple[Entity, ...]


def join(named: Sequence[Named], roster: Roster) -> Joined:
    """The entities that `named` speak of; no two share a name, a configured one has the configuration's key, name and kind."""
    groups = _Groups(named, roster)
    groups.join_people()
    groups.join_organisations()
    return groups.joined()


class _Form:
    """A distinct form of a name in a story, folded, and who bears it."""

    __slots__ = ("country", "key", "label", "labels", "names", "parent", "words")

    def __init__(self, words: tuple[str, ...], key: str | None) -> None:
        self.words = words
        self.key = key
        """The configured entity that it names of itself."""
        self.country: str | None = None
        self.labels: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.label = ""
        """The commonest of `labels`, once all are counted."""
        self.parent: _Form | None = None

    def root(self) -> _Form:
        form = self
        while form.parent:
            form = form.parent
        return form


class _Groups:
    """The forms of a story, and which of them are one entity's."""

    def __init__(self, named: Sequence[Named], roster: Roster) -> None:
        self._roster = roster
        self._forms: dict[object, _Form] = {}
        demoted = _demoted(named, roster)
        seen: dict[tuple[str, str, str | None], _Form] = {}
        self._of: list[_Form] = []
        for mention in named:
            written = mention.label, mention.name, mention.key
            form = seen.get(written) or seen.setdefault(written, self._form(mention, demoted))
            form.labels[mention.label] = form.labels.get(mention.label, 0) + 1
            form.names[mention.name] = form.names.get(mention.name, 0) + 1
            self._of.append(form)
        self._all = list(self._forms.values())
        for form in self._all:
            form.label = _commonest(form.labels)
        self._people = [form for form in self._all if form.label == "PERSON" and len(form.words) > 1]

    def _form(self, mention: Named, demoted: frozenset[str]) -> _Form:
        key = mention.key if mention.key not in demoted or " " in mention.name else None
        words = forms.name_words(mention.name) if mention.label == "PERSON" else forms.company_words(mention.name)
        country = None
        if key is None and mention.label != "PERSON" and (country := forms.country(mention.name)):
            key, words = self._roster.of_country(country), forms.name_words(country)
        elif key is None:
            key = self._roster.of_words(words, mention.label)
        if key is not None:
            words = forms.name_words(self._roster.watched[key].name)
        at: object = words if key is None else key
        form = self._forms.get(at) or self._forms.setdefault(at, _Form(words, key))
        form.country = form.country or country
        return form

    def _join(self, a: _Form, b: _Form) -> None:
        """Make two forms one entity's, unless the configuration says that they are not."""
        a, b = a.root(), b.root()
        if a is b or (a.key and b.key):
            return
        if b.key is None and a.key is not None:
            a, b = b, a
        if b.key is not None and a.words in self._roster.never.get(b.key, ()):
            return
        a.parent = b

    # people

    def join_people(self) -> None:
        """Variants of full names first, so that a surname meets every bearer there is; then single words."""
        self._join_full_names()
        by_last: dict[str, list[_Form]] = {}
        by_first: dict[str, list[_Form]] = {}
        for person in self._people:
            by_last.setdefault(forms.surname(person.words), []).append(person)
            by_first.setdefault(person.words[0], []).append(person)
        for form in self._all:
            if len(form.words) == 1 and form.key is None and form.country is None and form.label not in ("GPE", "LOC", "NORP"):
                bearers = by_last.get(form.words[0]) or (by_first.get(form.words[0]) if form.label == "PERSON" else None)
                if bearers and len({id(person.root()) for person in bearers}) == 1:
                    self._join(form, bearers[0])

    def _join_full_names(self) -> None:
        namesakes: dict[str, list[_Form]] = {}
        for person in self._people:
            known = namesakes.setdefault(forms.surname(person.words), [])
            for other in known[:_MOST_NAMESAKES]:
                if _is_tail(person.words, other.words) or forms.are_one_person(person.words, other.words):
                    self._join(person, other)
                    break
            known.append(person)

    # organisations and whatever else has a name

    def join_organisations(self) -> None:
        """Acronyms to full forms, and short forms to the one longer name that begins or ends so."""
        others = [form for form in self._all if form.label != "PERSON"]
        self._join_acronyms(others)
        by_first: dict[str, list[_Form]] = {}
        by_last: dict[str, list[_Form]] = {}
        for form in others:
            if len(form.words) > 1 and form.country is None:
                by_first.setdefault(form.words[0], []).append(form)
                by_last.setdefault(form.words[-1], []).append(form)
        for form in others:
            if (
                form.parent is None
                and form.key is None
                and form.country is None
                and form.label in ("ORG", "PRODUCT", "NORP", "EVENT")
            ):
                self._join_short(form, by_first.get(form.words[0], []), by_last.get(form.words[-1], []))

    def _join_short(self, form: _Form, alike_first: Sequence[_Form], alike_last: Sequence[_Form]) -> None:
        count = len(form.words)
        if count == 1 and (form.label != "ORG" or form.words[0] in _TOO_GENERAL):
            return
        begins = [
            other for other in alike_first[:_MOST_NAMESAKES] if other.words[:count] == form.words and len(other.words) > count
        ]
        ends = [other for other in alike_last[:_MOST_NAMESAKES] if other.words[-count:] == form.words and len(other.words) > count]
        for longer in (ends, begins):
            same = [other for other in longer if other.label == form.label]
            if same and len({id(other.root()) for other in same}) == 1:
                self._join(form, same[0])
                return

    def _join_acronyms(self, others: Sequence[_Form]) -> None:
        spelled: dict[str, _Form] = {}
        for form in others:
            if len(form.words) > 1:
                for acronym in forms.initials(next(iter(form.names))):
                    spelled.setdefault(acronym, form)
        for form in others:
            name = next(iter(form.names)).replace(".", "")
            if len(form.words) == 1 and form.country is None and 2 <= len(name) <= 6 and name.isupper() and name in spelled:
                self._join(form, spelled[name])

    # the outcome

    def joined(self) -> Joined:
        """One entity for the forms of each root, the configured ones named first; a second of the same name is the first."""
        members: dict[_Form, list[_Form]] = {}
        for form in self._all:
            members.setdefault(form.root(), []).append(form)
        entities: dict[str, Entity] = {}
        key_of: dict[_Form, str] = {}
        key_of_name: dict[str, str] = {}
        for root in sorted(members, key=lambda root: root.key is None):
            entity = _entity(members[root], self._roster)
            key = key_of_name.setdefault(forms.fold(entity.name), entity.key)
            known = entities.get(key)
            entities[key] = known._replace(count=known.count + entity.count) if known else entity
            for form in members[root]:
                key_of[form] = key
        keys = tuple(key_of[form] for form in self._of)
        position = {key: at for at, key in reversed(list(enumerate(keys)))}
        return Joined(keys, tuple(sorted(entities.values(), key=lambda entity: (-entity.count, position[entity.key]))))


def _is_tail(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether the shorter of two full names is the end of the longer ("Suu Kyi")."""
    short, long = sorted((a, b), key=len)
    return long[-len(short) :] == short


def _demoted(named: Sequence[Named], roster: Roster) -> frozenset[str]:
    """The configured people whose surname is somebody else's in this story: it gives another's full name, and not theirs."""
    short = {mention.key for mention in named if mention.key and " " not in mention.name}
    short -= {mention.key for mention in named if mention.key and " " in mention.name}
    people = {key for key in short if key and roster.watched[key].kind == "person"}
    if not people:
        return frozenset()
    others = {
        forms.surname(words)
        for mention in named
        if mention.key is None and mention.label == "PERSON" and len(words := forms.name_words(mention.name)) > 1
        if words[-1] not in forms.GENERATIONS
    }
    return frozenset(key for key in people if forms.surname(forms.name_words(roster.watched[key].name)) in others)


def _entity(members: Sequence[_Form], roster: Roster) -> Entity:
    count = sum([sum(form.labels.values()) for form in members])
    kind = _kind(members)
    country = None
    for form in members:
        if form.key is not None:
            known = roster.watched[form.key]
            return Entity(known.key, known.name, kind if known.kind == "other" else known.kind, count)
        country = country or form.country
    name = country or _fullest(members, kind)
    return Entity(forms.entity_key(kind, name), name, kind, count)


def _kind(members: Sequence[_Form]) -> Kind:
    """What most mentions say; of a country, that it is a place (the European Union is an organisation)."""
    if len(members) == 1:
        (form,) = members
        return "place" if form.country and form.label != "ORG" else forms.KIND_OF[form.label]
    if any(form.country for form in members) and not all(form.label == "ORG" for form in members):
        return "place"
    labels: dict[str, int] = {}
    for form in members:
        for label, count in form.labels.items():
            labels[label] = labels.get(label, 0) + count
    return forms.KIND_OF[_commonest(labels)]


def _commonest(counts: Mapping[str, int]) -> str:
    """The key with the greatest count, the first of equals."""
    return next(iter(counts)) if len(counts) == 1 else max(counts, key=counts.__getitem__)


def _fullest(members: Sequence[_Form], kind: Kind) -> str:
    """The form with most words of more than an initial; then one that does not shout; then the commonest."""
    if len(members) == 1 and len(members[0].names) == 1:
        return _alone(next(iter(members[0].names)), kind)
    candidates: dict[str, int] = {}
    for form in members:
        for name, count in form.names.items():
            shown = _shown(name, kind)
            candidates[shown] = candidates.get(shown, 0) + count
    return _unshouted(max(candidates, key=lambda name: (_weight(name), not _is_shouted(name, kind), candidates[name])), kind)


@lru_cache(forms.MOST_REMEMBERED)
def _alone(name: str, kind: Kind) -> str:
    """The name of an entity that the story calls nothing else, as of seven in ten."""
    return _unshouted(_shown(name, kind), kind)


def _shown(name: str, kind: Kind) -> str:
    return forms.without_company_suffix(forms.shown(name)) if kind == "organisation" else forms.shown(name)


def _unshouted(name: str, kind: Kind) -> str:
    return name.title() if kind == "place" and _is_shouted(name, kind) else name


def _is_shouted(name: str, kind: Kind) -> bool:
    """Whether a name stands in capitals that is none of initials."""
    return name.isupper() and len(name) > (3 if kind in ("place", "person") else 5) and "." not in name


def _weight(name: str) -> int:
    return sum(len(word.rstrip(".")) > 1 and word.lower() not in forms.GENERATIONS for word in name.split()[:6])
