"""Prism on this machine: Beam's own portable runner for streaming jobs, for tests. Nothing survives it.

It comes as source through the Go module proxy, in the version of the Beam that is installed, and is built once (about two minutes).

    python -m tests.servers.prism    # build it, so that no test waits for that
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Self

from tests.servers.machine import UnavailableError, alone, as_a_child, cache

_SDK = "github.com/apache/beam/sdks/v2"
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
            self._process = subprocess.Popen(as_a_child(command), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
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
    installed = shutil.which("go")
    if installed is None:
        raise UnavailableError("there is no Go (go) to build Prism with: install golang")
    _run(_new_enough(installed, wanted), "install", f"{_SDK}/go/cmd/prism@v{wanted}", folder=folder)


def _new_enough(go: str, wanted: str) -> str:
    """`go`, or the version that this Beam asks for. Since 1.21 Go fetches that by itself, an older one has to be told."""
    if tuple(map(int, re.findall(r"\d+", _run(go, "version"))[:2])) >= (1, 21):
        return go
    asked = Path(_downloaded(go, f"{_SDK}@v{wanted}")["GoMod"]).read_text()
    (toolchain,) = re.findall(r"^toolchain (go\S+)", asked, re.MULTILINE)
    machine = "-".join(_run(go, "env", "GOOS", "GOARCH").split())
    home = Path(_downloaded(go, f"golang.org/toolchain@v0.0.1-{toolchain}.{machine}")["Dir"])
    for program in (*(home / "bin").iterdir(), *(path for path in (home / "pkg" / "tool").rglob("*") if path.is_file())):
        # Modules hold no programs, as far as their archives are concerned.
        program.chmod(0o755)
    return str(home / "bin" / "go")


def _downloaded(go: str, module: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(_run(go, "mod", "download", "-json", module))
    return found


def _run(go: str, *order: str, folder: Path | None = None) -> str:
    environment = os.environ | ({"GOBIN": str(folder)} if folder else {})
    done = subprocess.run(
        [go, *order], env=environment, capture_output=True, text=True, timeout=_BUILD_WITHIN_S, check=False
    )  # fmt: skip
    if done.returncode:
        raise UnavailableError(f"go {' '.join(order)}: {(done.stdout + done.stderr)[-500:]}")
    return done.stdout


if __name__ == "__main__":
    try:
        print(f"Prism is {built()}")
    except UnavailableError as error:
        sys.exit(f"NO PRISM HERE, so the chain will not be tried on it: {error}")
