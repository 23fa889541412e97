"""What counting costs: a count, the timing of a call to the store, and reading the counts of a tick, against a tick that finds
nothing to do. Processor time, the best of several rounds. Prints one JSON line.

    python benchmarks/counting.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.config import Settings
from pipeline.jobs.local import tick_job
from pipeline.jobs.runner import LocalJob, counted
from pipeline.store.address import close_stores, store_at
from pipeline.store.beam import Step

CALLS = 5_000
JOBS = 50
MOST_OF_A_TICK = 0.02
MOST_OF_A_STORY_US = 10.0
"""A thousandth of what reading one of 550 words takes."""
COUNTS_A_STORY, CALLS_A_STORY = 5, 3
"""More than there are: calls are made for a batch."""


class Counting(Step):
    """Measures itself where steps run: the nanoseconds of a count, and what timing adds to a call of the store."""

    best: tuple[float, float] = (0.0, 0.0)

    def __init__(self, store: str, rounds: int) -> None:
        super().__init__(store)
        self.rounds = rounds

    def process(self, _start: object) -> Iterator[None]:
        bare = store_at(self.address)
        counts = min(spent_s(lambda: self.count("polls"), CALLS) for _ in range(self.rounds))
        plain = min(spent_s(lambda: bare.landing.finish(()), CALLS) for _ in range(self.rounds))
        timed = min(spent_s(lambda: self.store.landing.finish(()), CALLS) for _ in range(self.rounds))
        Counting.best = (counts * 1e9, (timed - plain) * 1e9)
        yield None


def spent_s(call: Callable[[], object], times: int) -> float:
    """Processor seconds of one of so many calls."""
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times


def tick_s(store: str, rounds: int) -> tuple[float, float]:
    """Processor seconds of a tick without work, and of these of reading what it counted."""
    job = tick_job(Settings.model_validate({"store": store, "processes": 1}), 1.0)
    job.run()
    result = FnApiRunner().run_via_runner_api(job._built, PipelineOptions([]))

    def read() -> None:
        result._metrics = None  # else Beam answers what it read before
        counted(result)

    return min(spent_s(job.run, JOBS) for _ in range(rounds)), min(spent_s(read, JOBS) for _ in range(rounds))


def main() -> int:
    """Print one JSON line; 1 where counting costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/store.db"
        LocalJob(
            lambda pipeline: pipeline | beam.Create(["start"], reshuffle=False) | beam.ParDo(Counting(store, options.rounds))
        ).run()
        tick, reading = tick_s(store, options.rounds)
        close_stores()
    count_ns, call_ns = Counting.best
    story_us = (COUNTS_A_STORY * count_ns + CALLS_A_STORY * call_ns) / 1000
    print(
        json.dumps(
            {
                "benchmark": "counting",
                "count_ns": round(count_ns),
                "timing_a_store_call_ns": round(call_ns),
                "a_story_us": round(story_us, 1),
                "counts_of_a_tick_ms": round(reading * 1e3, 2),
                "tick_without_work_ms": round(tick * 1e3, 1),
                "share_of_a_tick": round(reading / tick, 4),
                "wanted": {"share_of_a_tick": MOST_OF_A_TICK, "a_story_us": MOST_OF_A_STORY_US},
            }
        )
    )
    return 0 if reading / tick <= MOST_OF_A_TICK and story_us <= MOST_OF_A_STORY_US else 1


if __name__ == "__main__":
    sys.exit(main())
