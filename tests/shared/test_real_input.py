"""Real input that stands beside the clone and is not part of it: the benchmarks over it that are quick enough for every run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"NOT TRIED ON REAL INPUT: {DATA} is not there"),
]


@pytest.mark.parametrize("name", ["seed", "captures"])
def test_real_input_is_read_as_it_should_be(name: str):
    """The benchmark ends with 0: the seed story fires with its sentence and pairs; no captured feed crashes or goes unexplained."""
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
