"""The receiver, called as by anybody."""

import base64
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.alerts.sign import headers
from pipeline.demo.receiver import MAX_BODY_BYTES, Misbehaviour, Received, Receiver, run_receiver
from pipeline.errors import ConfigError

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
PATIENCE_S = 10.0


def post(url: str, body: bytes, signed: dict[str, str]) -> int:
    """The status that a POST is answered with."""
    host = url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    try:
        connection.request("POST", "/any/path?at=all", body, signed)
        return connection.getresponse().status
    finally:
        connection.close()


def signed(body: bytes = b"{}", webhook_id: str = "msg_1", secret: str = SECRET, age: timedelta = timedelta()) -> dict[str, str]:
    return headers(secret, webhook_id, datetime.now(tz=UTC) - age, body)


def test_a_signed_message_is_taken():
    """What is signed with the secret is answered 204 and kept with its payload."""
    with Receiver(SECRET) as receiver:
        assert post(receiver.url, b'{"type":"alert.created"}', signed(b'{"type":"alert.created"}')) == 204
        assert receiver.calls == [Received("msg_1", 1, {"type": "alert.created"})]
        assert receiver.calls[0].is_verified


def test_a_repetition_is_taken_and_told_from_news():
    """The same webhook-id again is answered 204 too, but is no new message."""
    with Receiver(SECRET) as receiver:
        for webhook_id in ("msg_1", "msg_1", "msg_2"):
            assert post(receiver.url, b"{}", signed(webhook_id=webhook_id)) == 204
        assert [(call.id, call.attempt) for call in receiver.calls] == [("msg_1", 1), ("msg_1", 2), ("msg_2", 1)]
        assert [message.id for message in receiver.messages] == ["msg_1", "msg_2"]


@pytest.mark.parametrize(
    ("body", "sign_call", "error"),
    [
        (b"{}", dict, "Missing required headers"),
        (b"{}", lambda: signed(secret=OTHER), "No matching signature found"),
        (b"{} ", lambda: signed(b"{}"), "No matching signature found"),
        (b"{}", lambda: signed(age=timedelta(hours=1)), "Message timestamp too old"),
        (b"{}", lambda: signed() | {"webhook-timestamp": "nan"}, "Invalid Signature Headers"),
        (b"{}", lambda: signed() | {"webhook-signature": "v1"}, "Malformed signature, time or body"),
        (b"{}", lambda: signed() | {"webhook-signature": "v1,a"}, "Malformed signature, time or body"),
        (b"{}", lambda: signed() | {"webhook-id": "\xff"}, "Malformed signature, time or body"),
        (b"\xff", lambda: signed(), "Malformed signature, time or body"),
        (b"not json", lambda: signed(b"not json"), "Malformed signature, time or body"),
        (b"[]", lambda: signed(b"[]"), "The body is not a JSON object"),
    ],
)
def test_what_is_not_signed_is_refused(body: bytes, sign_call: Callable[[], dict[str, str]], error: str):
    """A call that does not verify is answered 401, kept with the reason, and is no message."""
    with Receiver(SECRET) as receiver:
        assert post(receiver.url, body, sign_call()) == 401
        (call,) = receiver.calls
        assert (call.error, call.payload, call.attempt, call.is_verified) == (error, None, 0, False)
        assert receiver.messages == []


def test_a_refused_id_can_be_printed():
    """Of an id that nobody vouches for only what can be printed is kept, and not much of it."""
    with Receiver(SECRET) as receiver:
        post(receiver.url, b"{}", signed() | {"webhook-id": "a\x9b31m" + "b" * 1_000})
        assert receiver.calls[0].id == ("a31m" + "b" * 1_000)[:100]


def test_a_body_without_end_is_not_read():
    """More than a megabyte is answered 413 and not kept."""
    with Receiver(SECRET) as receiver:
        body = b"x" * (MAX_BODY_BYTES + 1)
        assert post(receiver.url, body, signed(body)) == 413
        assert receiver.calls == []


def test_it_misbehaves_as_told_and_then_takes():
    """The first calls are answered as the misbehaviour says, and a repetition after them as any."""
    with Receiver(SECRET, misbehaviour=Misbehaviour(calls=2, status=500)) as receiver:
        assert [post(receiver.url, b"{}", signed()) for _ in range(3)] == [500, 500, 204]


def test_waiting_for_messages_ends():
    """A wait ends when they are there, and when time is up."""
    with Receiver(SECRET) as receiver:
        assert not receiver.wait_for(1, 0.01)
        post(receiver.url, b"{}", signed())
        assert receiver.wait_for(1, PATIENCE_S)


def test_it_closes_on_who_waits():
    """A stop does not wait for a call that hangs; the same port can be opened again."""
    receiver = Receiver(SECRET, misbehaviour=Misbehaviour(calls=1, hang_s=600))
    receiver.start()
    url = receiver.url
    threading.Thread(target=silently_post, args=(url,), daemon=True).start()
    assert receiver.wait_for(1, PATIENCE_S)
    receiver.stop()
    receiver.stop()
    receiver.start()
    assert receiver.url == url
    assert post(url, b"{}", signed()) == 204
    receiver.stop()


def silently_post(url: str) -> None:
    with suppress(OSError, http.client.HTTPException):
        post(url, b"{}", signed())


def test_a_port_that_is_taken_is_said():
    """Nobody can listen where somebody does: the message names host, port and reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1, port {port}: Address already in use"):
            Receiver(SECRET, port=port).start()
        with pytest.raises(ConfigError, match="choose another"):
            run_receiver("127.0.0.1", port, SECRET, print, threading.Event())


@pytest.mark.parametrize(("host", "port"), [("no such host", 0), ("127.0.0.1", 70_000), ("::bad", 0)])
def test_an_address_that_is_none_is_said(host: str, port: int):
    """A host or port that does not exist is a mistake of the user's, not a crash."""
    with pytest.raises(ConfigError, match="cannot listen on"):
        run_receiver(host, port, SECRET, print, threading.Event())


def test_a_secret_that_is_none_is_said():
    """A receiver without a usable secret does not open."""
    with pytest.raises(ConfigError, match="expected base64"):
        Receiver("hunter2!")


@contextmanager
def running(told: list[Received]) -> Iterator[str]:
    """The URL of `run_receiver` in a thread; afterwards it has returned."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stop = threading.Event()
    thread = threading.Thread(target=run_receiver, args=("127.0.0.1", port, SECRET, told.append, stop), daemon=True)
    thread.start()
    for _ in range(500):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}/"
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_the_command_line_is_told_of_every_call():
    """`run_receiver` tells of messages, repetitions and refusals, and returns when it is stopped."""
    told: list[Received] = []
    with running(told) as url:
        assert post(url, b'{"a":1}', signed(b'{"a":1}')) == 204
        assert post(url, b'{"a":1}', signed(b'{"a":1}')) == 204
        assert post(url, b"{}", {}) == 401
    assert [(call.attempt, call.payload, call.is_verified) for call in told] == [
        (1, {"a": 1}, True),
        (2, {"a": 1}, True),
        (0, None, False),
    ]
