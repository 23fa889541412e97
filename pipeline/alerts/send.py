"""The door to the receivers: one POST, and what came of it in words."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import unquote

import aiohttp

from pipeline.alerts.schedule import is_taken, retry_after_s
from pipeline.model import Attempt

_HEADERS = {"Content-Type": "application/json", "User-Agent": "wirewatch"}

_MAX_ANSWER_BYTES = 1024
_MAX_ANSWER_WAIT_S = 1.0
"""For the answer's body, once its head is there: the status has said it all, the words are a courtesy."""

_MAX_WORDS = 200

_SECRET_LENGTH = 8
"""What is shorter in a URL is no secret worth the name."""

_IDLE_CONNECTION_S = 1.0
"""Shorter than servers keep theirs: a POST on a connection that is just being closed fails, and is a failed attempt."""


class _Answer(NamedTuple):
    """The head of an answer, and the start of its body in words."""

    status: int
    retry_after: str | None
    words: str


class Sender:
    """POSTs bodies to webhooks: no redirects, no cookies, no proxy, and never waits longer than it is told to.

    Any number may be under way at once; `Lanes` keeps that number small.
    """

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_CONNECTION_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def send(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float, at: datetime
    ) -> tuple[Attempt, float | None]:
        """One attempt, begun at `at` (aware UTC), and the seconds that the receiver asks to be left alone, where it does.

        `timeout_s` is for everything up to the answer's head. Raises nothing, whatever the receiver does: a failure is the
        attempt's `error`, which names no part of the URL.
        """
        began = time.monotonic()
        try:
            answer = await self._post(url, headers, body, timeout_s)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Attempt(at, time.monotonic() - began, None, _why(error, timeout_s)), None
        refusal = None if is_taken(answer.status) else _refusal(answer, url)
        attempt = Attempt(at, time.monotonic() - began, answer.status, refusal)
        return attempt, retry_after_s(answer.retry_after, at + timedelta(seconds=attempt.duration_s))

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> _Answer:
        async with (
            asyncio.timeout(timeout_s) as limit,
            self._session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            # The status is here: what was taken stays taken, however long the rest of the answer is in coming.
            limit.reschedule(None)
            return _Answer(response.status, response.headers.get("Retry-After"), await _words(response))


async def _words(response: aiohttp.ClientResponse) -> str:
    """The first line's worth of the answer's body, fit to be printed; empty where none comes soon."""
    try:
        async with asyncio.timeout(_MAX_ANSWER_WAIT_S):
            start = await response.content.read(_MAX_ANSWER_BYTES)
    except (aiohttp.ClientError, OSError):
        return ""
    words = " ".join(start[:_MAX_ANSWER_BYTES].decode("utf-8", "replace").split())
    return "".join(character for character in words if character.isprintable())[:_MAX_WORDS]


def _refusal(answer: _Answer, url: str) -> str:
    said = f": {answer.words}" if answer.words and not _repeats(answer.words, url) else ""
    not_followed = " (redirects are not followed)" if 300 <= answer.status < 400 else ""
    return f"answered {answer.status}{not_followed}{said}"


def _repeats(words: str, url: str) -> bool:
    """Whether `words` hold a part of `url` long enough to be a secret, as in "Cannot POST /hooks/TOKEN"."""
    parts = re.split(r"[^\w-]+", url) + re.split(r"[^\w-]+", unquote(url))
    return any(len(part) >= _SECRET_LENGTH and part.casefold() in words.casefold() for part in parts)


def _why(error: Exception, timeout_s: float) -> str:
    """`error` in words of ours: those of libraries hold addresses, and an address may hold a password or a token."""
    match error:
        case TimeoutError():
            return f"no answer within {timeout_s:g} s"
        case aiohttp.InvalidURL() | UnicodeError():
            return "the webhook's URL cannot be used"
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return "the connection could not be made secure (TLS)"
        case aiohttp.ClientConnectorDNSError():
            return "the host name was not found"
        case aiohttp.ClientConnectorError(os_error=os_error):
            return f"no connection: {_reason(os_error)}"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before an answer"
        case OSError():
            return f"the connection broke: {_reason(error)}"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return "the answer was not HTTP"
        case _:
            return f"could not be sent ({type(error).__name__})"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
