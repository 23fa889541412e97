"""Which event a story belongs to when it arrives: the one of the stories it is most like, or one that it begins.

A story's sketch is kept before the story is, and says of which event it is: whoever comes next finds it, and doing it again after a
crash gives the same event. Two workers that meet one happening at once begin two events; grouping again makes them one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from pipeline.model import Passage, Reading, Sketch, Story
from pipeline.store.roles import Store, Telling
from pipeline.stories.grouping import LEAST_ALIKE, WINDOW, crowding, nearness
from pipeline.stories.likeness import Rarity, packed_terms, telling
from pipeline.stories.meaning import Encode, with_meanings

MOST_ALIKE = 48
"""Stories that one is compared with."""
MOST_ASKED = 12
"""Of the terms that tell a story, those by which others are looked for; others are found by more, as they may tell it otherwise."""
RECENT = 10_000
"""Stories of late that say how rare a term is, beside the background."""
_REFRESHED_EVERY = 64


def rarity_of(store: Store) -> Rarity:
    """How much each term says, by the stories of late."""
    rarity = Rarity()
    for sketch in store.events.newest(RECENT):
        rarity.count(sketch.terms)
    rarity.refresh()
    return rarity


def sketch_of(story: Story, reading: Reading | None = None, encode: Encode | None = None) -> Sketch:
    """What is remembered of a story, with whom it names where it was read, and what it means where there is an `encode`.

    Its event is as the story says.
    """
    terms = packed_terms(story.title, story.text, persons_of(reading) if reading else {})
    meaning = encode(story.title, story.text) if encode else b""
    return Sketch(story.id, story.event_id, story.source, story.published_at, telling(terms), terms, story.duplicate_of, meaning)


def persons_of(reading: Reading) -> dict[str, int]:
    """The persons whom a story names in full or who are configured, by key, with how often it names them.

    Of whom it gives a last name alone, what was read before may say who that is (`recall.py`): an event must not depend on that.
    """
    in_full = {mention.entity for mention in reading.mentions if " " in mention.text}
    persons = (entity for entity in reading.entities if entity.kind == "person")
    return {each.key: each.count for each in persons if each.key in in_full or ":" not in each.key}


def wanted(sketch: Sketch, rarity: Rarity, window: timedelta = WINDOW) -> Telling:
    """What is asked for to find the stories that one is like."""
    return Telling(rarity.asked(sketch.telling[:MOST_ASKED]), sketch.published_at - window, sketch.published_at + window)


def likenesses(sketch: Sketch, others: Sequence[Sketch], rarity: Rarity, window: timedelta = WINDOW) -> list[float]:
    """How alike each of `others` is to a story, less where they are apart in time."""
    words = rarity.alike(sketch.terms, [other.terms for other in others])
    alike = with_meanings(words, sketch.meaning, [other.meaning for other in others])
    return [
        how * nearness((sketch.published_at - other.published_at).total_seconds(), window)
        for how, other in zip(alike.tolist(), others, strict=True)
    ]


class Placing:
    """Places stories in events, batch by batch. Remembers how rare terms are, and nothing that another worker would miss."""

    def __init__(
        self, store: Store, rarity: Rarity | None = None, encode: Encode | None = None, window: timedelta = WINDOW
    ) -> None:
        """With `rarity`, goes on from what was counted before; with `encode`, stories are placed by what they mean too.

        Stories further apart than `window` are not compared.
        """
        self._store = store
        self._encode = encode
        self._window = window
        self.rarity = rarity or rarity_of(store)
        self._counted = 0

    def placed(self, passages: Sequence[Passage], now: datetime) -> list[Passage]:
        """`passages` with their events, in order; their sketches are kept. An edit stays in its event, whatever it says now.

        Which are copies turns out when they are stored (`copies.py`): each is then of its original's. Raises `TransientError`
        where the store is away; doing it again does no harm.
        """
        changed = {passage.story.id: passage for passage in passages if passage.is_new or passage.is_reworded}
        if not changed:
            return list(passages)
        known = self._store.events.of_stories(changed)
        sketches = {id: sketch_of(each.story, each.reading, self._encode) for id, each in changed.items()}
        fresh = {id for id, each in changed.items() if each.is_new} - known.keys()
        events = {id: sketch.event_id for id, sketch in known.items()}
        events |= {id: each.story.event_id for id, each in changed.items() if id not in events}
        events |= self._met([sketch for id, sketch in sketches.items() if id in fresh])
        self._store.events.keep([sketch._replace(event_id=events[id]) for id, sketch in sketches.items()], now)
        self._count([sketches[id] for id in fresh])
        return [
            each._replace(story=each.story._replace(event_id=events[each.story.id])) if each.story.id in changed else each
            for each in passages
        ]

    def _met(self, sketches: Sequence[Sketch]) -> dict[str, str]:
        """The event of each story that has none yet: of those it is like in the store and before it in this batch, or its own."""
        found = self._store.events.alike(
            {sketch.story_id: wanted(sketch, self.rarity, self._window) for sketch in sketches}, MOST_ALIKE
        )
        before: list[Sketch] = []
        for sketch in sketches:
            others = [other for other in found[sketch.story_id] if not other.duplicate_of]
            before.append(sketch._replace(event_id=self._best(sketch, [*others, *before])))
        return {sketch.story_id: sketch.event_id for sketch in before}

    def _best(self, sketch: Sketch, others: Sequence[Sketch]) -> str:
        alike = likenesses(sketch, others, self.rarity, self._window)
        by_event: dict[str, list[float]] = defaultdict(list)
        for other, how in zip(others, alike, strict=True):
            by_event[other.event_id].append(how)
        average = {event: sum(each) / len(each) for event, each in by_event.items()}
        best = max(average, key=lambda event: (average[event], event), default=None)
        return best if best is not None and average[best] - crowding(alike) >= LEAST_ALIKE else sketch.event_id

    def _count(self, sketches: Sequence[Sketch]) -> None:
        for sketch in sketches:
            self.rarity.count(sketch.terms)
        self._counted += len(sketches)
        if self._counted >= _REFRESHED_EVERY:
            self.rarity.refresh()
            self._counted = 0
