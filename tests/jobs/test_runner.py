"""Jobs in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TWO_JOBS = """
import apache_beam as beam
from pipeline.jobs.runner import LocalJob
job = LocalJob(lambda pipeline: pipeline | beam.Create(["tick"], reshuffle=False) | beam.Map(print))
job.run()
job.run()
"""


def test_jobs_leave_no_folder_behind(tmp_path: Path):
    """Beam makes one for each pipeline: a service would fill the disk's index with empty ones."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", TWO_JOBS], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["tick", "tick"]
    assert list(tmp_path.iterdir()) == []
