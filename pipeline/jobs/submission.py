"""How a job is submitted to a cluster, and what that comes to in Beam's options."""

from __future__ import annotations

from argparse import ArgumentError, ArgumentParser
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import grpc
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipeline.errors import ConfigError, TransientError
from pipeline.jobs.engine import Engine

_ANSWERED_WITHIN_S = 20.0
_BUNDLE_MS = 100
_CHECKPOINT_MS = 10_000
_RETRIES = 20
"""Of a bounded job, each after a rest of five seconds, and from its start: what is done already it finds in the store."""
_OF_TYPE: Mapping[int, Mapping[str, Any]] = {
    beam_job_api_pb2.PipelineOptionType.BOOLEAN: {"action": "store_true"},
    beam_job_api_pb2.PipelineOptionType.INTEGER: {"type": int},
}
"""How Beam takes the job server's options."""


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


def unbounded(submission: Submission, engine: Engine, savepoint: str | None) -> list[str]:
    """Beam's options for the service."""
    folder = submission.checkpoints
    return _options(
        submission,
        engine,
        "--streaming",
        f"--max_bundle_time_mills={_BUNDLE_MS}",
        f"--checkpointing_interval={_CHECKPOINT_MS}",
        *(("--state_backend=filesystem", f"--state_backend_storage_path={folder}") if folder else ()),
        # A step that is new has no state in the savepoint, one that is gone has some: neither keeps what must last there.
        *((f"--savepoint_path={savepoint}", "--allow_non_restored_state") if savepoint else ()),
    )


def bounded(submission: Submission, engine: Engine) -> list[str]:
    """Beam's options for a job that ends."""
    return _options(submission, engine, f"--number_of_execution_retries={_RETRIES}", "--execution_retry_delay=5000")


def _options(submission: Submission, engine: Engine, *ours: str) -> list[str]:
    """Beam's options: ours, then the user's, which count."""
    return [
        "--runner=PortableRunner",
        f"--job_name={submission.name}",
        f"--job_endpoint={submission.job_endpoint}",
        f"--parallelism={engine.slots}",
        *ours,
        *submission.options,
    ]


def checkpointed_every_s(submission: Submission) -> float | None:
    """None where the user switched checkpoints off."""
    every_ms = number(submission.options, "checkpointing_interval", _CHECKPOINT_MS)
    return every_ms / 1000 if every_ms > 0 else None


def refuse_unknown(submission: Submission) -> None:
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
        raise ConfigError(f"--runner flink: {error}") from None
    if unknown:
        # What has no dash may be the value of what has.
        named = [option.partition("=")[0] for option in unknown if option.startswith("--")] or unknown
        raise ConfigError(f"--runner flink: neither Wirewatch nor Beam nor its job server knows {', '.join(named)}")


def _option(options: Sequence[str], name: str) -> str | None:
    """The value of one of Beam's options, written `--name=value` or `--name value`; the last counts."""
    found = None
    for at, option in enumerate(options):
        key, has_value, value = option.partition("=")
        if key.replace("-", "_") == f"__{name}":
            found = value if has_value else next(iter(options[at + 1 :]), None)
    return found


def number(options: Sequence[str], name: str, otherwise: int) -> int:
    """An option's value. Raises `ConfigError` where that is none."""
    given = _option(options, name)
    try:
        return otherwise if given is None else int(given)
    except ValueError:
        raise ConfigError(f"--{name}: expected a whole number, not {given!r}") from None
