"""Servers on loopback, well and badly behaved, for the tests of fetching and polling."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.test_utils import TestServer

from pipeline.feeds.fetch import Fetcher
from pipeline.model import FeedState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAX_BYTES = 100_000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def fetcher(*, timeout_s: float = 10.0, max_bytes: int = MAX_BYTES, concurrency: int = 8) -> Fetcher:
    return Fetcher(timeout_s, max_bytes, concurrency, "wirewatch-test")


def state(url: object) -> FeedState:
    return FeedState(str(url), NOW)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """The root URL of an HTTP server that answers every path with `handler`."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(application) as server:
        yield str(server.make_url("/"))


@asynccontextmanager
async def speaking(handler: RawHandler) -> AsyncIterator[str]:
    """The root URL of a server that reads a request's head and then does as `handler` says, HTTP or not."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


def saying(answer: bytes) -> RawHandler:
    """Answer with these bytes and hang up."""

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return handler
