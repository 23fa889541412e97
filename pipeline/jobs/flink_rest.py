"""Flink as its REST API shows it: its slots, its jobs, how one is stopped, and why one has failed."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote_to_bytes

from pipeline.config.problems import quoted, without_user_info
from pipeline.errors import ConfigError, TransientError, WirewatchError

_T = TypeVar("_T")

STOPPED_WITHIN_S = 120.0
_ANSWERED_WITHIN_S = 20.0
_ASKED_AGAIN_S = 0.5
_ENDED = {"FINISHED": "finished", "CANCELED": "been cancelled", "FAILED": "failed"}
_AWAY = (502, 503, 504)
"""What the REST API answers while a job manager takes over, or a proxy for one that is away."""
_REST = re.compile(r"https?://(?:(?P<user_info>[^/?#\s]*)@)?(?:\[[\da-fA-F:.]+\]|[^/?#\s@:]+)(?::\d+)?(?:/[^?#\s@]*)?")
_ERROR = re.compile(r"[\w.$]+: ")
"""How a line begins that says what is wrong, in Java and in Python."""
_LONGEST_REASON = 300
_METRICS = "wirewatch_"
"""What Flink calls our counters begins with our namespace in Beam."""


class Job(NamedTuple):
    """A job on the cluster."""

    id: str
    name: str
    state: str

    @property
    def end(self) -> str | None:
        """What has become of it, in words; None while it lives."""
        return _ENDED.get(self.state)


class Cluster:
    """Flink as its REST API shows it, at `HOST:PORT` or a URL, in which user and password may stand; no error shows them.

    Every call raises `TransientError` where it does not answer.
    """

    def __init__(self, rest: str) -> None:
        url = (rest if "://" in rest else f"http://{rest}").rstrip("/")
        known = _REST.fullmatch(url)
        if not known:
            raise ConfigError(f"--flink: expected HOST:PORT or the http(s) URL of Flink's REST API, not {quoted(url)}")
        self._url = without_user_info(url)
        user_info = unquote_to_bytes(known["user_info"] or "")
        self._authorization = f"Basic {b64encode(user_info).decode()}" if user_info else None

    def slots(self) -> int:
        """Of the whole cluster, taken or free."""
        return int(self._get("/overview")["slots-total"])

    def free_slots(self) -> int:
        """Those that no job has."""
        return int(self._get("/overview")["slots-available"])

    def slots_of_a_manager(self) -> int:
        """Of the task manager that has the most."""
        return max((int(manager["slotsNumber"]) for manager in self._get("/taskmanagers")["taskmanagers"]), default=1)

    def jobs(self, name: str) -> list[Job]:
        """The jobs of a name that the cluster remembers, ended ones too, oldest first."""
        jobs = sorted(self._get("/jobs/overview")["jobs"], key=lambda job: job["start-time"])
        return [Job(job["jid"], job["name"], job["state"]) for job in jobs if job["name"] == name]

    def living(self, name: str) -> list[Job]:
        """The jobs of a name that have not ended, oldest first."""
        return [job for job in self.jobs(name) if job.end is None]

    def is_whole(self, job: Job) -> bool:
        """Whether every task of a job runs."""
        states = [vertex["status"] for vertex in self._get(f"/jobs/{job.id}")["vertices"]]
        return bool(states) and all(state == "RUNNING" for state in states)

    def checkpoints(self, job: Job) -> int:
        """How many have come about since a job that makes some was submitted; a savepoint that it began from is none."""
        return int(self._get(f"/jobs/{job.id}/checkpoints")["counts"]["completed"])

    def stop(self, job: Job, folder: str | None) -> str:
        """Stop a job with a savepoint in `folder` (or where the cluster is told to put them); answers where it is.

        What has entered the chain is finished first. Raises `WirewatchError` where no savepoint came about; the job runs on then.
        """
        asked = self._send("POST", f"/jobs/{job.id}/stop", {"drain": False, **({"targetDirectory": folder} if folder else {})})
        path = f"/jobs/{job.id}/savepoints/{asked['request-id']}"
        found = until(lambda: self._finished(path), STOPPED_WITHIN_S, f"job {job.id} did not stop")
        if "location" not in found:
            cause = str(found.get("failure-cause", {}).get("class", "no reason given"))
            raise WirewatchError(f"Flink could make no savepoint of job {job.id}: {cause}")
        return str(found["location"])

    def cancel(self, job: Job) -> None:
        """End a job without a savepoint, and wait until it has; one that has ended already is no error."""
        try:
            self._send("PATCH", f"/jobs/{job.id}?mode=cancel")
        except TransientError:
            raise
        except WirewatchError:
            if self._lives(job):
                raise
        until(lambda: not self._lives(job), STOPPED_WITHIN_S, f"job {job.id} did not end")

    def counters(self, job: Job) -> dict[str, int]:
        """The job's own counters by name, summed over its tasks, since its last start."""
        counted: dict[str, int] = {}
        for vertex in self._get(f"/jobs/{job.id}")["vertices"]:
            path = f"/jobs/{job.id}/vertices/{vertex['id']}/subtasks/metrics"
            for id in (each["id"] for each in self._get(path)):
                name = id.rpartition(".")[2]
                if name.startswith(_METRICS):
                    found = sum(int(each["sum"]) for each in self._get(f"{path}?get={quote(id)}&agg=sum"))
                    counted[name.removeprefix(_METRICS)] = counted.get(name.removeprefix(_METRICS), 0) + found
        return counted

    def why(self, job: Job) -> str:
        """The last error of a job, in a line: what it began with, without what it led to."""
        found = self._get(f"/jobs/{job.id}/exceptions").get("exceptionHistory", {}).get("entries", [])
        return _root_cause(str(found[0]["stacktrace"])) if found else ""

    def _lives(self, job: Job) -> bool:
        return job.id in {each.id for each in self.living(job.name)}

    def _finished(self, path: str) -> dict[str, Any] | None:
        found = self._get(path)
        return found.get("operation", {}) if found["status"]["id"] == "COMPLETED" else None

    def _get(self, path: str) -> Any:
        return self._send("GET", path)

    def _send(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - checked above
        if self._authorization:
            # Not for whom an answer may lead to.
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            with urllib.request.urlopen(request, timeout=_ANSWERED_WITHIN_S) as answer:  # noqa: S310
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code in _AWAY:
                raise TransientError(f"Flink answers {method} {path} with {error.code}: {_reason(error)}") from None
            raise WirewatchError(f"Flink refused {method} {path} ({error.code}): {_reason(error)}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise TransientError(f"Flink at {self._url} does not answer ({error}); is --flink its REST address?") from None


def _root_cause(trace: str) -> str:
    """A stack trace in a line: its innermost error, which a Python worker tells at the end of a trace of its own."""
    innermost = trace.rpartition("\nCaused by: ")[2].partition("\n\tat ")[0].splitlines()
    named = [line for line in innermost if _ERROR.match(line)] or innermost
    return without_user_info(named[-1].strip())[:_LONGEST_REASON] if named else ""


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["errors"][0]).splitlines()[0][:_LONGEST_REASON]
    except (ValueError, KeyError, IndexError, OSError):
        return str(error.reason)


def until(found: Callable[[], _T | None], within_s: float, trouble: str) -> _T:
    """What `found` answers once it is something; a service that does not answer meanwhile is asked again.

    Raises `TransientError` where it is nothing all the time.
    """
    ends_at = time.monotonic() + within_s
    while True:
        away = ""
        try:
            if answer := found():
                return answer
        except TransientError as error:
            away = f" {error}"
        if time.monotonic() > ends_at:
            raise TransientError(f"{trouble} within {within_s:g} s.{away}")
        time.sleep(_ASKED_AGAIN_S)
