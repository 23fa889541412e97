"""The local runner, named explicitly: Beam's default tries to download another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.errors import TransientError


@contextmanager
def local_pipeline() -> Iterator[beam.Pipeline]:
    """A pipeline that runs in this process when left. Raises `TransientError` where a step did."""
    # Without the empty list Beam reads this program's own command line.
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    yield pipeline
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:
        if cause := _transient(error):
            raise TransientError(str(cause)) from error
        raise


def _transient(error: BaseException | None) -> TransientError | None:
    """The `TransientError` that a step raised, wherever the runner has wrapped it."""
    while error is not None:
        if isinstance(error, TransientError):
            return error
        error = error.__cause__ or error.__context__
    return None
