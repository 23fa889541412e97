"""The sender against receivers that misbehave, on loopback."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pipeline.alerts.send import Sender
from pipeline.model import Attempt

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE_S = 5.0
TOKEN = "s3cr3t-t0k3n"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """The URL of a server that reads one request's head and then does as `handler` says."""
    released = asyncio.Event()
    connections: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        try:
            await reader.readuntil(b"\r\n\r\n")
            doing = asyncio.ensure_future(handler(reader, writer))
            leaving = asyncio.ensure_future(released.wait())
            await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            doing.cancel()
            leaving.cancel()
            await asyncio.gather(doing, leaving, return_exceptions=True)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://user:{TOKEN}@127.0.0.1:{server.sockets[0].getsockname()[1]}/{TOKEN}?key={TOKEN}"
    finally:
        released.set()
        server.close()
        await asyncio.gather(*connections)


def answering(answer: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return handler


async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dripping(start: bytes, drop: bytes = b"x") -> Handler:
    """Writes `start`, then a drop now and then for ever."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)

    return handler


async def attempt_at(url: str, timeout_s: float = PATIENCE_S) -> tuple[Attempt, float | None]:
    async with Sender() as sender:
        return await sender.send(url, {"webhook-id": "msg_1"}, b"{}", timeout_s, NOW)


async def attempt_against(handler: Handler, timeout_s: float = PATIENCE_S) -> tuple[Attempt, float | None]:
    async with served(handler) as url:
        return await attempt_at(url, timeout_s)


async def test_a_receiver_gets_the_body_as_it_was_signed():
    """The POST carries our headers, says that it is JSON and ends in exactly the bytes that were given."""
    got: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(9))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with Sender() as sender, server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        attempt, retry_after_s = await sender.send(url, {"webhook-id": "msg_1"}, b'{"a":"b"}', PATIENCE_S, NOW)
    assert (attempt.at, attempt.status, attempt.error, retry_after_s) == (NOW, 204, None, None)
    head = got[0].lower()
    assert head.startswith(b"post /hook http/1.1\r\n")
    assert b"webhook-id: msg_1\r\n" in head
    assert b"content-type: application/json\r\n" in head
    assert got[0].endswith(b'\r\n\r\n{"a":"b"}')


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, None),
        (b"HTTP/1.1 299 Fine\r\nContent-Length: 0\r\n\r\n", 299, None),
        (b"HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\nno  \x1b[31m!", 500, "answered 500: no [31m!"),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", 410, "answered 410"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 50\r\n\r\ncut", 500, "answered 500: cut"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\n\r\nabc", 500, "answered 500: abc"),
    ],
)
async def test_the_status_decides(answer: bytes, status: int, error: str | None):
    """2xx is taken; all else is an error in words, with the start of what the receiver said, fit for a terminal."""
    attempt, _ = await attempt_against(answering(answer))
    assert (attempt.status, attempt.error) == (status, error)


async def test_redirects_are_not_followed():
    """A 3xx is a failure; nobody calls where it points."""
    called: list[str] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append("elsewhere")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with served(elsewhere) as url:
        redirect = f"HTTP/1.1 307 Elsewhere\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()
        attempt, _ = await attempt_against(answering(redirect))
    assert (attempt.status, attempt.error) == (307, "answered 307 (redirects are not followed)")
    assert called == []


@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120.0), ("soon", None), (format_datetime(NOW + timedelta(hours=1), usegmt=True), 3600.0)]
)
async def test_retry_after_is_handed_on(header: str, seconds: float | None):
    """A 429 brings what its Retry-After asks for, where that can be read."""
    answer = f"HTTP/1.1 429 Slow down\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n".encode()
    attempt, retry_after_s = await attempt_against(answering(answer))
    assert attempt.status == 429
    assert retry_after_s == (seconds if seconds is None else pytest.approx(seconds, abs=PATIENCE_S))


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (resetting, "the connection broke: Connection reset by peer"),
        (answering(b""), "the connection was closed before an answer"),
        (answering(b"HTTP/1.1 2"), "the connection was closed before an answer"),
        (answering(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "the answer was not HTTP"),
        (answering(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"), "the answer was not HTTP"),
        (answering(b"HTTP/1.1 999999 What\r\n\r\n"), "the answer was not HTTP"),
    ],
)
async def test_what_is_no_answer_is_a_failure(handler: Handler, error: str):
    """Resets, silence and nonsense are failed attempts without a status."""
    attempt, _ = await attempt_against(handler)
    assert (attempt.status, attempt.error) == (None, error)


async def test_a_receiver_that_refuses_is_a_failure():
    """Nobody listening is a failed attempt."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    attempt, _ = await attempt_at(f"http://127.0.0.1:{port}/")
    assert attempt.status is None
    assert attempt.error.startswith("no connection: ")


@pytest.mark.parametrize("handler", [hanging, dripping(b""), dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ")])
async def test_a_receiver_that_does_not_come_to_an_answer_is_a_failure(handler: Handler):
    """Hanging, or dripping the head, ends at the timeout."""
    attempt, _ = await attempt_against(handler, timeout_s=0.2)
    assert (attempt.status, attempt.error) in [(None, "no answer within 0.2 s"), (None, "the answer was not HTTP")]


@pytest.mark.parametrize(
    "handler",
    [
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", b""),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n"),
    ],
)
async def test_what_was_taken_stays_taken_however_the_answer_goes_on(handler: Handler):
    """A 2xx counts once its head is there, also where its body would outlast the timeout or breaks off."""
    attempt, _ = await attempt_against(handler, timeout_s=0.3)
    assert (attempt.status, attempt.error) == (200, None)


async def test_a_huge_answer_is_not_read():
    """Of a body without end only the first words are kept, and the receiver is not listened to any longer."""

    async def flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Sorry\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            writer.write(b"sorry " * 10_000)
            await writer.drain()

    attempt, _ = await attempt_against(flooding)
    assert attempt.status == 500
    assert attempt.error.startswith("answered 500: sorry sorry")
    assert len(attempt.error) < 300


@pytest.mark.parametrize(
    "url",
    [
        f"nonsense {TOKEN}",
        f"ftp://{TOKEN}@example.org/",
        f"http://user:{TOKEN}@[bad/",
        f"http://{TOKEN}.{'a.' * 200}example/",
        f"https://{'a' * 70}.example/{TOKEN}",
        f"http://127.0.0.1:99999/{TOKEN}",
        "",
    ],
)
async def test_an_address_that_cannot_be_called_is_a_failure_that_does_not_tell_it(url: str):
    """A URL that is none, or whose host does not exist, fails in words that hold nothing of it."""
    attempt, _ = await attempt_at(url)
    assert attempt.status is None
    assert attempt.error
    assert TOKEN not in attempt.error


@pytest.mark.parametrize("handler", [resetting, answering(b""), answering(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")])
async def test_no_error_tells_the_address(handler: Handler):
    """Password, path and query of a URL, which may be secrets, stay out of what is stored and logged."""
    attempt, _ = await attempt_against(handler)
    assert TOKEN not in attempt.error
    assert "127.0.0.1" not in attempt.error


@pytest.mark.parametrize("words", [f"Cannot POST /{TOKEN}", TOKEN.upper(), f"<pre>{TOKEN[:-1]}n</pre>"])
async def test_words_that_repeat_the_address_are_left_out(words: str):
    """A receiver that quotes the URL it was called at does not bring the URL's secrets into logs."""
    answer = f"HTTP/1.1 404 No\r\nContent-Length: {len(words)}\r\n\r\n{words}".encode()
    attempt, _ = await attempt_against(answering(answer))
    assert attempt.error == "answered 404"


async def test_a_receiver_that_hangs_delays_no_other():
    """While one attempt hangs others are made."""
    async with (
        served(hanging) as dead,
        served(answering(b"HTTP/1.1 204 OK\r\nConnection: close\r\n\r\n")) as good,
        Sender() as sender,
    ):
        hung = asyncio.create_task(sender.send(dead, {}, b"{}", 60.0, NOW))
        attempts = [await sender.send(good, {}, b"{}", PATIENCE_S, NOW) for _ in range(3)]
        assert [attempt.status for attempt, _ in attempts] == [204] * 3
        assert not hung.done()
        hung.cancel()
        await asyncio.gather(hung, return_exceptions=True)
