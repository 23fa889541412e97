"""Runners that the chain is tried on, behind one face: a job is built once and run as often as wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.portable_runner import PortableRunner

from pipeline.errors import TransientError
from pipeline.jobs.runner import LocalJob, counted

Build = Callable[[beam.Pipeline], object]


class Job(Protocol):
    """What a runner makes of a chain."""

    def run(self) -> Counter[str]:
        """Run to the end and answer what was counted. Raises `TransientError` where a step did."""


class Runner(Protocol):
    """Where a chain runs."""

    def job(self, build: Build) -> Job: ...


class Local:
    """The runner of the service on one machine."""

    def job(self, build: Build) -> Job:
        return LocalJob(build)


class Portable:
    """A job server at `endpoint`; the steps run in this process, on threads of the runner, as in a worker of a cluster."""

    def __init__(self, endpoint: str) -> None:
        self._options = [f"--job_endpoint={endpoint}", "--environment_type=LOOPBACK", "--streaming", "--job_server_timeout=60"]

    def job(self, build: Build) -> Job:
        return _PortableJob(build, self._options)


class _PortableJob:
    def __init__(self, build: Build, options: list[str]) -> None:
        self._build = build
        self._options = options

    def run(self) -> Counter[str]:
        pipeline = beam.Pipeline(runner=PortableRunner(), options=PipelineOptions(self._options))
        self._build(pipeline)
        result = pipeline.run()
        try:
            result.wait_until_finish()
        except RuntimeError as error:
            if "TransientError" in str(error):
                raise TransientError(str(error)[-500:]) from error
            raise
        return counted(result)
