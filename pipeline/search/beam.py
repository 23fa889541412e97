"""Indexing as a step of the chain: on leaving it, a story can be searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.clock import Clock, utc_now
from pipeline.errors import TransientError
from pipeline.model import Passage, ReadStory
from pipeline.store.address import StoreAddress
from pipeline.store.beam import Step
from pipeline.store.roles import Merger

MOST_TRIES = 8


class IndexStories(Step):
    """Read passages in, the same out once they are stored, and the ids that turned out to be their stories lead to them.

    Where somebody else has written a story meanwhile, `settle` merges with what is stored by now and the write is tried again.
    """

    stage = "search"

    def __init__(
        self,
        store: StoreAddress | str,
        settle: Callable[[Mapping[str, ReadStory], Passage], Passage],
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(store, clock)
        self.settle = settle

    def process(self, passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
        if passages:
            yield tuple(self.together(passages, self._indexed, self.of_passage))

    def _indexed(self, passages: Sequence[Passage]) -> list[Passage]:
        done: dict[int, Passage] = {}
        left = dict(enumerate(passages))
        tries = MOST_TRIES
        while tries:
            written = self._written(left)
            done |= written
            if len(done) == len(passages):
                self.count("stories_indexed", len(passages))
                return [done[at] for at in sorted(done)]
            left = self._settled({at: passage for at, passage in left.items() if at not in written})
            # Of several passages of one story each round writes one.
            tries = MOST_TRIES if written else tries - 1
        raise TransientError(f"{len(left)} stories are written by others all the time; they are tried again later")

    def _written(self, passages: Mapping[int, Passage]) -> dict[int, Passage]:
        """Those of `passages` that could be stored. What goes into a story leads to it only when all of it is there."""
        first = {passage.story.id: at for at, passage in sorted(passages.items(), reverse=True)}
        stale = self.store.stories.put([read_story(passages[at]) for at in first.values()])
        stored = {at: passages[at] for id, at in first.items() if id not in stale}
        mergers = [Merger(id, revision, each.story.id) for each in stored.values() for id, revision in each.absorbed]
        apart = self.store.stories.merge(mergers) if mergers else set()
        return {at: each for at, each in stored.items() if apart.isdisjoint(id for id, _ in each.absorbed)}

    def _settled(self, passages: Mapping[int, Passage]) -> dict[int, Passage]:
        """`passages` with what is stored by now under their ids, or where these lead."""
        ids = {at: {each.story.id, *(id for id, _ in each.absorbed)} for at, each in passages.items()}
        kept = self.store.stories.get(set[str]().union(*ids.values()))
        return {
            at: self.settle({kept[id].story.id: kept[id] for id in ids[at] if id in kept}, _without_led(each, kept))
            for at, each in passages.items()
        }


def _without_led(passage: Passage, kept: Mapping[str, ReadStory]) -> Passage:
    """`passage` without the ids that lead to another story by now: that is in `kept`."""
    absorbed = tuple((id, 0) for id, _ in passage.absorbed if id not in kept)
    return passage._replace(absorbed=absorbed)


def read_story(passage: Passage) -> ReadStory:
    """What is stored of a passage. Raises ValueError where it has not been read."""
    if passage.reading is None:
        raise ValueError(f"story {passage.story.id} was not read")
    return ReadStory(passage.story, passage.reading, passage.revision, tuple(hit.watch for hit in passage.hits))
