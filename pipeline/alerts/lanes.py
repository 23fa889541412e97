"""Whose turn it is to be sent: so many at once in all, and so few to one webhook that a dead one never holds every place."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

MAX_AT_ONCE = 64
"""With 64 in flight aiohttp holds 1,000 deliveries a second against a receiver that takes 50 ms."""

MAX_AT_ONCE_EACH = 8


class Lane:
    """The places of one webhook: one until an attempt went well, `width` until one goes wrong."""

    def __init__(self, width: int) -> None:
        self.is_trusted = False
        """Whether the last attempt went well; whoever holds a place says so."""
        self._all = asyncio.Semaphore(width)
        self._one = asyncio.Semaphore(1)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it."""
        async with self._all, nullcontext() if self.is_trusted else self._one:
            yield


class Lanes:
    """A lane for every webhook, and the places that all share. Belongs to one event loop."""

    def __init__(self, places: int = MAX_AT_ONCE, width: int = MAX_AT_ONCE_EACH) -> None:
        self._places = asyncio.Semaphore(places)
        self._lanes: defaultdict[str, Lane] = defaultdict(lambda: Lane(width))

    @asynccontextmanager
    async def place(self, webhook: str) -> AsyncIterator[Lane]:
        """Wait for a place in the lane of `webhook`, then for one of the shared, and hold both."""
        lane = self._lanes[webhook]
        async with lane.place(), self._places:
            yield lane
