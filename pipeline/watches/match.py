"""Which watches a read story fires, and the words that prove it. No I/O, no clock, no Beam."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pipeline.model import Entity, Evidence, Hit, Passage, Reading, Sentence, Story, Within, hit_id


class Watch(Protocol):
    """What is looked for, as it is configured."""

    @property
    def name(self) -> str: ...
    @property
    def all(self) -> tuple[str, ...]:
        """The keys of the entities that must meet."""

    @property
    def within(self) -> Within: ...


class WatchIndex:
    """The watches, found by the entities of a story: what the others look for costs nothing."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        """Each watch is filed under the one of its entities that the fewest watches name: all may be about the same person."""
        popularity = Counter(key for watch in watches for key in set(watch.all))
        self._by_rarest: defaultdict[str, list[tuple[int, Watch]]] = defaultdict(list)
        for at, watch in enumerate(watches):
            if watch.all:
                self._by_rarest[min(watch.all, key=popularity.__getitem__)].append((at, watch))

    def naming_all(self, keys: Collection[str]) -> Iterator[Watch]:
        """The watches all of whose entities are among `keys`, in the order of the configuration."""
        there = frozenset(keys)
        filed = (place for key in there & self._by_rarest.keys() for place in self._by_rarest[key])
        found = [(at, watch) for at, watch in filed if there.issuperset(watch.all)]
        return (watch for _, watch in sorted(found, key=lambda place: place[0]))


def hits(story: Story, reading: Reading, watches: WatchIndex, found_at: datetime) -> Iterator[Hit]:
    """Yield a hit for each watch whose entities meet in `story` as closely as it asks, in the order of the watches.

    `reading` is of the story's current version. The evidence is in order; see `meeting_place` for what proves what.
    """
    named = sentences_naming(reading)
    entities = {entity.key: entity for entity in reading.entities}
    for watch in watches.naming_all(named.keys() & entities.keys()):
        if place := meeting_place(watch.all, watch.within, named, reading.sentences):
            yield _hit(story, watch, entities, tuple(evidence(story, reading.sentences[at]) for at in place), found_at)


def matched(passage: Passage, watches: WatchIndex, found_at: datetime) -> Passage:
    """`passage` with its hits. Raises ValueError where it has not been read."""
    if passage.reading is None:
        raise ValueError(f"story {passage.story.id} was not read")
    return passage._replace(hits=tuple(hits(passage.story, passage.reading, watches, found_at)))


def sentences_naming(reading: Reading) -> dict[str, tuple[int, ...]]:
    """For each entity that is mentioned, the indices of the sentences that name it, in order."""
    named: defaultdict[str, set[int]] = defaultdict(set)
    for mention in reading.mentions:
        named[mention.entity].add(mention.sentence)
    return {key: tuple(sorted(found)) for key, found in named.items()}


def meeting_place(
    keys: Sequence[str], within: Within, named: Mapping[str, Sequence[int]], sentences: Sequence[Sentence]
) -> tuple[int, ...]:
    """The indices of the sentences that prove that all of `keys` meet `within`; none where they do not.

    - sentence: the first that names them all, in the text if there is one, else the title;
    - paragraph: those of the first paragraph that names them all (the title is one of its own, and the last resort) which name any;
    - story: the first that names each.
    """
    if not keys or any(key not in named for key in keys):
        return ()
    if within == "story":
        return tuple(sorted({named[key][0] for key in keys}))
    if within == "sentence":
        together = set.intersection(*(set(named[key]) for key in keys))
        return tuple(sorted(together, key=lambda at: (sentences[at].field == "title", at))[:1])
    return _first_paragraph(keys, named, sentences)


def evidence(story: Story, sentence: Sentence) -> Evidence:
    """The words of a sentence, as they stand in `story`."""
    words = story.title if sentence.field == "title" else story.text
    return Evidence(sentence.field, sentence.start, sentence.end, words[sentence.start : sentence.end])


def _first_paragraph(keys: Sequence[str], named: Mapping[str, Sequence[int]], sentences: Sequence[Sentence]) -> tuple[int, ...]:
    together = set.intersection(*({sentences[at].paragraph for at in named[key]} for key in keys))
    if not together:
        return ()
    # The title is paragraph 0.
    first = min(together, key=lambda paragraph: (paragraph == 0, paragraph))
    return tuple(sorted({at for key in keys for at in named[key] if sentences[at].paragraph == first}))


def _hit(story: Story, watch: Watch, entities: Mapping[str, Entity], proof: tuple[Evidence, ...], found_at: datetime) -> Hit:
    return Hit(
        id=hit_id(story.id, watch.name),
        story_id=story.id,
        event_id=story.event_id,
        watch=watch.name,
        entities=tuple(entities[key] for key in dict.fromkeys(watch.all)),
        evidence=proof,
        found_at=found_at,
        ref=story.ref,
    )
