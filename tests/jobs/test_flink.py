"""Submitting to a cluster, as far as it goes without one: what is said where it cannot be done, and how Flink is spoken with."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipeline.config import Settings
from pipeline.errors import ConfigError, TransientError, WirewatchError
from pipeline.jobs.engine import Engine
from pipeline.jobs.flink import _engine, _make_room, _wait_until_it_runs, run_on_flink
from pipeline.jobs.flink_rest import Cluster, Job
from pipeline.jobs.submission import Submission, bounded, checkpointed_every_s, unbounded
from tests.servers.elasticsearch import free_port

pytestmark = pytest.mark.enable_socket
ON_ELASTICSEARCH = Settings.model_validate({"store": "http://127.0.0.1:9"})


class FakeFlink:
    """Flink's REST API with one job, which makes a savepoint where `savepoint` says where, and refuses to otherwise."""

    def __init__(self, savepoint: str | None) -> None:
        self.savepoint, self.state, self.asked = savepoint, "RUNNING", list[tuple[str, str, Any]]()
        self.free_slots = 2
        self.coming: list[str] = []
        """The states that the next looks at the jobs find, the last for good."""
        self.lost: list[str] = []
        """Paths whose next answer is lost on the way."""
        self.is_away = False
        self.users = set[str | None]()
        """What those who asked said of who they are."""
        self.checkpoints = 0
        """How many have come about; each look at them brings another."""
        self.traces: list[str] = []
        """Of the job's errors, the last first; a first look does not show them yet."""
        self.shown: list[str] | None = None
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(fake.answer("GET", self.path, None))

            def do_PATCH(self) -> None:
                self._answer(fake.answer("PATCH", self.path, None))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(fake.answer("POST", self.path, body))

            def _answer(self, found: Any) -> None:
                fake.users.add(self.headers["Authorization"])
                if self.path in fake.lost:
                    fake.lost.remove(self.path)
                    return
                self.send_response(503 if fake.is_away else 200 if found is not None else 409)
                self.end_headers()
                self.wfile.write(
                    json.dumps(found if found is not None else {"errors": ["it is restarting\nat Java.java"]}).encode()
                )

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.rest = f"127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str, body: Any) -> Any:
        self.asked.append((method, path, body))
        if method == "PATCH" and self.state == "FINISHED":
            return None
        if method == "PATCH":
            self.state, self.coming = "CANCELLING", ["CANCELLING", "CANCELED"]
            return {}
        if method == "POST":
            if self.savepoint:
                self.state = "FINISHED"
            return {"request-id": "7"} if self.savepoint else None
        if path == "/jobs/overview" and self.coming:
            self.state = self.coming.pop(0)
        if path == "/jobs/a1/exceptions":
            self.shown = self.traces if self.shown is not None else []
        if path == "/jobs/a1/checkpoints":
            self.checkpoints += 1
        jobs = [{"jid": "a1", "name": "wirewatch", "state": self.state, "start-time": 2}]
        return {
            "/jobs/overview": {"jobs": [*jobs, {"jid": "b2", "name": "another", "state": "RUNNING", "start-time": 1}]},
            "/jobs/a1/savepoints/7": {"status": {"id": "COMPLETED"}, "operation": {"location": self.savepoint}},
            "/overview": {"slots-total": 6, "slots-available": self.free_slots},
            "/taskmanagers": {"taskmanagers": [{"slotsNumber": 2}, {"slotsNumber": 4}]},
            "/jobs/a1": {"vertices": [{"id": "v", "status": "RUNNING"}, {"id": "w", "status": self.state}]},
            "/jobs/a1/checkpoints": {"counts": {"completed": self.checkpoints - 1, "restored": 1}},
            "/jobs/a1/exceptions": {"exceptionHistory": {"entries": [{"stacktrace": trace} for trace in self.shown or ()]}},
            "/jobs/a1/vertices/v/subtasks/metrics": [{"id": "{poll}.wirewatch_polls"}, {"id": "numRecordsIn"}],
            "/jobs/a1/vertices/w/subtasks/metrics": [{"id": "read.wirewatch_polls"}],
            "/jobs/a1/vertices/v/subtasks/metrics?get=%7Bpoll%7D.wirewatch_polls&agg=sum": [{"sum": 3.0}],
            "/jobs/a1/vertices/w/subtasks/metrics?get=read.wirewatch_polls&agg=sum": [{"sum": 4.0}],
        }.get(path)

    def serve(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(params=["file:///savepoints/s1"])
def flink(request: pytest.FixtureRequest) -> Iterator[FakeFlink]:
    fake = FakeFlink(request.param)
    fake.serve()
    yield fake
    fake.stop()


def test_a_running_job_of_the_name_makes_room_with_a_savepoint(flink: FakeFlink) -> None:
    """It goes where it was told to, and the other job is left alone."""
    said: list[str] = []
    savepoint = _make_room(Cluster(flink.rest), Submission("h:1", checkpoints="file:///savepoints"), said.append)
    assert savepoint == "file:///savepoints/s1"
    assert said == ["Job a1 was stopped with the savepoint file:///savepoints/s1."]
    assert ("POST", "/jobs/a1/stop", {"drain": False, "targetDirectory": "file:///savepoints"}) in flink.asked
    assert not [path for _, path, _ in flink.asked if "b2" in path]


@pytest.mark.parametrize("flink", [None], indirect=True)
def test_a_job_that_can_make_no_savepoint_is_cancelled(flink: FakeFlink) -> None:
    """Its place is in the store: the new one begins without."""
    said: list[str] = []
    assert _make_room(Cluster(flink.rest), Submission("h:1"), said.append) is None
    assert said == ["Job a1 was cancelled without a savepoint; its place is in the store."]
    assert flink.state == "CANCELED"


def test_an_answer_that_is_lost_costs_no_savepoint(flink: FakeFlink) -> None:
    """It is asked for again: a cancelled job leaves none, and one that has stopped meanwhile Flink does not cancel."""
    flink.lost = ["/jobs/a1/savepoints/7"] * 2
    said: list[str] = []
    assert _make_room(Cluster(flink.rest), Submission("h:1"), said.append) == "file:///savepoints/s1"
    assert said == ["Job a1 was stopped with the savepoint file:///savepoints/s1."]


def test_a_job_that_has_ended_needs_no_cancelling(flink: FakeFlink) -> None:
    """Flink refuses to; what was wanted is so."""
    flink.state = "FINISHED"
    Cluster(flink.rest).cancel(Job("a1", "wirewatch", "RUNNING"))
    flink.coming = ["RUNNING"]
    with pytest.raises(WirewatchError, match="Flink refused PATCH"):
        Cluster(flink.rest).cancel(Job("a1", "wirewatch", "RUNNING"))


def test_a_job_manager_that_is_being_replaced_is_away(flink: FakeFlink) -> None:
    """Flink answers 503 while it chooses another: to be asked again."""
    flink.is_away = True
    with pytest.raises(TransientError, match="503"):
        Cluster(flink.rest).slots()


def test_a_cancelled_job_has_not_ended_before_its_tasks_have(flink: FakeFlink) -> None:
    """Until then it has its slots."""
    cluster = Cluster(flink.rest)
    (job,) = cluster.living("wirewatch")
    cluster.cancel(job)
    assert flink.state == "CANCELED"


@pytest.mark.parametrize("flink", [None], indirect=True)
def test_what_flink_refuses_is_said_in_a_line(flink: FakeFlink) -> None:
    with pytest.raises(WirewatchError, match=r"Flink refused POST /jobs/a1/stop \(409\): it is restarting$"):
        Cluster(flink.rest).stop(Job("a1", "wirewatch", "RUNNING"), None)


def test_a_job_uses_all_slots_and_a_worker_reads_for_each_of_its_own(flink: FakeFlink) -> None:
    """Or as many as it is given; and two workers for a task manager share what reads for it."""
    cluster = Cluster(flink.rest)
    assert _engine(Submission("h:1"), cluster)[:2] == (6, 4)
    assert _engine(Submission("h:1", slots=1), cluster)[:2] == (1, 1)
    assert _engine(Submission("h:1", options=["--sdk_worker_parallelism=2"]), cluster)[:2] == (6, 2)
    assert _engine(Submission("h:1", options=["--sdk_worker_parallelism", "4"]), cluster)[:2] == (6, 1)
    assert _engine(Submission("h:1"), None)[:2] == (1, None)


def test_a_job_beside_others_uses_the_slots_that_are_free(flink: FakeFlink) -> None:
    """Where there are none it is said what to do, before anything is submitted: Flink would wait for minutes."""
    cluster = Cluster(flink.rest)
    assert _engine(Submission("h:1"), cluster, free_within_s=0) == (2, 2)
    flink.free_slots = 0
    assert _engine(Submission("h:1", slots=1), cluster, free_within_s=0) == (1, 1)
    with pytest.raises(TransientError, match="Let the service have fewer"):
        _engine(Submission("h:1"), cluster, free_within_s=0)


def test_counters_are_summed_over_the_tasks(flink: FakeFlink) -> None:
    (job,) = Cluster(flink.rest).living("wirewatch")
    assert Cluster(flink.rest).counters(job) == {"polls": 7}


def test_a_job_is_whole_when_every_task_runs(flink: FakeFlink) -> None:
    cluster = Cluster(flink.rest)
    (job,) = cluster.living("wirewatch")
    assert cluster.is_whole(job)
    flink.state = "INITIALIZING"
    assert not cluster.is_whole(job)


def test_a_job_runs_once_a_checkpoint_has_gone_through_it(flink: FakeFlink) -> None:
    """Its tasks run before the workers have loaded anything. Where there are no checkpoints, that has to do."""
    cluster = Cluster(flink.rest)
    _wait_until_it_runs(cluster, "wirewatch", (), None)
    assert flink.checkpoints == 0
    with pytest.raises(WirewatchError, match="the job was taken and has not worked within"):
        _wait_until_it_runs(cluster, "wirewatch", (), 0.001, within_s=0)
    _wait_until_it_runs(cluster, "wirewatch", (), 0.001)
    assert flink.checkpoints == 2


OF_PYTHON = """org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
	at org.apache.flink.runtime.executiongraph.failover.ExecutionFailureHandler.handleFailure(ExecutionFailureHandler.java:180)
Caused by: java.lang.RuntimeException: Failed to finish remote bundle
	at org.apache.beam.runners.flink.ExecutableStageDoFnOperator.finishBundle(ExecutableStageDoFnOperator.java:900)
	... 7 more
Caused by: java.util.concurrent.ExecutionException: java.lang.RuntimeException: Error received from SDK harness for instruction 1: \
Traceback (most recent call last):
  File "apache_beam/runners/worker/sdk_worker.py", line 312, in _execute
    response = task()
pipeline.errors.ConfigError: store: http://reader:hunter2@es:9200 is none [while running 'wirewatch/poll']
> in the end

	at java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
"""
OF_JAVA = """java.io.IOException: no room
	at org.apache.flink.Thing.do(Thing.java:1)
Caused by: java.nio.file.FileSystemException: /state: Read-only file system
	at java.base/sun.nio.fs.UnixException.translate(UnixException.java:100)
	Suppressed: java.lang.Exception: later
		at java.base/Thread.run(Thread.java:1)
	... 3 more
"""


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        (OF_PYTHON, "pipeline.errors.ConfigError: store: http://es:9200 is none [while running 'wirewatch/poll']"),
        (OF_JAVA, "java.nio.file.FileSystemException: /state: Read-only file system"),
        ("java.lang.OutOfMemoryError\n\tat Thing.java:1", "java.lang.OutOfMemoryError"),
        ("", "Flink gives no reason"),
    ],
)
def test_a_job_that_fails_outright_is_told_of_at_once(trace: str, said: str, flink: FakeFlink) -> None:
    """With what it began with in a line, and nobody's password."""
    flink.state, flink.traces = "FAILED", [trace]
    with pytest.raises(WirewatchError) as failed:
        _wait_until_it_runs(Cluster(flink.rest), "wirewatch", (), 10)
    assert str(failed.value) == f"job a1 has failed: {said}"


def test_a_job_that_ended_before_is_not_taken_for_the_new_one(flink: FakeFlink) -> None:
    """Flink goes on showing it; the new one appears some time after it was submitted."""
    flink.state = "FAILED"
    with pytest.raises(WirewatchError, match="the job was taken and has not worked within"):
        _wait_until_it_runs(Cluster(flink.rest), "wirewatch", {"a1"}, None, within_s=0)


def test_checkpoints_are_as_far_apart_as_the_user_has_them() -> None:
    """The option that counts is the last, as it is for Beam; -1 is its word for none."""
    assert checkpointed_every_s(Submission("h:1")) == 10
    assert checkpointed_every_s(Submission("h:1", options=["--checkpointing_interval=1", "--checkpointing_interval=60000"])) == 60
    assert checkpointed_every_s(Submission("h:1", options=["--checkpointing_interval", "-1"])) is None


def test_a_users_options_count_over_ours() -> None:
    """They come last; a job that begins from a savepoint need not have every step of the one that made it."""
    given = unbounded(Submission("h:1", checkpoints="file:///c", options=["--checkpointing_interval=1"]), Engine(2), "file:///c/s1")
    assert given[-1] == "--checkpointing_interval=1"
    assert {"--parallelism=2", "--state_backend_storage_path=file:///c", "--savepoint_path=file:///c/s1"} < set(given)
    assert "--allow_non_restored_state" in given
    assert not [option for option in unbounded(Submission("h:1"), Engine(), None) if "savepoint" in option or "backend" in option]
    assert bounded(Submission("h:1", options=["--parallelism=3"]), Engine(2))[-1] == "--parallelism=3"
    assert "--streaming" not in bounded(Submission("h:1"), Engine())


def test_a_sqlite_file_is_no_store_for_a_cluster() -> None:
    with pytest.raises(ConfigError, match="set it to the URL of an Elasticsearch"):
        run_on_flink(Settings(), Submission("127.0.0.1:8099"), print)


def test_services_that_are_away_are_named() -> None:
    """The job server by its address, and Flink by the option that gave it."""
    away = f"127.0.0.1:{free_port()}"
    with pytest.raises(TransientError, match=f"job server at {away}"):
        run_on_flink(ON_ELASTICSEARCH, Submission(away), print)
    with pytest.raises(TransientError, match="is --flink its REST address"):
        Cluster(away).slots()


class FakeJobServer(beam_job_api_pb2_grpc.JobServiceServicer):
    """Beam's job server as far as it says what options it has."""

    def DescribePipelineOptions(self, request: Any, context: Any) -> Any:  # noqa: N802 - Beam's name
        kinds = beam_job_api_pb2.PipelineOptionType
        has = {"checkpointing_interval": kinds.INTEGER, "allow_non_restored_state": kinds.BOOLEAN, "job_name": kinds.STRING}
        described = [beam_job_api_pb2.PipelineOptionDescriptor(name=name, type=kind) for name, kind in has.items()]
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=described)


@pytest.fixture
def job_endpoint() -> Iterator[str]:
    """The address of a job server."""
    server = grpc.server(ThreadPoolExecutor(2))
    beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(FakeJobServer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait(5)


@pytest.mark.parametrize(
    ("options", "trouble"),
    [
        (["--checkpoint_interval=1"], "knows --checkpoint_interval$"),
        (["--pasword", "hunter2", "-1", "--sdk_worker_parallelism=2"], "knows --pasword$"),
        (["--allow_non_restored_state", "--streaming", "more"], "knows more$"),
        (["--checkpointing_interval=10s"], "--checkpointing_interval: .*10s"),
        (["--sdk_worker_parallelism"], "--sdk_worker_parallelism: expected one argument"),
    ],
)
def test_an_option_that_nobody_knows_stops_nothing(options: list[str], trouble: str, job_endpoint: str, flink: FakeFlink) -> None:
    """Beam would leave it out, or end over it, after the running job was stopped; what follows it may be secret."""
    with pytest.raises(ConfigError, match=trouble):
        run_on_flink(ON_ELASTICSEARCH, Submission(job_endpoint, flink=flink.rest, options=options), print)
    assert flink.asked == []


def test_what_beam_or_its_job_server_knows_is_taken(job_endpoint: str) -> None:
    """As far as the store, which is away here."""
    options = ["--checkpointing_interval", "-1", "--allow_non_restored_state", "--sdk_worker_parallelism=2", "--streaming"]
    with pytest.raises(TransientError, match=r"^127\.0\.0\.1:9 does not answer"):
        run_on_flink(ON_ELASTICSEARCH, Submission(job_endpoint, options=options), print)


def test_a_password_is_for_flink_alone(flink: FakeFlink) -> None:
    """It is sent to whom it is for; where that one is away, or the address is none, it is shown to nobody."""
    secret = "reader:hunter2%40%2F@"
    assert Cluster(f"http://{secret}{flink.rest}").slots() == 6
    assert flink.users == {f"Basic {b64encode(b'reader:hunter2@/').decode()}"}
    with pytest.raises(TransientError, match="is --flink its REST address") as away:
        Cluster(f"http://{secret}127.0.0.1:{free_port()}").slots()
    assert "hunter2" not in str(away.value)
    for address in ("http://reader:hunter2/@host:8081", "reader:hunter2@host:port", "ftp://reader:hunter2@host"):
        with pytest.raises(ConfigError, match="--flink: expected") as refused:
            Cluster(address)
        assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("address", ["jobserver", "jobserver:", ":", "host:port"])
def test_an_endpoint_is_host_and_port(address: str) -> None:
    with pytest.raises(ConfigError, match="expected HOST:PORT"):
        run_on_flink(ON_ELASTICSEARCH, Submission(address), print)
    with pytest.raises(ConfigError, match="--flink: expected"):
        Cluster("ftp://host")
