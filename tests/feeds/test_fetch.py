"""The door, against servers on loopback that behave and servers that do not."""

import asyncio
import gzip
import socket
import ssl
import zlib
from datetime import timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from pipeline.feeds.fetch import Fetched

from .servers import MAX_BYTES, NOW, fetcher, saying, serving, speaking, state

pytestmark = pytest.mark.enable_socket

BODY = b"<rss version='2.0'><channel><title>t</title></channel></rss>"


async def ask(url: object, *, timeout_s: float = 10.0, **known: str | None) -> Fetched:
    async with fetcher(timeout_s=timeout_s) as door:
        return await door.fetch(state(url)._replace(**known))


async def answering(answer: bytes, *, timeout_s: float = 10.0) -> Fetched:
    """What comes of a server that answers with these bytes."""
    async with speaking(saying(answer)) as url:
        return await ask(url, timeout_s=timeout_s)


async def test_a_document_comes_with_what_is_remembered_of_it() -> None:
    """Body, hash, validators, type and address."""

    async def handler(request: web.Request) -> web.Response:
        headers = {"ETag": '"1"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT", "X-Agent": request.headers["User-Agent"]}
        return web.Response(body=BODY, headers=headers, content_type="application/rss+xml")

    async with serving(handler) as url:
        fetched = await ask(url)
    assert (fetched.status, fetched.body, fetched.error) == (200, BODY, None)
    assert (fetched.etag, fetched.last_modified) == ('"1"', "Sun, 01 Mar 2026 12:00:00 GMT")
    assert (fetched.content_type, fetched.final_url) == ("application/rss+xml", url)
    assert fetched.body_hash is not None
    assert len(fetched.body_hash) == 32
    assert fetched.duration_s > 0


async def test_what_is_known_is_asked_for_conditionally() -> None:
    """Both validators are sent; 304 keeps what was known."""
    asked: list[tuple[str | None, str | None]] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append((request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")))
        return web.Response(status=304)

    async with serving(handler) as url:
        fetched = await ask(url, etag='"1"', last_modified="Sun, 01 Mar 2026 12:00:00 GMT", body_hash="aa")
    assert asked == [('"1"', "Sun, 01 Mar 2026 12:00:00 GMT")]
    assert (fetched.status, fetched.body, fetched.error) == (304, None, None)
    assert (fetched.etag, fetched.last_modified, fetched.body_hash) == ('"1"', "Sun, 01 Mar 2026 12:00:00 GMT", "aa")


async def test_the_same_body_again_is_no_body() -> None:
    """A server without validators costs a download and no parse."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=BODY)

    async with serving(handler) as url:
        first = await ask(url)
        for known in (first.body_hash, f"unreadable:{first.body_hash}"):
            again = await ask(url, body_hash=known)
            assert (again.status, again.body, again.body_hash, again.error) == (200, None, first.body_hash, None)


async def test_not_modified_without_a_condition_is_a_failure() -> None:
    """A feed that lies about a first request has brought nothing."""
    fetched = await answering(b"HTTP/1.1 304 Not Modified\r\n\r\n")
    assert fetched.error == "answered 304 (not modified, though it was never sent before)"


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_compressed_documents_are_read(encoding: str, compress: object) -> None:
    """What we ask for, decompressed."""
    assert callable(compress)
    sent = compress(BODY)

    async def handler(request: web.Request) -> web.Response:
        assert encoding in request.headers["Accept-Encoding"]
        return web.Response(body=sent, headers={"Content-Encoding": encoding})

    async with serving(handler) as url:
        assert (await ask(url)).body == BODY


async def test_a_bomb_is_not_unpacked() -> None:
    """Half a megabyte that would be half a gigabyte."""
    bomb = gzip.compress(b"\0" * (MAX_BYTES * 500))

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving(handler) as url:
        fetched = await ask(url)
    assert (fetched.body, fetched.error) == (None, "larger than 100,000 bytes: not read")


async def test_a_body_without_end_is_not_read_to_the_end() -> None:
    """The connection is dropped at the limit, whatever the server had in mind."""
    sent = 0

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 1_000 * MAX_BYTES:
            writer.write(b"x" * 10_000)
            await writer.drain()
            sent += 10_000

    async with speaking(handler) as url:
        fetched = await ask(url)
        assert fetched.error == "larger than 100,000 bytes: not read"
    assert sent < 1_000 * MAX_BYTES


async def test_a_length_beyond_the_limit_is_believed() -> None:
    """Nothing of it is read."""
    fetched = await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
    assert fetched.error == "larger than 100,000 bytes: not read"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<rss>", "the document broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n", "the document broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n", "not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + gzip.compress(BODY)[:20],
            "cannot be decompressed: it broke off",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc", "compressed in a way that was not asked for"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 10_000 + b"\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "not HTTP"),
        (b"", "closed the connection without an answer"),
    ],
    ids=["short", "chunk", "bad chunk", "gzip", "br", "ssh", "long header", "many headers", "length", "nothing"],
)
async def test_a_broken_answer_is_an_error_in_words(answer: bytes, words: str) -> None:
    """Never an exception, never half a document."""
    fetched = await answering(answer)
    assert fetched.body is None
    assert words in (fetched.error or "")


@pytest.mark.parametrize("status", [204, 206, 301, 400, 401, 403, 404, 410, 418, 429, 500, 503, 599])
async def test_every_other_status_is_an_error_in_words(status: int) -> None:
    """The number, and what it means."""
    fetched = await answering(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
    assert fetched.status == status
    assert (fetched.error or "").startswith(f"answered {status} (")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300.0),
        (format_datetime(NOW - timedelta(days=1)), 0.0),
        ("soon", None),
        ("", None),
    ],
)
async def test_retry_after_is_read(header: str, seconds: float | None) -> None:
    """As a number or a date, which counts from the server's own clock."""
    date = format_datetime(NOW, usegmt=True)
    fetched = await answering(f"HTTP/1.1 503 X\r\nDate: {date}\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n".encode())
    assert fetched.retry_after_s == seconds


async def test_redirects_are_followed_to_the_document() -> None:
    """And the address where it was found is told."""

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/feed":
            return web.Response(body=BODY)
        raise web.HTTPMovedPermanently("/feed")

    async with serving(handler) as url:
        fetched = await ask(url + "old")
        assert (fetched.body, fetched.final_url) == (BODY, url + "feed")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/again", "in circles"),
        ("file:///etc/passwd", "not http or https"),
        ("ftp://example.org/x", "not http or https"),
        ("http://[::1", "address cannot be used"),
    ],
)
async def test_redirects_that_lead_nowhere_are_errors(target: str, words: str) -> None:
    """In circles, to files, to nonsense."""
    fetched = await answering(
        f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert fetched.body is None
    assert words in (fetched.error or "")


async def test_a_slow_drip_ends_with_its_time() -> None:
    """A byte now and then does not keep a poll alive."""

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with speaking(handler) as url:
        fetched = await ask(url, timeout_s=0.2)
    assert fetched.error == "not finished within 0.2 s: the server is slow or away"


async def test_a_server_that_never_answers_ends_with_its_time() -> None:
    """Nor does silence."""

    async def handler(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with speaking(handler) as url:
        assert "not finished within" in ((await ask(url, timeout_s=0.2)).error or "")


async def test_nobody_listening_is_told_from_an_unknown_name() -> None:
    """One is the server's fault, the other the address's or the network's."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert (await ask(f"http://127.0.0.1:{port}/")).error == "no connection: refused, nothing listens there"
    assert "the host name was not found" in ((await ask("http://no-such-host.invalid/")).error or "")


async def test_tls_failures_are_told_as_such() -> None:
    """Here: no TLS at all at the address."""

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        fetched = await ask(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert "could not be made secure" in (fetched.error or "")


@pytest.mark.parametrize(
    "url",
    ["http://", "nonsense", "http://[::1", "http://a:b:c/", "ftp://example.org/", "http://exa mple.org/", "http://\ud800/", ""],
)
async def test_an_address_that_cannot_be_used_is_an_error(url: str) -> None:
    """In words, not an exception."""
    fetched = await ask(url)
    assert fetched.error
    assert fetched.body is None


async def test_no_error_names_the_address() -> None:
    """It may hold a password or a token."""
    fetched = await ask("http://user:s3cret@no-such-host.invalid/t0ken")
    assert "s3cret" not in (fetched.error or "")
    assert "t0ken" not in (fetched.error or "")


async def test_a_host_gets_two_requests_at_a_time() -> None:
    """However many feeds it has."""
    now = most = 0

    async def handler(_request: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response(body=BODY)

    async with serving(handler) as url, fetcher() as door:
        fetched = await asyncio.gather(*(door.fetch(state(f"{url}{number}")) for number in range(12)))
    assert [each.error for each in fetched] == [None] * 12
    assert most == 2


async def test_waiting_for_a_busy_host_has_an_end() -> None:
    """What does not get a turn is left for later, in words."""

    async def handler(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with speaking(handler) as url, fetcher(timeout_s=0.02) as door:
        fetched = await asyncio.gather(*(door.fetch(state(f"{url}{number}")) for number in range(60)))
    assert any("busy" in (each.error or "") for each in fetched)
    assert all(each.error for each in fetched)


async def test_headers_that_cannot_be_sent_back_are_forgotten() -> None:
    """Too long, or not ASCII."""
    answer = b'HTTP/1.1 200 OK\r\nETag: "' + b"x" * 2_000 + b'"\r\nLast-Modified: m\xc3\xa4rz\r\nContent-Length: 2\r\n\r\nok'
    fetched = await answering(answer)
    assert (fetched.body, fetched.etag, fetched.last_modified) == (b"ok", None, None)


def test_certificates_are_explained() -> None:
    """A verdict on a certificate is told in OpenSSL's words, without the host's name."""
    from pipeline.feeds.failures import failure_words

    error = ssl.SSLCertVerificationError("x")
    error.verify_message = "certificate has expired"
    assert (
        failure_words(error, 1.0)
        == "the connection could not be made secure (TLS): its certificate is not valid (certificate has expired)"
    )
