"""Indexing as a step of the chain: on leaving it, a story can be searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pipeline.clock import Clock, utc_now
from pipeline.errors import TransientError
from pipeline.model import Passage, ReadStory
from pipeline.store.address import StoreAddress
from pipeline.store.beam import Step

MOST_TRIES = 8


class IndexStories(Step):
    """Read passages in, the same out once they are stored.

    Where somebody else has written a story meanwhile, `settle` merges with theirs and the write is tried again.
    """

    stage = "search"

    def __init__(self, store: StoreAddress | str, settle: Callable[[ReadStory, Passage], Passage], clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.settle = settle

    def process(self, passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
        if passages:
            yield tuple(self.together(passages, self._indexed, self.of_passage))

    def _indexed(self, passages: Sequence[Passage]) -> list[Passage]:
        current = {passage.story.id: passage for passage in passages}
        stale = set(current)
        for _ in range(MOST_TRIES):
            stale = self.store.stories.put([read_story(current[id]) for id in stale])
            if not stale:
                self.count("stories_indexed", len(current))
                return list(current.values())
            stored = self.store.stories.get(stale)
            current |= {id: self.settle(stored[id], current[id]) for id in stale}
        raise TransientError(f"{len(stale)} stories are written by others all the time; they are tried again later")


def read_story(passage: Passage) -> ReadStory:
    """What is stored of a passage. Raises ValueError where it has not been read."""
    if passage.reading is None:
        raise ValueError(f"story {passage.story.id} was not read")
    return ReadStory(passage.story, passage.reading, passage.revision, tuple(hit.watch for hit in passage.hits))
