"""A receiver that anybody may call: whatever comes is answered, and shown without harm."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
COMMAND = str(Path(sys.executable).with_name("wirewatch"))


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


@pytest.fixture
def receiver(port: int) -> Iterator[subprocess.Popen[str]]:
    command = [COMMAND, "receive", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={"WIREWATCH_SECRET": SECRET, "PATH": ""}
    ) as process:
        assert process.stderr
        assert "Listening" in process.stderr.readline()
        yield process
        process.kill()


def call(port: int, body: bytes, headers: dict[str, str] | None = None) -> int:
    at = datetime.now(UTC)
    signed = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp()))}
    try:
        signed["webhook-signature"] = Webhook(SECRET).sign("msg_1", at, body.decode())
    except UnicodeDecodeError:
        signed["webhook-signature"] = "v1,AAAA"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body, signed | (headers or {}))
    status = connection.getresponse().status
    connection.close()
    return status


def test_odd_calls_are_answered_and_stop_nothing(receiver: subprocess.Popen[str], port: int):
    """Signed or not, whole or not: each has an answer, none a traceback, and the next is heard."""
    assert call(port, b"[1, 2]") == 401
    assert call(port, b"7") == 401
    assert call(port, b"\xff") == 401
    assert call(port, b"[" * 100_000) == 401
    for odd in (
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "soon"},
        {"webhook-id": "m\u00e9"},
        {"webhook-signature": "v1"},
    ):
        assert call(port, b"{}", odd) == 401
    bodies = [{}, {"data": 1}, {"data": {"story": [], "evidence": 5, "watch": {}}}, {"data": {"evidence": ["a", {"text": None}]}}]
    for body in bodies:
        assert call(port, json.dumps(body).encode()) == 204
    receiver.terminate()
    output, errors = receiver.communicate(timeout=10)
    assert "Traceback" not in output + errors
    assert len(re.findall("^REFUSED", output, re.MULTILINE)) == 8
    assert len(re.findall("^verified", output, re.MULTILINE)) == 4


def test_a_port_that_is_taken_is_said_before_anything_else(port: int):
    """Whoever is told that somebody listens will send."""
    with socket.create_server(("127.0.0.1", port)):
        done = subprocess.run(
            [COMMAND, "receive", "--port", str(port)],
            capture_output=True, text=True, timeout=30, check=False, env={"WIREWATCH_SECRET": SECRET, "PATH": ""},
        )  # fmt: skip
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
    assert "Listening" not in done.stderr
