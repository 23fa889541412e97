"""How stories on their way are written where a runner carries them from one worker to another: msgpack, as in the store.

Beam would pickle them, and pickles the first elements of every step anyway, only to guess their size; of batches those are nearly
all. The guess made here costs nothing.
"""

from __future__ import annotations

from apache_beam import coders

from pipeline.model import Passage
from pipeline.store.codec import decode, encode


class Passages(tuple[Passage, ...]):
    """The output type of steps that hand on a batch of passages; Beam looks the coder up by it, any tuple is one."""

    __slots__ = ()


class PassagesCoder(coders.Coder):
    """A batch of passages as bytes; the same bytes for the same batch."""

    def encode(self, value: tuple[Passage, ...]) -> bytes:
        """The batch as msgpack."""
        return encode(value)

    def decode(self, encoded: bytes) -> tuple[Passage, ...]:
        """The batch that `encode` was given. Raises `msgspec.ValidationError` where the bytes are of another kind."""
        return decode(encoded, tuple[Passage, ...])

    def estimate_size(self, value: tuple[Passage, ...]) -> int:
        """About the bytes that `encode` makes: the texts, and as much again for their readings."""
        return sum(2 * len(passage.story.text) + 1_000 for passage in value)

    def is_deterministic(self) -> bool:
        """Always: all of a passage are tuples, in an order of their own."""
        return True


coders.registry.register_coder(Passages, PassagesCoder)
