"""Every runner that can be had here, so that one suite holds the chain to its promises on each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.runners import Local, Portable, Runner
from tests.servers.machine import UnavailableError
from tests.servers.prism import Prism

ON_PRISM = [pytest.mark.slow, pytest.mark.enable_socket, pytest.mark.xdist_group("prism"), pytest.mark.timeout(600)]
"""All in one process, which starts the server; a job takes a second, and many where the machine is busy."""


@pytest.fixture(scope="session")
def prism() -> Iterator[str]:
    """The address of a Prism of this process."""
    with tempfile.TemporaryDirectory(prefix="wirewatch-prism-") as folder:
        try:
            with Prism(Path(folder, "log")) as server:
                yield server.endpoint
        except UnavailableError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"NO PRISM HERE, so the chain was not tried on it: {error}")


@pytest.fixture(params=["local", pytest.param("prism", marks=ON_PRISM)])
def runner(request: pytest.FixtureRequest) -> Runner:
    if request.param == "local":
        return Local()
    return Portable(request.getfixturevalue("prism"))
