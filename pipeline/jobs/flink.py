"""The service as a job on a Flink cluster: submitted through Beam's job server, looked after through Flink's REST API."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.jobs.engine import Engine, Service
from pipeline.store.address import address_of, store_at

_DEFAULTS = (
    "--runner=PortableRunner",
    "--streaming",
    "--max_bundle_time_mills=100",
    "--checkpointing_interval=10000",
)


def submit(settings: Settings, name: str, job_endpoint: str, options: Sequence[str], clock: Clock = utc_now) -> str:
    """Submit; answers the id that the job server gave."""
    store_at(address_of(settings)).feeds.subscribe([feed.url for feed in settings.feeds], clock())
    given = PipelineOptions([*_DEFAULTS, f"--job_name={name}", f"--job_endpoint={job_endpoint}", *options])
    pipeline = beam.Pipeline(options=given)
    pipeline | Service(settings, Engine(slots=1, processes=1), clock)
    result = pipeline.run()
    return str(result._job_id)
