"""What a lone surname in a headline stands for: whom the stream's own recent stories name in full, where that leaves one candidate.

Within a story the full name decides (`entities.py`). A headline without a text ("Musk calls Putin") has none; then it is the one
person of that surname whom two stories or more named in full, published up to three days before it. Two candidates leave it alone.

The answer follows from the stories read before: nothing is drawn, no clock is asked, and a story once read keeps its reading until
its words change. It does follow from their order: a headline that overtakes the story that would explain it stays alone, and is
not taken for anybody else. What is remembered is bounded: `MOST_NAMES` full names, `MOST_STORIES` stories of each.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.language import forms
from pipeline.model import Entity, Pair, Reading

RECENT = timedelta(days=3)
LEAST_STORIES = 2
MOST_NAMES = 50_000
MOST_STORIES = 8
"""Of a person, whose times are kept: the latest published."""
LEARNT_AT_FIRST = 500
"""The newest stories of the store, from which a process learns when it starts."""


class _Person(NamedTuple):
    entity: Entity
    named_at: dict[str, datetime]
    """When the latest stories that named them were published, by story."""


class Memory:
    """The people whom recent stories named in full, by surname. Safe to use from several threads."""

    def __init__(self) -> None:
        self._people: OrderedDict[tuple[str, ...], _Person] = OrderedDict()
        self._by_surname: dict[str, dict[tuple[str, ...], None]] = {}
        self._lock = threading.Lock()

    def learn(self, story_id: str, reading: Reading, published_at: datetime) -> None:
        """Remember whom a story names in full."""
        for entity in reading.entities:
            words = forms.name_words(entity.name)
            if entity.kind == "person" and len(words) > 1:
                with self._lock:
                    self._remember(words, entity, story_id, published_at)

    def _remember(self, words: tuple[str, ...], entity: Entity, story_id: str, published_at: datetime) -> None:
        person = self._people.setdefault(words, _Person(entity, {}))
        self._people.move_to_end(words)
        person.named_at[story_id] = published_at
        if len(person.named_at) > MOST_STORIES:
            del person.named_at[min(person.named_at, key=lambda story: (person.named_at[story], story))]
        self._by_surname.setdefault(forms.surname(words), {})[words] = None
        if len(self._people) > MOST_NAMES:
            forgotten, _ = self._people.popitem(last=False)
            namesakes = self._by_surname[forms.surname(forgotten)]
            del namesakes[forgotten]
            if not namesakes:
                del self._by_surname[forms.surname(forgotten)]

    def recalled(self, reading: Reading, published_at: datetime) -> Reading:
        """`reading` with each lone surname of its headline joined to its one candidate; the same object where there is none."""
        headline = {mention.entity for mention in reading.mentions if mention.field == "title"}
        in_full = {forms.surname(words) for entity in reading.entities if len(words := forms.name_words(entity.name)) > 1}
        for entity in reading.entities:
            if entity.kind == "person" and ":" in entity.key and entity.key in headline and " " not in entity.name:
                surname = forms.fold(entity.name)
                if surname not in in_full and (candidate := self._candidate(surname, published_at)):
                    reading = _renamed(reading, entity, candidate)
        return reading

    def _candidate(self, surname: str, published_at: datetime) -> Entity | None:
        with self._lock:
            recent = [
                self._people[words].entity
                for words in self._by_surname.get(surname, ())
                if sum(published_at - RECENT <= at <= published_at for at in self._people[words].named_at.values()) >= LEAST_STORIES
            ]
        return recent[0] if len(recent) == 1 else None


def _renamed(reading: Reading, old: Entity, new: Entity) -> Reading:
    """`reading` with `old` named as `new` everywhere."""

    def renamed(pair: Pair) -> Pair:
        return pair._replace(a=new.key if pair.a == old.key else pair.a, b=new.key if pair.b == old.key else pair.b)

    return reading._replace(
        mentions=tuple(mention._replace(entity=new.key) if mention.entity == old.key else mention for mention in reading.mentions),
        entities=tuple(new._replace(count=old.count) if entity == old else entity for entity in reading.entities),
        pairs=tuple(map(renamed, reading.pairs)),
        apart=tuple(map(renamed, reading.apart)),
    )
