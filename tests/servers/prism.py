"""Prism on this machine: Beam's own portable runner for streaming jobs, for tests. Nothing survives it.

It comes as source through the Go module proxy, in the version of the Beam that is installed, and is built once (about two minutes).

    python -m tests.servers.prism    # build it, so that no test waits for that
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Self

from tests.servers.cache import UnavailableError, alone, cache

_MODULE = "github.com/apache/beam/sdks/v2/go/cmd/prism"
_BUILD_WITHIN_S = 900
_START_WITHIN_S = 60


class Prism:
    """A job server with the runner in it, at `endpoint`; a context manager. It is a child that dies with its parent."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with socket.create_server(("127.0.0.1", 0)) as door:
            self._port = int(door.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Start, and wait until it answers. Raises `UnavailableError` where it cannot be had."""
        command = [str(built()), f"--job_port={self._port}", "--serve_http=false", "--log_kind=json"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=_as_a_child)
        until = time.monotonic() + _START_WITHIN_S
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return self
            time.sleep(0.05)
        self.__exit__()
        raise UnavailableError(f"Prism did not start within {_START_WITHIN_S} s:\n{self._log.read_text(errors='replace')[-2000:]}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
        self._process = None


def built() -> Path:
    """The program, built once for all of this user's tests. Raises `UnavailableError`."""
    wanted = version("apache-beam")
    folder = cache() / f"prism-{wanted}"
    with alone(cache() / ".prism-lock"):
        if not (folder / "prism").exists():
            _build(folder, wanted)
    return folder / "prism"


def _build(folder: Path, wanted: str) -> None:
    go = shutil.which("go")
    if go is None:
        raise UnavailableError("there is no Go (go) to build Prism with: install golang")
    done = subprocess.run(
        [go, "install", f"{_MODULE}@v{wanted}"],
        env={**os.environ, "GOBIN": str(folder)}, capture_output=True, text=True, timeout=_BUILD_WITHIN_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise UnavailableError(f"Go could not build {_MODULE}: {done.stderr[-500:]}")


def _as_a_child() -> None:
    """In the child: die with the parent."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    try:
        print(f"Prism is {built()}")
    except UnavailableError as error:
        sys.exit(f"NO PRISM HERE, so the chain will not be tried on it: {error}")
