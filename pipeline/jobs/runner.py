"""The local runner, named explicitly (Beam's default tries to download another), and what any runner's job has counted."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable

import apache_beam as beam
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineResult
from apache_beam.transforms.environments import EmbeddedPythonEnvironment

from pipeline.errors import TransientError
from pipeline.store.beam import COUNTERS


class LocalJob:
    """A bounded job in this process, built once and run as often as wanted.

    Building takes Beam three times as long as running a job that finds nothing to do (75 and 22 ms). What the steps carry is copied
    when the job is built: state that is to last is kept elsewhere.
    """

    def __init__(self, build: Callable[[beam.Pipeline], object]) -> None:
        # Without the empty list Beam reads this program's own command line.
        self._options = PipelineOptions([])
        pipeline = beam.Pipeline(runner=FnApiRunner(), options=self._options)
        try:
            build(pipeline)
            self._built = pipeline.to_runner_api(default_environment=EmbeddedPythonEnvironment.default())
        finally:
            # Beam makes a folder for each pipeline and removes it when that runs, which this one never does by itself.
            shutil.rmtree(pipeline.local_tempdir, ignore_errors=True)

    def run(self) -> Counter[str]:
        """Run to the end, and answer what this run counted. Raises `TransientError` where a step did; what it counted is lost."""
        try:
            result = FnApiRunner().run_via_runner_api(self._built, self._options)
            result.wait_until_finish()
            return counted(result)
        except Exception as error:
            if cause := _transient(error):
                raise TransientError(str(cause)) from error
            raise


def counted(result: PipelineResult) -> Counter[str]:
    """What a job's steps have counted so far (`pipeline.store.beam` says what), by name, on any runner that has Beam's metrics."""
    found = result.metrics().query(MetricsFilter().with_namespace(COUNTERS))
    counts: Counter[str] = Counter()
    for each in found["counters"]:
        counts[each.key.metric.name] += each.attempted or each.committed or 0
    return counts


def _transient(error: BaseException | None) -> TransientError | None:
    """The `TransientError` that a step raised, wherever the runner has wrapped it."""
    while error is not None:
        if isinstance(error, TransientError):
            return error
        error = error.__cause__ or error.__context__
    return None
