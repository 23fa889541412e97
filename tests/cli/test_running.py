"""`wirewatch run` as a process of its own: what it says of feeds that cannot be reached, and how it stops."""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

COMMAND = str(Path(sys.executable).with_name("wirewatch"))
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
FEED = b"""<rss version="2.0"><channel><title>News</title>
<item><title>A meeting</title><link>https://news.example/1</link><description>Elon Musk met Vladimir Putin.</description></item>
</channel></rss>"""
STOPS_WITHIN_S = 10


class Server(ThreadingHTTPServer):
    """Serves a feed at /feed; whoever asks for /hang waits until the server closes."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.closing = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.set()
        if self.path == "/hang":
            self.server.closing.wait(60)
        self.send_response(200 if self.path == "/feed" else 410)
        self.send_header("Content-Length", str(len(FEED)))
        self.end_headers()
        self.wfile.write(FEED)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join(5)


def configured(folder: Path, *feeds: str) -> Path:
    path = folder / "wirewatch.yaml"
    listed = ", ".join(f'{{url: "{feed}"}}' for feed in feeds)
    path.write_text(f"store: sqlite:///{folder}/wirewatch.db\nprocesses: 1\npolling: {{timeout: 5s}}\nfeeds: [{listed}]\n")
    return path


def run_once(path: Path) -> subprocess.CompletedProcess[str]:
    command = [COMMAND, "run", "--once", "-c", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_what_could_not_be_reached_is_said_and_the_rest_is_done(server: Server, tmp_path: Path):
    """Each feed that failed by its address and why; with one that answered the run is a success."""
    done = run_once(configured(tmp_path, server.url("/feed"), server.url("/gone"), "http://127.0.0.1:9/feed"))
    assert done.returncode == 0, done.stderr
    assert "2 of 3 feeds could not be read:" in done.stderr
    assert f"{server.url('/gone')}: " in done.stderr
    assert "http://127.0.0.1:9/feed: " in done.stderr
    assert "A meeting" in done.stdout


def test_a_run_that_reached_no_feed_fails(tmp_path: Path):
    """Exit code 1: it ran, and what was asked for did not come about."""
    done = run_once(configured(tmp_path, "http://127.0.0.1:9/feed"))
    assert done.returncode == 1
    assert "1 of 1 feeds could not be read:" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_single_run_stops_when_told(server: Server, tmp_path: Path, number: signal.Signals):
    """Within ten seconds, as interrupted, with a word on how to go on."""
    config = configured(tmp_path, server.url("/hang"))
    with subprocess.Popen([COMMAND, "run", "--once", "-c", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert server.asked.wait(30)
            process.send_signal(number)
            _, errors = process.communicate(timeout=STOPS_WITHIN_S)
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert b"run it again" in errors
    assert b"Traceback" not in errors


def test_alerts_that_nobody_takes_are_said(server: Server, tmp_path: Path):
    """`backfill --alert` ends when each has been tried, and says what waits."""
    (tmp_path / "a.jsonl").write_text('{"title": "A meeting", "text": "Elon Musk met Vladimir Putin."}\n')
    (tmp_path / "w.yaml").write_text(
        f"store: sqlite:///{tmp_path}/wirewatch.db\nprocesses: 1\n"
        "entities: {musk: {name: Elon Musk, kind: person}, putin: {name: Vladimir Putin, kind: person}}\n"
        "watches: [{name: musk-putin, all: [musk, putin], alert: [desk]}]\n"
        f"webhooks: {{desk: {{url: 'http://127.0.0.1:9/', secret: '{SECRET}'}}}}\n"
    )
    command = [COMMAND, "backfill", str(tmp_path / "a.jsonl"), "--alert", "-c", str(tmp_path / "w.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert "1 deliveries wait; wirewatch run makes them" in done.stderr


def test_a_password_is_shown_to_nobody(server: Server, tmp_path: Path):
    """Not in what could not be reached, not in the log, not in the list of feeds."""
    config = configured(tmp_path, server.url("/gone").replace("//", "//reader:hunter2@"))
    done = run_once(config)
    listed = subprocess.run(
        [COMMAND, "feeds", "list", "--json", "-c", str(config)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "/gone" in done.stderr
    assert "/gone" in listed.stdout
    assert "hunter2" not in done.stdout + done.stderr + listed.stdout + listed.stderr


@pytest.mark.parametrize("path", ["/feed", "/hang"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_told(server: Server, tmp_path: Path, path: str, number: signal.Signals):
    """Cleanly and within ten seconds, though a feed keeps it waiting."""
    config = configured(tmp_path, server.url(path))
    with subprocess.Popen([COMMAND, "run", "--json", "-c", str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert server.asked.wait(30)
            process.send_signal(number)
            _, errors = process.communicate(timeout=STOPS_WITHIN_S)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert b"Traceback" not in errors
