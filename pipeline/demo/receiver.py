"""A webhook receiver that verifies what it is sent: what `wirewatch receive` runs, and the demo's and the tests' other end.

It verifies with the public library alone (`standardwebhooks`), as anybody's receiver would.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from aiohttp import web
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from pipeline.alerts.sign import webhook_of
from pipeline.errors import ConfigError

MAX_BODY_BYTES = 1_000_000

_KNOWN_IDS = 10_000
"""How many webhook-ids are remembered to tell a repetition from news."""

_PATIENCE_S = 10.0
"""For a call's body to come in, and for the thread to end."""

_Answer = Callable[[Mapping[str, str], bytes], Awaitable[int]]
"""From headers and body to the status that is answered."""


class Received(NamedTuple):
    """A call as it came in."""

    id: str
    """Its webhook-id; empty where it had none, without what cannot be printed where it was not verified."""
    attempt: int
    """Which verified call under this id it is: 1 is news, more is a repetition. 0 where it was not verified."""
    payload: dict[str, Any] | None
    """The message; None where it was not verified."""
    error: str | None = None
    """Why it was not verified."""

    @property
    def is_verified(self) -> bool:
        """Whether it was signed with the receiver's secret, lately."""
        return self.error is None


class Misbehaviour(NamedTuple):
    """What a receiver does with its first `calls` calls instead of taking them."""

    calls: int = 0
    status: int = 503
    hang_s: float = 0.0
    """Before it answers."""


_NONE = Misbehaviour()


class _Desk:
    """Verifies calls and knows which ids it has seen."""

    def __init__(self, secret: SecretStr | str) -> None:
        self._webhook: Webhook = webhook_of(secret)
        self._seen: OrderedDict[str, int] = OrderedDict()

    def take(self, headers: Mapping[str, str], body: bytes) -> Received:
        """What a call says, where it is signed."""
        webhook_id = headers.get("webhook-id", "")
        try:
            payload = self._webhook.verify(body, dict(headers))
        except WebhookVerificationError as error:
            return _refused(webhook_id, str(error))
        except (ValueError, OverflowError, RecursionError, OSError):
            # What the library trips over: malformed signatures and times, bodies that are no UTF-8, no JSON or without end.
            return _refused(webhook_id, "Malformed signature, time or body")
        if not isinstance(payload, dict):
            return _refused(webhook_id, "The body is not a JSON object")
        return Received(webhook_id, self._count(webhook_id), payload)

    def _count(self, webhook_id: str) -> int:
        self._seen[webhook_id] = self._seen.pop(webhook_id, 0) + 1
        if len(self._seen) > _KNOWN_IDS:
            self._seen.popitem(last=False)
        return self._seen[webhook_id]


class Receiver:
    """Takes webhooks on 127.0.0.1 from `start` until `stop`, in a thread of its own; a context manager does both."""

    def __init__(self, secret: SecretStr | str, *, port: int = 0, misbehaviour: Misbehaviour = _NONE) -> None:
        self._desk = _Desk(secret)
        self._port = port
        self._misbehaviour = misbehaviour
        self._calls: list[Received] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it takes webhooks."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def calls(self) -> list[Received]:
        """Every call so far, verified or not, taken or refused."""
        with self._changed:
            return list(self._calls)

    @property
    def messages(self) -> list[Received]:
        """The first verified call of every webhook-id, in order of arrival: what a receiver that ignores repetitions acts on."""
        return [call for call in self.calls if call.attempt == 1]

    def wait_for(self, messages: int, timeout_s: float) -> bool:
        """Wait until so many different messages have come; False where time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: sum(call.attempt == 1 for call in self._calls) >= messages, timeout_s)

    def start(self) -> None:
        """Open, on any free port where none was named. Raises ConfigError where the port is taken."""
        door = _open("127.0.0.1", self._port)
        self._port = door.getsockname()[1]
        self._stop.clear()
        serving = _serve(door, self._answer, self._stop)
        self._thread = threading.Thread(target=asyncio.run, args=(serving,), name="receiver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close, also on those who wait for an answer; stopping twice is allowed."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)
            self._thread = None

    async def _answer(self, headers: Mapping[str, str], body: bytes) -> int:
        received = self._desk.take(headers, body)
        with self._changed:
            self._calls.append(received)
            is_misbehaving = len(self._calls) <= self._misbehaviour.calls
            self._changed.notify_all()
        if is_misbehaving:
            await asyncio.sleep(self._misbehaviour.hang_s)
            return self._misbehaviour.status
        return _status(received)


def run_receiver(
    host: str,
    port: int,
    secret: SecretStr | str,
    on_message: Callable[[Received], None],
    stop: threading.Event,
    on_open: Callable[[], None] = lambda: None,
) -> None:
    """Take webhooks on `host` and `port` until `stop` is set; `on_message` is told of each call, repetitions and refusals too.

    `on_open` is called once callers are heard.

    Raises ConfigError where the secret is not usable or the address is not to be had.
    """
    desk = _Desk(secret)

    async def answer(headers: Mapping[str, str], body: bytes) -> int:
        received = desk.take(headers, body)
        on_message(received)
        return _status(received)

    door = _open(host, port)
    on_open()
    asyncio.run(_serve(door, answer, stop))


def _refused(webhook_id: str, why: str) -> Received:
    return Received("".join(character for character in webhook_id if character.isprintable())[:100], 0, None, why)


def _status(received: Received) -> int:
    return 204 if received.is_verified else 401


def _open(host: str, port: int) -> socket.socket:
    """A listening socket: from here on callers wait instead of being refused."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot listen on {host}, port {port}: {reason}; choose another host or port") from error


async def _serve(door: socket.socket, answer: _Answer, stop: threading.Event) -> None:
    runner = web.AppRunner(_application(answer), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        while not stop.is_set():  # noqa: ASYNC110 - set by a thread, which no event of asyncio hears of
            await asyncio.sleep(0.05)
    finally:
        await runner.cleanup()
        door.close()


def _application(answer: _Answer) -> web.Application:
    async def handle(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                body = await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout from None
        return web.Response(status=await answer(request.headers, body))

    application = web.Application(client_max_size=MAX_BODY_BYTES)
    application.add_routes([web.post("/{path:.*}", handle)])
    return application
