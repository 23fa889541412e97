"""The service that the demo shows: the local loop, as `wirewatch run` runs it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from pipeline.config.loader import load


def local_service(path: Path, environment: Mapping[str, str], stop: threading.Event) -> None:
    """Run the configuration at `path` until `stop` is set. Raises ConfigError where it cannot be carried out."""
    # Beam takes seconds to import: only who runs the loop pays for it.
    from pipeline.jobs.local import LocalService

    LocalService(load(path, environment)).run(stop)
