"""The polls that are under way: they outlive the tick that began them, and come out as they finish.

Documents are fetched in a thread of their own and parsed in the caller's, so that a slow parse holds up no server. How often a feed
is polled, and what is done with what it brought, is not decided here.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import NamedTuple, Self

import structlog

from pipeline.feeds.fetch import Fetched, Fetcher
from pipeline.feeds.poll import outcome
from pipeline.model import FeedState, Poll

log = structlog.get_logger()

_PATIENCE_S = 5.0
"""How long opening and closing wait for the thread."""
_MOST_UNREAD = 2
"""Documents fetched and not yet taken, for each poll that may be under way: bounds the memory."""


class _Finished(NamedTuple):
    state: FeedState
    fetched: Fetched


class Poller:
    """Polls feeds, many at a time. One that hangs, breaks or lies costs the others nothing but its place.

    `every` is how often each feed is polled, by URL; `clock` answers the time (aware UTC); the other arguments are `Fetcher`'s. To
    be used from one thread at a time, and closed.
    """

    def __init__(
        self,
        every: Mapping[str, timedelta],
        *,
        timeout_s: float,
        max_bytes: int,
        concurrency: int,
        user_agent: str,
        clock: Callable[[], datetime],
        seed: int,
    ) -> None:
        self._every = dict(every)
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - spreads load, hides nothing
        self._fetcher = Fetcher(timeout_s, max_bytes, concurrency, user_agent)
        self._places = asyncio.Semaphore(concurrency * _MOST_UNREAD)
        self._finished: queue.SimpleQueue[_Finished] = queue.SimpleQueue()
        self._under_way: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._opened = asyncio.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="wirewatch-poller", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def in_flight(self) -> int:
        """How many polls were begun and have not come out."""
        return len(self._under_way)

    def submit(self, states: Sequence[FeedState]) -> None:
        """Begin a poll of each feed; one that is being polled already is not polled twice. Does not wait.

        Raises KeyError for a feed that is not among `every`.
        """
        for state in states:
            _ = self._every[state.url]
        fresh = [state for state in states if state.url not in self._under_way]
        self._under_way.update(state.url for state in fresh)
        self._loop.call_soon_threadsafe(self._begin, list({state.url: state for state in fresh}.values()))

    def completed(self, wait_s: float) -> Iterator[Poll]:
        """Polls as they finish, until none is under way or `wait_s` seconds have passed since the first was asked for.

        The rest come out at a later call; so does what finished while the caller was busy with the others. With 0, those that have
        finished already.
        """
        deadline = time.monotonic() + wait_s
        while self._under_way:
            try:
                finished = self._finished.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return
            yield self._poll(finished)
            if time.monotonic() > deadline and wait_s > 0:
                return

    def close(self) -> None:
        """Break off what is under way: nothing of it is remembered, and its feeds are polled again. Closing twice is allowed."""
        if self._is_closed:
            return
        self._is_closed = True
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE_S)
        self._under_way.clear()

    def _poll(self, finished: _Finished) -> Poll:
        state, fetched = finished
        self._under_way.discard(state.url)
        self._loop.call_soon_threadsafe(self._places.release)
        every = self._every[state.url]
        return outcome(state, fetched, feed_url=state.url, every=every, now=self._clock(), rng=self._random)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        async with self._fetcher:
            self._opened.set()
            await self._stop.wait()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, states: Sequence[FeedState]) -> None:
        for state in states:
            task = self._loop.create_task(self._fetch(state))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch(self, state: FeedState) -> None:
        await self._opened.wait()
        await self._places.acquire()
        self._finished.put(_Finished(state, await self._fetcher.fetch(state)))
