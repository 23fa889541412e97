"""Jobs on a Flink cluster: submitted through Beam's job server, and stopped through Flink's REST API.

The service needs nobody once it runs. Submitting one whose name a running job has is an upgrade: that one is stopped with a
savepoint, and the new one begins from it. What must last is in the store; where no savepoint can be had the new job begins without.
A bounded job, a backfill or stored stories again, is waited for.
"""

from __future__ import annotations

import logging
import math
import socket
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import apache_beam as beam
import grpc
import structlog
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult, PipelineState

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.errors import ConfigError, TransientError, WirewatchError
from pipeline.jobs.engine import Engine, Service
from pipeline.jobs.flink_rest import STOPPED_WITHIN_S, Cluster, Job, until
from pipeline.jobs.runner import counted
from pipeline.jobs.submission import Submission, bounded, checkpointed_every_s, number, refuse_unknown, unbounded
from pipeline.store.address import address_of, store_at

log = structlog.get_logger()

STARTED_WITHIN_S = 180.0
_FREED_WITHIN_S = 60.0
"""The slots of a job that was cancelled: what its workers are at is waited for."""
_ANSWERED_WITHIN_S = 20.0
_SHOWN_WITHIN_S = 5.0
"""Flink shows what it knows of a job as it was up to three seconds ago."""
_ASKED_AGAIN_S = 0.5


def run_on_flink(settings: Settings, submission: Submission, say: Callable[[str], None], clock: Clock = utc_now) -> None:
    """Have the service run on the cluster by these settings and this code; `say` hears what is done, a sentence at a time.

    Raises `ConfigError` for a store that is no cluster's, `TransientError` where a service is away, `WirewatchError` where the job
    does not start.
    """
    cluster = _cluster(settings, submission)
    engine = _engine(submission, cluster)
    every_s = checkpointed_every_s(submission)
    store_at(address_of(settings)).feeds.subscribe([feed.url for feed in settings.feeds], clock())
    before = {job.id for job in cluster.jobs(submission.name)} if cluster else set()
    savepoint = _make_room(cluster, submission, say) if cluster else None
    options = unbounded(submission, engine, savepoint)
    result = _submitted(lambda pipeline: pipeline | "wirewatch" >> Service(settings, engine, clock), options)
    if result.state != PipelineState.RUNNING:
        raise WirewatchError(f"the job is {result.state.lower()}; the job server's log says why")
    if cluster:
        _wait_until_it_runs(cluster, submission.name, before, every_s)
        say(f"{submission.name} runs on {engine}.")
    else:
        say(f"{submission.name} is submitted. Without --flink nobody looks whether it starts, or whether another of its name runs.")


def finish_on_flink(
    settings: Settings,
    submission: Submission,
    build: Callable[[beam.Pipeline, Settings], object],
    stop: threading.Event,
    say: Callable[[str], None],
) -> Counter[str]:
    """Have a bounded job that `build` makes run on the cluster to its end, and answer what it counted.

    Setting `stop` cancels it. Raises as `run_on_flink`, and `TransientError` where no slot is free.
    """
    cluster = _cluster(settings, submission)
    engine = _engine(submission, cluster, free_within_s=_FREED_WITHIN_S)
    result = _submitted(lambda pipeline: build(pipeline, engine.given(settings)), bounded(submission, engine))
    say(f"{submission.name} begins, on {engine}.")
    try:
        while not PipelineState.is_terminal(result.state):
            if stop.wait(_ASKED_AGAIN_S):
                result.cancel()
                until(lambda: PipelineState.is_terminal(result.state), STOPPED_WITHIN_S, f"{submission.name} did not end")
        if not stop.is_set():
            # Raises where it failed.
            result.wait_until_finish()
        return counted(result)
    except grpc.RpcError:
        raise TransientError(f"Beam's job server at {submission.job_endpoint} is gone; the job may go on") from None
    except RuntimeError as error:
        raise WirewatchError(f"{submission.name} failed: {_last_line(error)}") from error


def _cluster(settings: Settings, submission: Submission) -> Cluster | None:
    """The cluster, where its REST API is given, after a look whether anything can run there at all."""
    if settings.store.startswith("sqlite:"):
        raise ConfigError("store: workers of a cluster cannot share a SQLite file; set it to the URL of an Elasticsearch")
    _knock(submission.job_endpoint)
    refuse_unknown(submission)
    return Cluster(submission.flink) if submission.flink else None


def _engine(submission: Submission, cluster: Cluster | None, *, free_within_s: float | None = None) -> Engine:
    """As many slots as were asked for, else as the cluster has, or as are free within a time; a reading process for each.

    Raises `TransientError` where none is.
    """
    if cluster is None:
        return Engine(submission.slots or 1)
    slots = submission.slots or (cluster.slots() or 1 if free_within_s is None else _free_slots(cluster, free_within_s))
    workers = number(submission.options, "sdk_worker_parallelism", 1) or 1
    return Engine(slots, math.ceil(min(slots, cluster.slots_of_a_manager()) / workers))


def _free_slots(cluster: Cluster, within_s: float) -> int:
    try:
        return until(cluster.free_slots, within_s, "no slot of the cluster became free")
    except TransientError as error:
        raise TransientError(f"{error} Let the service have fewer (--parallelism), or add a task manager.") from None


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


def _submitted(build: Callable[[beam.Pipeline], object], options: Sequence[str]) -> PipelineResult:
    """The job that `build` makes, once the job server has started it."""
    # Beam warns of the job server's options, which it hears of later.
    logging.getLogger("apache_beam.options").setLevel(logging.ERROR)
    pipeline = beam.Pipeline(options=PipelineOptions(list(options)))
    build(pipeline)
    try:
        result = pipeline.run()
    except (grpc.RpcError, RuntimeError) as error:
        raise WirewatchError(f"the job server did not take the job: {_last_line(error)}") from error
    not_yet = (PipelineState.STOPPED, PipelineState.STARTING, PipelineState.UNKNOWN, PipelineState.UNRECOGNIZED)
    until(lambda: result.state not in not_yet, STARTED_WITHIN_S, "the job server did not start the job")
    return result


def _wait_until_it_runs(
    cluster: Cluster,
    name: str,
    before: Collection[str],
    every_s: float | None,
    within_s: float = STARTED_WITHIN_S,
) -> None:
    """Wait until every task of the job that is not among those `before` runs, and a checkpoint has gone through all of them.

    A task runs before the Python workers have loaded anything: where they cannot, Flink hears of it minutes later. A checkpoint
    waits for what the ticks have set off. What only a story sets off, language models above all, need not have been tried by then.
    Raises `WirewatchError`: at once where the job has ended.
    """

    def ours() -> Job | None:
        return next((job for job in reversed(cluster.jobs(name)) if job.id not in before), None)

    def runs() -> bool:
        job = ours()
        if job and job.end:
            raise WirewatchError(f"job {job.id} has {job.end}: {_why(cluster, job)}")
        return job is not None and cluster.is_whole(job) and (every_s is None or cluster.checkpoints(job) > 0)

    try:
        until(runs, within_s + (every_s or 0), "the job was taken and has not worked")
    except TransientError as error:
        job = ours()
        remedy = "Has the cluster enough slots, do the workers start, is Wirewatch on them (see their log)? Flink goes on with it."
        raise WirewatchError(f"{error} {remedy} {cluster.why(job) if job else ''}".strip()) from None


def _why(cluster: Cluster, job: Job) -> str:
    """What ended a job."""
    try:
        return until(lambda: cluster.why(job), _SHOWN_WITHIN_S, "")
    except TransientError:
        return "Flink gives no reason"


def _knock(job_endpoint: str) -> None:
    """Raises at once where Beam would try for minutes."""
    host, _, port = job_endpoint.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--job-endpoint: expected HOST:PORT of Beam's job server, not {job_endpoint!r}")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWERED_WITHIN_S).close()
    except OSError as error:
        raise TransientError(f"Beam's job server at {job_endpoint} does not answer ({error})") from None


def _last_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[-1][:300]
