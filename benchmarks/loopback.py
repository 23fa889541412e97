"""Feeds on loopback that a benchmark fills as it goes, served with ETags; a webhook; and clocks that it sets."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from xml.sax.saxutils import escape


class SetClock:
    """The time that `at` was last told. Kept in this module: Beam copies what its steps carry, and finds this by its name."""

    now = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def at(cls, moment: datetime) -> None:
        cls.now = moment


def set_clock() -> datetime:
    """The time of `SetClock`, aware and UTC."""
    return SetClock.now


class PushedClock:
    """The time of day and what it was pushed on by. Kept in this module, as `SetClock` is."""

    ahead = timedelta()

    @classmethod
    def push(cls, by: timedelta) -> None:
        cls.ahead += by


def pushed_clock() -> datetime:
    """The time of `PushedClock`, aware and UTC."""
    return datetime.now(UTC) + PushedClock.ahead


class Loopback:
    """An HTTP server on a free port of 127.0.0.1, while it is entered."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Whoever asked has been killed: that is what some benchmarks do."""

        self._server = Server(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"


class Feeds(Loopback):
    """Feeds; `bodies` is what it serves, by path.

    Where `holds` says which stories a body has, `served_at` is when each was first served (`time.monotonic`).
    """

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.holds: dict[str, list[str]] = {}
        self.served_at: dict[str, float] = {}
        self.answers: Counter[int] = Counter()
        self.first_asked = threading.Event()
        feeds = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                feeds.first_asked.set()
                # In this order: what is published in between counts from the next poll.
                held, body = feeds.holds.get(self.path, []), feeds.bodies.get(self.path)
                if body is None:
                    return self._answer(404, b"", "")
                etag = f'"{hashlib.sha256(body).hexdigest()}"'
                is_known = self.headers.get("If-None-Match") == etag
                for story in held:
                    feeds.served_at.setdefault(story, time.monotonic())
                return self._answer(304 if is_known else 200, b"" if is_known else body, etag)

            def _answer(self, status: int, body: bytes, etag: str) -> None:
                feeds.answers[status] += 1
                self.send_response(status)
                self.send_header("ETag", etag)
                self.send_header("Content-Type", "application/rss+xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(Handler)


def rss(stories: list[tuple[str, str, str]]) -> bytes:
    """An RSS 2.0 document of stories: address, title, text."""
    items = "".join(
        f"<item><title>{escape(title)}</title><link>{escape(url)}</link><guid>{escape(url)}</guid>"
        f"<description>{escape(''.join(f'<p>{escape(line)}</p>' for line in text.splitlines()))}</description></item>"
        for url, title, text in stories
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'.encode()


class Desk(Loopback):
    """A webhook that takes everything. `told` are its calls: a story's URL, a webhook-id, how many."""

    def __init__(self) -> None:
        self.told: dict[str, Counter[str]] = {}
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                desk.told.setdefault(body["data"]["story"]["url"], Counter())[self.headers["webhook-id"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(Handler)
