"""The pool of polls, against real servers in a thread of their own."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from pipeline.feeds.poller import Poller
from pipeline.model import FeedState, Poll

from .documents import RSS20
from .servers import NOW, state

pytestmark = pytest.mark.enable_socket

PATIENCE_S = 10.0


class Newsstand:
    """A server with feeds that behave and feeds that do not; `/held/…` answers once `release` is called."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._ready = threading.Event()
        self.asked: list[str] = []
        self.url = ""
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        self._ready.wait(PATIENCE_S)

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._released.set)

    def close(self) -> None:
        self.release()
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(PATIENCE_S)

    async def _serve(self) -> None:
        self._closing = asyncio.Event()
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        async with TestServer(application) as server:
            self.url = str(server.make_url("/"))
            self._ready.set()
            await self._closing.wait()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        match request.path.split("/")[1]:
            case "held":
                await self._released.wait()
            case "error":
                return web.Response(status=500)
            case "html":
                return web.Response(text="<!doctype html><html></html>")
        return web.Response(text=RSS20)


@pytest.fixture
def newsstand() -> Iterator[Newsstand]:
    stand = Newsstand()
    yield stand
    stand.close()


@contextmanager
def polling(states: list[FeedState], *, timeout_s: float = PATIENCE_S, concurrency: int = 8) -> Iterator[Poller]:
    every = {each.url: timedelta(minutes=5) for each in states}
    arguments = {"max_bytes": 100_000, "concurrency": concurrency, "user_agent": "wirewatch-test", "clock": lambda: NOW, "seed": 1}
    poller = Poller(every, timeout_s=timeout_s, **arguments)  # type: ignore[arg-type]
    try:
        yield poller
    finally:
        poller.close()


def paths(polls: list[Poll]) -> set[str]:
    return {"/" + poll.state.url.split("/", 3)[3] for poll in polls}


def test_every_poll_comes_out_once(newsstand: Newsstand) -> None:
    """Good feeds with their items, bad ones with their errors."""
    states = [state(f"{newsstand.url}{name}/{number}") for name in ("good", "error", "html") for number in range(10)]
    with polling(states) as poller:
        poller.submit(states)
        polls = list(poller.completed(PATIENCE_S))
        assert poller.in_flight == 0
    assert sorted(poll.state.url for poll in polls) == sorted(each.url for each in states)
    assert {len(poll.versions) for poll in polls if "/good/" in poll.state.url} == {2}
    assert all(poll.state.error for poll in polls if "/good/" not in poll.state.url)
    assert all(poll.state.last_polled_at == NOW for poll in polls)


def test_slow_feeds_stay_in_flight_and_come_out_later(newsstand: Newsstand) -> None:
    """A tick takes what there is; the rest outlives it."""
    slow, good = state(newsstand.url + "held/1"), state(newsstand.url + "good/1")
    with polling([slow, good]) as poller:
        poller.submit([slow, good])
        first = next(poller.completed(PATIENCE_S))
        assert paths([first]) == {"/good/1"}
        assert list(poller.completed(0.05)) == []
        assert list(poller.completed(0)) == []
        assert poller.in_flight == 1
        newsstand.release()
        assert paths(list(poller.completed(PATIENCE_S))) == {"/held/1"}
        assert poller.in_flight == 0


def test_a_feed_that_is_being_polled_is_not_polled_twice(newsstand: Newsstand) -> None:
    """And may be polled again once it came out."""
    slow = state(newsstand.url + "held/1")
    with polling([slow]) as poller:
        poller.submit([slow, slow])
        poller.submit([slow])
        newsstand.release()
        assert len(list(poller.completed(PATIENCE_S))) == 1
        poller.submit([slow])
        assert len(list(poller.completed(PATIENCE_S))) == 1
    assert newsstand.asked == ["/held/1"] * 2


def test_a_feed_that_hangs_ends_with_its_time(newsstand: Newsstand) -> None:
    """It costs the others nothing but its place."""
    states = [state(newsstand.url + "held/1"), *(state(f"{newsstand.url}good/{number}") for number in range(5))]
    with polling(states, timeout_s=0.3) as poller:
        poller.submit(states)
        polls = {poll.state.url.split("/")[3]: poll for poll in poller.completed(PATIENCE_S)}
    assert "not finished within" in (polls["held"].state.error or "")
    assert polls["good"].state.error is None


def test_no_more_is_fetched_than_is_taken(newsstand: Newsstand) -> None:
    """Documents that nobody takes do not fill the memory."""
    states = [state(f"{newsstand.url}good/{number}") for number in range(30)]
    with polling(states, concurrency=2) as poller:
        poller.submit(states)
        taken = [next(poller.completed(PATIENCE_S)) for _ in range(3)]
        time.sleep(0.2)
        assert len(newsstand.asked) <= len(taken) + 4
        assert len(taken) + len(list(poller.completed(PATIENCE_S))) == 30


def test_closing_breaks_off_what_is_under_way(newsstand: Newsstand) -> None:
    """Soon, and as often as one likes; a poller that never polled closes too."""
    slow = state(newsstand.url + "held/1")
    with polling([slow]) as poller:
        poller.submit([slow])
        poller.close()
        poller.close()
        assert poller.in_flight == 0
        assert list(poller.completed(PATIENCE_S)) == []
    with polling([]) as poller:
        assert list(poller.completed(PATIENCE_S)) == []


def test_a_feed_without_interval_is_refused(newsstand: Newsstand) -> None:
    """Before anything is asked of anybody."""
    with polling([]) as poller, pytest.raises(KeyError):
        poller.submit([state(newsstand.url + "good/1")])
    assert newsstand.asked == []
