"""The demo's newsroom: feeds on loopback that change by a timetable, with the mishaps of real ones.

An HTTP server in a thread of its own, on a free port of 127.0.0.1. Conditional requests as RFC 9110 §13.2.2 asks: If-None-Match
decides where it is sent, else If-Modified-Since.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from pipeline.demo.formats import CONTENT_TYPES, RENDERERS, FeedPage
from pipeline.demo.programme import Mishap, Outlet, Programme
from pipeline.demo.timetable import page_at

_PATIENCE_S = 10.0
"""How long start and stop wait for the thread."""


class Newsroom:
    """Serves `programme` from `start` until `stop`; a context manager does both.

    `now` is the wall clock at opening (aware UTC). `speed` makes the programme's seconds shorter; dates keep their distances and
    are moved back as far as it takes that none lies in the future. `clock` answers seconds that only grow. A mishap that hangs
    holds a request for `hold_s` real seconds.
    """

    def __init__(
        self,
        programme: Programme,
        *,
        now: datetime,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        hold_s: float = 5.0,
    ) -> None:
        self._programme = programme
        self._speed = speed
        self._clock = clock
        self._hold_s = hold_s
        self._dated_from = now - timedelta(seconds=programme.length_s * (1 - 1 / speed))
        self._opened_at: float | None = None
        self._mishaps = sorted(programme.mishaps, key=lambda mishap: mishap.at_s)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()
        self._up = threading.Event()
        self._port = 0
        self.answers: Counter[str] = Counter()
        """How often each kind of answer was given: by status, or by the kind of mishap."""

    def __enter__(self) -> Newsroom:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Open; returns when the feeds answer. Raises RuntimeError where that takes too long."""
        self._thread = threading.Thread(target=self._run, name="newsroom", daemon=True)
        self._thread.start()
        if not self._up.wait(_PATIENCE_S):
            raise RuntimeError("the newsroom did not open")

    def stop(self) -> None:
        """Close, also on those who wait for an answer; stopping twice is allowed."""
        if self._thread is None or self._loop is None:
            return
        with suppress(RuntimeError):  # The loop is closed: there is nobody to tell.
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(_PATIENCE_S)
        self._thread = None

    def feeds(self) -> list[tuple[str, str]]:
        """URL and name of every feed."""
        return [
            (f"http://127.0.0.1:{self._port}/{outlet.key}/{feed}", _feed_name(outlet, feed))
            for outlet in self._programme.outlets
            for feed in outlet.feeds
        ]

    def elapsed_s(self) -> float:
        """Where in the programme the newsroom is, in the programme's seconds."""
        return 0.0 if self._opened_at is None else (self._clock() - self._opened_at) * self._speed

    @property
    def is_over(self) -> bool:
        """Whether everything is out."""
        return self.elapsed_s() >= self._programme.length_s

    # ── the server's thread ──

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        application = web.Application()
        application.add_routes([web.get("/{outlet}/{feed}", self._answer)])
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._port = runner.addresses[0][1]
            self._opened_at = self._clock()
            self._up.set()
            await self._closing.wait()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        outlet = next((outlet for outlet in self._programme.outlets if outlet.key == request.match_info["outlet"]), None)
        feed = request.match_info["feed"]
        if outlet is None or feed not in outlet.feeds:
            raise web.HTTPNotFound
        page = page_at(self._programme, outlet, feed, self.elapsed_s(), self._dated_from)
        body = RENDERERS[outlet.feeds[feed]](page)
        if mishap := self._mishap_of(outlet):
            self.answers[mishap.kind] += 1
            return await self._mishap_answer(mishap, request, body, _content_type(outlet, feed))
        response = _conditional(request, outlet, feed, page, body)
        self.answers[str(response.status)] += 1
        return response

    def _mishap_of(self, outlet: Outlet) -> Mishap | None:
        """The mishap that `outlet` is due for, once."""
        due = (mishap for mishap in self._mishaps if mishap.outlet == outlet.key and mishap.at_s <= self.elapsed_s())
        if mishap := next(due, None):
            self._mishaps.remove(mishap)
        return mishap

    async def _mishap_answer(self, mishap: Mishap, request: web.Request, body: bytes, content_type: str) -> web.Response:
        """What is sent instead of `body`, without validators: those would keep the poller from the body it missed."""
        match mishap.kind:
            case "error":
                return web.Response(status=500, text="The presses have stopped.")
            case "hang":
                await asyncio.sleep(self._hold_s)
                if request.transport is not None:
                    request.transport.abort()
                return web.Response(status=504)
            case "truncated":
                return web.Response(body=body[: len(body) // 2], content_type=content_type)
            case "entity":
                broken = body.replace(b"</title>", b" &hellip; &nosuchthing; </title>", 1)
                return web.Response(body=broken, content_type=content_type)
            case "page":
                return web.Response(
                    text="<!doctype html><title>Back soon</title><h1>We are moving house</h1>", content_type="text/html"
                )


def _conditional(request: web.Request, outlet: Outlet, feed: str, page: FeedPage, body: bytes) -> web.Response:
    content_type = _content_type(outlet, feed)
    if not outlet.validators:
        return web.Response(body=body, content_type=content_type)
    etag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
    headers = {"ETag": etag, "Last-Modified": format_datetime(page.updated, usegmt=True)}
    if _is_unchanged(request, etag, page):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=content_type, headers=headers)


def _is_unchanged(request: web.Request, etag: str, page: FeedPage) -> bool:
    if asked := request.headers.get("If-None-Match"):
        return etag in (part.strip().removeprefix("W/") for part in asked.split(","))
    since = request.if_modified_since
    return since is not None and page.updated.replace(microsecond=0) <= since


def _content_type(outlet: Outlet, feed: str) -> str:
    return outlet.content_type or CONTENT_TYPES[outlet.feeds[feed]]


def _feed_name(outlet: Outlet, feed: str) -> str:
    """The outlet's name, with the section where it has more feeds than one."""
    section = feed.partition(".")[0].capitalize()
    return outlet.name if len(outlet.feeds) == 1 else f"{outlet.name}: {section}"
