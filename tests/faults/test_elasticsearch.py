"""The store on Elasticsearch with things killed: what the benchmarks prove in minutes, in a smaller play."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import ON_ELASTICSEARCH

pytestmark = [*ON_ELASTICSEARCH, pytest.mark.slow, pytest.mark.timeout(600)]

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def played(name: str, *options: str) -> dict[str, Any]:
    """What a benchmark found, which must be all that it wants."""
    command = [sys.executable, str(BENCHMARKS / name), "--seed", "3", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=580, check=False, env={**os.environ, "PYTHONPATH": ""})
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.usefixtures("elasticsearch_url")  # where there is no server to be had, there is nothing to kill
def test_a_cluster_that_is_killed_stops_nothing_but_progress():
    """Away at the start, three times in between, and at the end: each story is there once, each alert is told under one id."""
    found = played("outage.py", "--stories", "60", "--kills", "3")
    assert (found["indexed_once"], found["alerts_told"]) == (60, 6)


def test_killed_claimers_agree_on_every_owner(elasticsearch_url: str):
    """Four that claim the same, through five generations, some of them begun by nobody who lived to finish it."""
    found = played("claims.py", "--fingerprints", "160", "--waves", "6", "--url", elasticsearch_url)
    assert found["disagreements"] == 0
    assert found["kills"] > 0
