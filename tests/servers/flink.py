"""A real Flink on this machine, without Docker, for tests and benchmarks: a session cluster, Beam's job server and Python workers.

Flink comes out of the archive that carries it for Python (PyPI), Beam's runner for it from Maven Central. Each part is a child that
dies with its parent, on free ports of 127.0.0.1, and can be killed and started again by itself.

    python -m tests.servers.flink    # fetch it, so that no test waits for that
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.servers.machine import UnavailableError, alone, as_a_child, cache, free_port, java_of

FLINK = "1.19.3"
BEAM_JAVA = "2.62.0"
"""Of the runner; it speaks with the later Python SDK."""
START_WITHIN_S = 240
"""On a machine that does much else."""
_FETCH_WITHIN_S = 900
_JAVA = 17
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_CLUSTER_HAS = ("flink-", "slf4j-api", "log4j-")
"""Jars of the runner that the cluster brings itself."""
_NOT_NEEDED = ("flink-table", "flink-cep", "flink-scala", "flink-csv", "flink-json")
_JVM = [
    # Starts in half the time, and little is computed in Java here.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
    *(
        f"--add-opens=java.base/java.{name}=ALL-UNNAMED"
        for name in (
            "lang",
            "net",
            "io",
            "nio",
            "lang.reflect",
            "text",
            "time",
            "util",
            "util.concurrent",
            "util.concurrent.atomic",
        )
    ),
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
]
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>job-server</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.beam</groupId><artifactId>beam-runners-flink-{flink}</artifactId><version>{beam}</version>
</dependency></dependencies></project>
"""
_LOG4J = """rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %-40.40c{1} - %m%n
"""


class Flink:
    """A session cluster with `slots`, and what Beam needs beside it. `jobs` run with one pool of Python workers."""

    def __init__(self, folder: Path, *, slots: int = 1) -> None:
        self.slots = slots
        self._folder = folder
        self._ports = {name: free_port() for name in ("rest", "rpc", "job", "artifact", "expansion", "worker_pool", "bare_pool")}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def rest(self) -> str:
        """Host and port of Flink's REST API."""
        return f"127.0.0.1:{self._ports['rest']}"

    @property
    def job_endpoint(self) -> str:
        """Host and port of Beam's job server."""
        return f"127.0.0.1:{self._ports['job']}"

    @property
    def checkpoints(self) -> str:
        """Where checkpoints and savepoints go."""
        return f"file://{self._folder}/state"

    @property
    def options(self) -> list[str]:
        """Beam's options for a job here, beyond the job endpoint."""
        (self._folder / "empty.txt").write_text("x")
        return [
            "--environment_type=EXTERNAL",
            f"--environment_config={self.pool('worker_pool')}",
            # Else the job server sends each job the jars that the cluster has.
            f"--files_to_stage={self._folder}/empty.txt",
        ]

    def start(self) -> None:
        """Start all, and wait until it can take jobs. Raises `UnavailableError` where it cannot be had."""
        fetched()
        self.start_job_manager()
        self.start_task_manager()
        self.start_job_server()
        self.start_worker_pool()
        self.wait()

    def start_job_manager(self) -> None:
        memory = ["-Xmx512m", "-Xms256m"]
        self._java("job_manager", memory, "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint")

    def start_task_manager(self) -> None:
        memory = ["-Xmx640m", "-Xms256m", "-XX:MaxDirectMemorySize=512m"]
        self._java("task_manager", memory, "org.apache.flink.runtime.taskexecutor.TaskManagerRunner")

    def start_job_server(self) -> None:
        ports = [f"--{name}-port={self._ports[name]}" for name in ("job", "artifact", "expansion")]
        where = [f"--flink-master={self.rest}", "--job-host=localhost", f"--artifacts-dir={self._folder}/artifacts"]
        home = fetched()
        self._run(
            "job_server",
            [str(java_of(_JAVA)), *_JVM, "-Xmx384m", f"-Dlog4j.configurationFile={self._log4j()}",
             "-cp", f"{home}/lib/*:{home}/beam/*", "org.apache.beam.runners.flink.FlinkJobServerDriver", *where, *ports],
        )  # fmt: skip

    def start_worker_pool(self, part: str = "worker_pool", **environment: str) -> None:
        """The pool of `options`, or `bare_pool` beside it, with an environment of its own."""
        command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={self._ports[part]}"]
        self._run(part, command, **environment)

    def pool(self, part: str) -> str:
        """Host and port of a pool of Python workers."""
        return f"localhost:{self._ports[part]}"

    def wait(self) -> None:
        """Wait until the slots are there and the doors are open. Raises `UnavailableError` where that takes too long."""
        until(lambda: self.get("/overview").get("slots-total") == self.slots, START_WITHIN_S, lambda: self._said("task_manager"))
        for name in ("job", *(part for part in self._processes if part.endswith("_pool"))):
            until(lambda name=name: _is_open(self._ports[name]), START_WITHIN_S, lambda: self._said("job_server"))  # type: ignore[misc]

    def kill(self, part: str) -> None:
        """End `job_manager`, `task_manager`, `job_server`, or a pool with its workers at once, as a crash would."""
        process = self._processes.pop(part)
        for pid in [*(_descendants(process.pid) if part.endswith("_pool") else ()), process.pid]:
            _kill(pid)
        process.wait(30)

    def kill_workers(self) -> None:
        """End the Python workers, and leave the pool that starts them."""
        for pid in self.workers():
            _kill(pid)

    def workers(self) -> list[int]:
        """The process ids of the Python workers."""
        return _children(self.pid("worker_pool"))

    def pid(self, part: str) -> int:
        return self._processes[part].pid

    def stop(self) -> None:
        """End everything; stopping twice is allowed."""
        for part in ("job_server", "bare_pool", "worker_pool", "task_manager", "job_manager"):
            if part in self._processes:
                self.kill(part)

    def said(self, part: str) -> str:
        """All that a part has written."""
        return (self._folder / f"{part}.log").read_text(errors="replace")

    def get(self, path: str) -> dict[str, Any]:
        """What Flink's REST API answers; nothing where it is away."""
        try:
            with urllib.request.urlopen(f"http://{self.rest}{path}", timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (urllib.error.URLError, OSError, ValueError):
            return {}

    def running(self) -> list[str]:
        """The ids of the jobs whose every task runs."""
        jobs = self.get("/jobs/overview").get("jobs", [])
        return [job["jid"] for job in jobs if job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"]]

    def _java(self, part: str, memory: list[str], main: str) -> None:
        home = fetched()
        classes = ["-cp", f"{home}/lib/*:{home}/beam/*", main, "--configDir", str(self._conf())]
        self._run(part, [str(java_of(_JAVA)), *_JVM, *memory, f"-Dlog4j.configurationFile={self._log4j()}", *classes])

    def _run(self, part: str, command: list[str], **environment: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        log = (self._folder / f"{part}.log").open("ab")
        # The pool starts its workers as `python`.
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
        self._processes[part] = subprocess.Popen(
            as_a_child(command), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self._folder,
            env={**os.environ, "PATH": path, "FLINK_CONF_DIR": str(self._conf()), **environment},
        )  # fmt: skip

    def _conf(self) -> Path:
        """The folder of the cluster's configuration; the job server reads it too."""
        path = self._folder / "conf"
        path.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}: {json.dumps(value)}\n" for name, value in _settings(self).items()]
        (path / "config.yaml").write_text("".join(lines))
        return path

    def _log4j(self) -> Path:
        path = self._folder / "log4j2.properties"
        path.write_text(_LOG4J)
        return path

    def _said(self, part: str) -> str:
        return self.said(part)[-2000:]


def _settings(flink: Flink) -> dict[str, object]:
    ports, folder = flink._ports, flink._folder
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    return {
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": ports["rpc"],
        "jobmanager.bind-host": "127.0.0.1",
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": ports["rest"],
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.host": "127.0.0.1",
        "taskmanager.numberOfTaskSlots": flink.slots,
        # What Flink's own script would work out of the size of the process.
        "taskmanager.cpu.cores": float(flink.slots),
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.framework.off-heap.size": "128m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "taskmanager.memory.task.heap.size": "384m",
        "taskmanager.memory.task.off-heap.size": "128m",
        "taskmanager.memory.network.min": "64m",
        "taskmanager.memory.network.max": "64m",
        "taskmanager.memory.managed.size": "64m",
        "state.backend.type": "hashmap",
        "state.checkpoints.dir": flink.checkpoints,
        "state.savepoints.dir": flink.checkpoints,
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 1000,
        "restart-strategy.fixed-delay.delay": "2 s",
        "pekko.ask.timeout": "60 s",
        "pekko.startup-timeout": "180 s",
        "heartbeat.interval": 2000,
        "heartbeat.timeout": 15000,
        "io.tmp.dirs": f"{folder}/tmp",
        "blob.storage.directory": f"{folder}/tmp",
    }


def until(is_so: Callable[[], bool], within_s: float, why: Callable[[], str] = lambda: "") -> None:
    """Wait until it is so. Raises `UnavailableError` where it is not in time."""
    ends_at = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > ends_at:
            raise UnavailableError(f"Flink was not ready within {within_s:g} s:\n{why()}")
        time.sleep(0.2)


def fetched() -> Path:
    """The folder of Flink's jars (`lib`) and Beam's (`beam`), fetched once for all of a user's tests. Raises `UnavailableError`."""
    folder = cache()
    home = folder / f"flink-{FLINK}-beam-{BEAM_JAVA}"
    with alone(folder / ".lock-flink"):
        if not (home / ".complete").exists():
            java_of(_JAVA)
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            _fetch_flink(home)
            _fetch_runner(home)
            (home / ".complete").touch()
    return home


def _fetch_flink(home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home) as folder:
        _done(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:",
             "--dest", folder, f"apache-flink-libraries=={FLINK}"],
            "pip could not fetch apache-flink-libraries",
        )  # fmt: skip
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name)
                if name.parent.name == "lib" and name.suffix == ".jar" and not name.name.startswith(_NOT_NEEDED):
                    (home / "lib").mkdir(exist_ok=True)
                    content = tar.extractfile(member)
                    assert content
                    with (home / "lib" / name.name).open("wb") as file:
                        shutil.copyfileobj(content, file)


def _fetch_runner(home: Path) -> None:
    if not shutil.which("mvn"):
        raise UnavailableError("there is no Maven (mvn) to fetch Beam's Flink runner with: install it")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pom.xml").write_text(_POM.format(flink=FLINK.rpartition(".")[0], beam=BEAM_JAVA))
        _done(
            ["mvn", "-B", "-q", "-f", f"{folder}/pom.xml", _PLUGIN, "-DincludeScope=runtime", f"-DoutputDirectory={home}/beam"],
            "Maven could not fetch Beam's Flink runner",
        )
    for jar in (home / "beam").glob("*.jar"):
        if jar.name.startswith(_CLUSTER_HAS):
            jar.unlink()


def _done(command: list[str], trouble: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_WITHIN_S, check=False)
    if done.returncode:
        raise UnavailableError(f"{trouble}: {(done.stdout + done.stderr)[-500:]}")


def _is_open(port: int) -> bool:
    import socket

    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            if task.name != str(pid)
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def _descendants(pid: int) -> list[int]:
    return [each for child in _children(pid) for each in (child, *_descendants(child))]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    try:
        print(f"Flink is in {fetched()}, Java is {java_of(_JAVA)}")
    except UnavailableError as error:
        sys.exit(f"NO FLINK HERE, so the chain will not be tried on it: {error}")
