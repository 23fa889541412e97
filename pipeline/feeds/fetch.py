"""The door to the servers of feeds: one conditional GET, and what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
import structlog
import yarl

from pipeline.feeds.failures import failure_words, status_words
from pipeline.feeds.inflate import ACCEPTED, BrokenError, TooLargeError, inflated
from pipeline.feeds.schedule import seen_hash
from pipeline.model import FeedState

log = structlog.get_logger()

_ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, application/xml;q=0.8, "
    "text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)
_MOST_REDIRECTS = 5
_MOST_PER_HOST = 2
_PATIENCE = 20
"""How often the time limit of a poll is waited for a turn at a host."""
_DNS_KEPT_S = 60
_CHUNK_BYTES = 65_536
_LONGEST_HEADER = 1_000
"""Of what is kept and sent back."""


class Fetched(NamedTuple):
    """What came of asking for a feed's document."""

    status: int | None = None
    body: bytes | None = None
    """None where it failed, and where it is the same as the last one: `error` tells which."""
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    """128 bits of BLAKE2b in hexadecimal; the known one where the server says that nothing was modified."""
    content_type: str | None = None
    final_url: str | None = None
    """Where the document was found, after redirects."""
    retry_after_s: float | None = None
    error: str | None = None
    """Why it failed, in words."""
    duration_s: float = 0.0


class _Hosts:
    """Turns at hosts: at most `_MOST_PER_HOST` at a time each."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, int | None], tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def turn(self, url: str, wait_s: float) -> AsyncIterator[None]:
        """Wait for a turn at the host of `url`; raises TimeoutError after `wait_s`."""
        parsed = yarl.URL(url)
        host = (parsed.host or "", parsed.port)
        semaphore, users = self._turns.get(host, (asyncio.Semaphore(_MOST_PER_HOST), 0))
        self._turns[host] = (semaphore, users + 1)
        try:
            async with asyncio.timeout(wait_s):
                await semaphore.acquire()
            try:
                yield
            finally:
                semaphore.release()
        finally:
            self._leave(host)

    def _leave(self, host: tuple[str, int | None]) -> None:
        semaphore, users = self._turns[host]
        if users == 1:
            del self._turns[host]
        else:
            self._turns[host] = (semaphore, users - 1)


class Fetcher:
    """Asks servers for documents: conditionally, politely, and never longer or more than it is told to. Used within one event loop.

    `timeout_s` is for a whole request with its redirects, from its turn on; `max_bytes` is for the document as sent and again as
    decompressed; `concurrency` is for all requests together, and no host gets more than two at a time. No cookies, and no proxy
    from the environment. Names are looked up in threads of their own: the loop's default executor is replaced.
    """

    def __init__(self, timeout_s: float, max_bytes: int, concurrency: int, user_agent: str) -> None:
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._concurrency = concurrency
        self._headers = {"User-Agent": user_agent, "Accept": _ACCEPT, "Accept-Encoding": ACCEPTED}

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().set_default_executor(_ThreadEach())
        self._turns = asyncio.Semaphore(self._concurrency)
        self._hosts = _Hosts()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_KEPT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def fetch(self, state: FeedState) -> Fetched:
        """Ask for the document of the feed that `state` remembers. Raises nothing, whatever the server does."""
        try:
            async with self._hosts.turn(state.url, self._timeout_s * _PATIENCE), self._turns:
                began = time.monotonic()
                fetched = await self._within_limit(state)
                return fetched._replace(duration_s=time.monotonic() - began)
        except TimeoutError:
            return Fetched(error="its host was busy with other feeds of ours for too long: left for later")
        except ValueError:
            return Fetched(error="the address cannot be used: check its spelling")

    async def _within_limit(self, state: FeedState) -> Fetched:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._ask(state)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Fetched(error=failure_words(error, self._timeout_s))
        except Exception as error:  # noqa: BLE001 - odd servers have made HTTP libraries raise about anything; the other feeds go on
            log.warning("feed.fetch_broke", error=type(error).__name__)
            return Fetched(error=failure_words(error, self._timeout_s))

    async def _ask(self, state: FeedState) -> Fetched:
        conditions = _conditions(state)
        async with self._session.get(state.url, headers=conditions, max_redirects=_MOST_REDIRECTS) as response:
            head = Fetched(
                status=response.status,
                etag=_header(response, "ETag"),
                last_modified=_header(response, "Last-Modified"),
                content_type=_header(response, "Content-Type"),
                final_url=str(response.url),
                retry_after_s=_retry_after_s(response),
            )
            if response.status == 304 and conditions:
                etag, last_modified = head.etag or state.etag, head.last_modified or state.last_modified
                return head._replace(body_hash=seen_hash(state), etag=etag, last_modified=last_modified)
            if response.status not in {200, 203}:
                return head._replace(error=status_words(response.status))
            return await self._with_body(head, response, seen_hash(state))

    async def _with_body(self, head: Fetched, response: aiohttp.ClientResponse, known_hash: str | None) -> Fetched:
        too_large = f"larger than {self._max_bytes:,} bytes: not read"
        if (response.content_length or 0) > self._max_bytes:
            return head._replace(error=too_large)
        raw = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            raw += chunk
            if len(raw) > self._max_bytes:
                return head._replace(error=too_large)
        try:
            body = inflated(bytes(raw), response.headers.get("Content-Encoding", ""), self._max_bytes)
        except TooLargeError:
            return head._replace(error=too_large)
        except BrokenError as error:
            return head._replace(error=f"the document cannot be decompressed: {error}")
        body_hash = hashlib.blake2b(body, digest_size=16).hexdigest()
        return head._replace(body_hash=body_hash, body=None if body_hash == known_hash else body)


class _ThreadEach(ThreadPoolExecutor):
    """A thread for each call, which ends with the program: for names looked up (getaddrinfo has no limit of its own).

    The usual pool has six threads on two cores, so that a few dead name servers stop all polls, and waits for them at the end.
    """

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                future.set_exception(error)

        Thread(target=run, name="wirewatch-lookup", daemon=True).start()
        return future


def _conditions(state: FeedState) -> dict[str, str]:
    """The headers of a conditional request (RFC 9110 §13.1): both, for servers that know only one."""
    headers = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in headers.items() if value}


def _header(response: aiohttp.ClientResponse, name: str) -> str | None:
    """A header that can be sent back as it is; None where it is absent, too long or no ASCII."""
    value = response.headers.get(name, "").strip()
    return value if value and len(value) <= _LONGEST_HEADER and value.isascii() and value.isprintable() else None


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    """Seconds that Retry-After asks for (RFC 9110 §10.2.3); a date counts from the server's own clock, where it shows one."""
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    until = _http_date(value)
    if until is None:
        return None
    told_at = _http_date(response.headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (until - told_at).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value[:100])
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
