"""The service as a job on a Flink cluster: submitted through Beam's job server, and stopped through Flink's REST API.

A job needs nobody once it runs. Submitting one whose name a running job has is an upgrade: that one is stopped with a savepoint,
and the new one begins from it. What must last is in the store; where no savepoint can be had the new job begins without.
"""

from __future__ import annotations

import http.client
import json
import logging
import math
import re
import socket
import time
import urllib.error
import urllib.request
from argparse import ArgumentError, ArgumentParser
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote_to_bytes

import apache_beam as beam
import grpc
import structlog
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.config.problems import quoted, without_user_info
from pipeline.errors import ConfigError, TransientError, WirewatchError
from pipeline.jobs.engine import Engine, Service
from pipeline.store.address import address_of, store_at

log = structlog.get_logger()

_T = TypeVar("_T")

STARTED_WITHIN_S = 180.0
STOPPED_WITHIN_S = 120.0
_ANSWERED_WITHIN_S = 20.0
_ASKED_AGAIN_S = 0.5
_BUNDLE_MS = 100
_CHECKPOINT_MS = 10_000
_ENDED = {"FINISHED": "finished", "CANCELED": "been cancelled", "FAILED": "failed"}
_AWAY = (502, 503, 504)
"""What the REST API answers while a job manager takes over, or a proxy for one that is away."""
_REST = re.compile(r"https?://(?:(?P<user_info>[^/?#\s]*)@)?(?:\[[\da-fA-F:.]+\]|[^/?#\s@:]+)(?::\d+)?(?:/[^?#\s@]*)?")
_OF_TYPE: Mapping[int, Mapping[str, Any]] = {
    beam_job_api_pb2.PipelineOptionType.BOOLEAN: {"action": "store_true"},
    beam_job_api_pb2.PipelineOptionType.INTEGER: {"type": int},
}
"""How Beam takes the job server's options."""
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
    def has_ended(self) -> bool:
        return self.state in _ENDED


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

    def slots_of_a_manager(self) -> int:
        """Of the task manager that has the most."""
        return max((int(manager["slotsNumber"]) for manager in self._get("/taskmanagers")["taskmanagers"]), default=1)

    def jobs(self, name: str) -> list[Job]:
        """The jobs of a name that the cluster remembers, ended ones too, oldest first."""
        jobs = sorted(self._get("/jobs/overview")["jobs"], key=lambda job: job["start-time"])
        return [Job(job["jid"], job["name"], job["state"]) for job in jobs if job["name"] == name]

    def living(self, name: str) -> list[Job]:
        """The jobs of a name that have not ended, oldest first."""
        return [job for job in self.jobs(name) if not job.has_ended]

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
        found = _until(lambda: self._finished(path), STOPPED_WITHIN_S, f"job {job.id} did not stop")
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
        _until(lambda: not self._lives(job), STOPPED_WITHIN_S, f"job {job.id} did not end")

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


class Submission(NamedTuple):
    """How a job is submitted; `options` are Beam's own."""

    job_endpoint: str
    """Of Beam's job server, HOST:PORT."""
    name: str = "wirewatch"
    flink: str | None = None
    """Of Flink's REST API; without, nothing is upgraded, and the cluster is not asked for its slots."""
    slots: int | None = None
    checkpoints: str | None = None
    """The folder, as a URI that all of the cluster reaches, for checkpoints and savepoints."""
    options: Sequence[str] = ()


def run_on_flink(settings: Settings, submission: Submission, say: Callable[[str], None], clock: Clock = utc_now) -> None:
    """Have the service run on the cluster by these settings and this code; `say` hears what is done, a sentence at a time.

    Raises `ConfigError` for a store that is no cluster's, `TransientError` where a service is away, `WirewatchError` where the job
    does not start.
    """
    if settings.store.startswith("sqlite:"):
        raise ConfigError("store: workers of a cluster cannot share a SQLite file; set it to the URL of an Elasticsearch")
    _knock(submission.job_endpoint)
    _refuse_unknown(submission)
    cluster = Cluster(submission.flink) if submission.flink else None
    engine = _engine(submission, cluster)
    checkpointed_every_s = _checkpointed_every_s(submission)
    store_at(address_of(settings)).feeds.subscribe([feed.url for feed in settings.feeds], clock())
    before = {job.id for job in cluster.jobs(submission.name)} if cluster else set()
    savepoint = _make_room(cluster, submission, say) if cluster else None
    _submit(settings, submission, engine, savepoint, clock)
    if cluster:
        _wait_until_it_runs(cluster, submission.name, before, checkpointed_every_s)
        say(f"{submission.name} runs on {engine.slots} slot{'s' if engine.slots > 1 else ''}.")
    else:
        say(f"{submission.name} is submitted. Without --flink nobody looks whether it starts, or whether another of its name runs.")


def _engine(submission: Submission, cluster: Cluster | None) -> Engine:
    """As many slots as were asked for, else as the cluster has; a reading process for each that a worker serves."""
    slots = submission.slots or (cluster.slots() if cluster else 1) or 1
    if cluster is None:
        return Engine(slots)
    workers = _number(submission.options, "sdk_worker_parallelism", 1) or 1
    return Engine(slots, math.ceil(min(slots, cluster.slots_of_a_manager()) / workers))


def _make_room(cluster: Cluster, submission: Submission, say: Callable[[str], None]) -> str | None:
    """Stop what runs under the name; answers the savepoint where there is one."""
    savepoint = None
    for job in cluster.living(submission.name):
        try:
            savepoint = cluster.stop(job, submission.checkpoints)
            say(f"Job {job.id} was stopped with the savepoint {savepoint}.")
        except WirewatchError as error:
            log.warning("job.without_savepoint", job=job.id, error=str(error), remedy="it is cancelled; its place is in the store")
            cluster.cancel(job)
            say(f"Job {job.id} was cancelled without a savepoint; its place is in the store.")
    return savepoint


def _submit(settings: Settings, submission: Submission, engine: Engine, savepoint: str | None, clock: Clock) -> None:
    # Beam warns of the job server's options, which it hears of later.
    logging.getLogger("apache_beam.options").setLevel(logging.ERROR)
    pipeline = beam.Pipeline(options=PipelineOptions(_options(submission, engine, savepoint)))
    _ = pipeline | "wirewatch" >> Service(settings, engine, clock)
    try:
        result = pipeline.run()
    except (grpc.RpcError, RuntimeError) as error:
        raise WirewatchError(f"the job server did not take the job: {str(error).strip().splitlines()[-1][:300]}") from error
    not_yet = ("STOPPED", "STARTING", "UNKNOWN", "UNRECOGNIZED")
    _until(lambda: result.state not in not_yet, STARTED_WITHIN_S, "the job server did not start the job")
    if result.state != "RUNNING":
        raise WirewatchError(f"the job is {result.state.lower()}; the job server's log says why")


def _options(submission: Submission, engine: Engine, savepoint: str | None) -> list[str]:
    """Beam's options for a job: ours, then the user's, which count."""
    folder = submission.checkpoints
    return [
        "--runner=PortableRunner",
        "--streaming",
        f"--job_name={submission.name}",
        f"--job_endpoint={submission.job_endpoint}",
        f"--parallelism={engine.slots}",
        f"--max_bundle_time_mills={_BUNDLE_MS}",
        f"--checkpointing_interval={_CHECKPOINT_MS}",
        *(("--state_backend=filesystem", f"--state_backend_storage_path={folder}") if folder else ()),
        # A step that is new has no state in the savepoint, one that is gone has some: neither keeps what must last there.
        *((f"--savepoint_path={savepoint}", "--allow_non_restored_state") if savepoint else ()),
        *submission.options,
    ]


def _checkpointed_every_s(submission: Submission) -> float | None:
    """None where the user switched checkpoints off."""
    every_ms = _number(submission.options, "checkpointing_interval", _CHECKPOINT_MS)
    return every_ms / 1000 if every_ms > 0 else None


def _wait_until_it_runs(
    cluster: Cluster,
    name: str,
    before: Collection[str],
    checkpointed_every_s: float | None,
    within_s: float = STARTED_WITHIN_S,
) -> None:
    """Wait until every task of the job that is not among those `before` runs, and a checkpoint has gone through all of them.

    A task runs before the Python workers have loaded anything: where they cannot, the job is restarted over and over. A checkpoint
    waits for what the ticks have set off. What only a story sets off, language models above all, need not have been tried by then.
    Raises `WirewatchError`: at once where the job has ended.
    """

    def ours() -> Job | None:
        return next((job for job in reversed(cluster.jobs(name)) if job.id not in before), None)

    def runs() -> bool:
        job = ours()
        if job and job.has_ended:
            raise WirewatchError(f"job {job.id} has {_ENDED[job.state]}: {cluster.why(job) or 'Flink gives no reason'}")
        return job is not None and cluster.is_whole(job) and (checkpointed_every_s is None or cluster.checkpoints(job) > 0)

    try:
        _until(runs, within_s + (checkpointed_every_s or 0), "the job was taken and has not worked")
    except TransientError as error:
        job = ours()
        remedy = "Has the cluster enough slots, do the workers start, is Wirewatch on them? Flink goes on with it."
        raise WirewatchError(f"{error} {remedy} {cluster.why(job) if job else ''}".strip()) from None


def _knock(job_endpoint: str) -> None:
    """Raises at once where Beam would try for minutes."""
    host, _, port = job_endpoint.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--job-endpoint: expected HOST:PORT of Beam's job server, not {job_endpoint!r}")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWERED_WITHIN_S).close()
    except OSError as error:
        raise TransientError(f"Beam's job server at {job_endpoint} does not answer ({error})") from None


def _refuse_unknown(submission: Submission) -> None:
    """Raises `ConfigError` for options that neither Beam nor the job server knows: Beam would leave them out, without a word."""
    try:
        with grpc.insecure_channel(submission.job_endpoint) as channel:
            asked = beam_job_api_pb2.DescribePipelineOptionsRequest()
            service = beam_job_api_pb2_grpc.JobServiceStub(channel)
            of_server = service.DescribePipelineOptions(asked, timeout=_ANSWERED_WITHIN_S).options
    except grpc.RpcError as error:
        raise TransientError(f"{submission.job_endpoint} does not answer as Beam's job server: {error.details()}") from None
    unknown: list[str] = []

    def look(parser: ArgumentParser) -> None:
        parser.exit_on_error = False
        for option in of_server:
            with suppress(ArgumentError):  # Beam has it too.
                parser.add_argument(f"--{option.name}", **_OF_TYPE.get(option.type, {}))
        unknown.extend(parser.parse_known_args(submission.options)[1])

    try:
        PipelineOptions([]).get_all_options(add_extra_args_fn=look)
    except ArgumentError as error:
        raise ConfigError(f"run: {error}") from None
    if unknown:
        # What has no dash may be the value of what has.
        named = [option.partition("=")[0] for option in unknown if option.startswith("-")] or unknown
        raise ConfigError(f"run: neither Wirewatch nor Beam nor its job server knows {', '.join(named)}")


def _option(options: Sequence[str], name: str) -> str | None:
    """The value of one of Beam's options, written `--name=value` or `--name value`; the last counts."""
    found = None
    for at, option in enumerate(options):
        key, has_value, value = option.partition("=")
        if key.replace("-", "_") == f"__{name}":
            found = value if has_value else next(iter(options[at + 1 :]), None)
    return found


def _number(options: Sequence[str], name: str, otherwise: int) -> int:
    """An option's value. Raises `ConfigError` where that is none."""
    given = _option(options, name)
    try:
        return otherwise if given is None else int(given)
    except ValueError:
        raise ConfigError(f"--{name}: expected a whole number, not {given!r}") from None


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


def _until(found: Callable[[], _T | None], within_s: float, trouble: str) -> _T:
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
