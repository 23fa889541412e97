"""What every server for tests needs of this machine: where it is kept once it was fetched, Java, a free port."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

NOBODY = 65534


class UnavailableError(Exception):
    """There is no such server to be had on this machine, and why."""


def cache() -> Path:
    """The folder that all of this user's tests share."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wirewatch"
    if os.geteuid() == 0:
        # Nobody has to be let in, and root's home is shut.
        folder = Path(tempfile.gettempdir()) / "wirewatch-servers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; whoever else wants it waits."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def java_of(version: int) -> Path:
    """A Java of at least `version`. Raises `UnavailableError`."""
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    homes += sorted(Path("/usr/lib/jvm").glob("*")) + (
        [Path(found).resolve().parents[1]] if (found := shutil.which("java")) else []
    )
    for home in homes:
        release = home / "release"
        if release.is_file() and (said := re.search(r'JAVA_VERSION="(\d+)', release.read_text())) and int(said[1]) >= version:
            return home / "bin" / "java"
    raise UnavailableError(f"there is no Java {version} or later: install one, or set JAVA_HOME")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds, and that the system gives to no connection meanwhile: those begin at 32768."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def as_a_child(command: Sequence[str], *, nobody: bool = False) -> list[str]:
    """`command`, made to end when the thread that starts it does, and with `nobody` to run as nobody where we are root.

    Not by `preexec_fn`: in a process with threads it can crash.
    """
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if nobody and os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "KILL", *user, *command]
