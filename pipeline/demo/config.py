"""The demo's configuration as an analyst would write it: a file for the service, which includes a watchlist."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import yaml

SECRET_VARIABLE = "WIREWATCH_DEMO_SECRET"  # noqa: S105 - the name of the variable, not what is in it


def write_configuration(directory: Path, feeds: Sequence[tuple[str, str]], webhook_url: str, *, every: str = "1s") -> Path:
    """Write `wirewatch.yaml` and the watchlist that it includes into `directory`; answers the former's path.

    `feeds` are URLs with names, polled `every` so often. The store is a SQLite file in `directory`. The webhook's secret is
    referred to as the environment's `SECRET_VARIABLE`.
    """
    watchlist = files("pipeline.demo").joinpath("watchlist.yaml").read_text(encoding="utf-8")
    (directory / "watchlist.yaml").write_text(watchlist, encoding="utf-8")
    path = directory / "wirewatch.yaml"
    with path.open("w", encoding="utf-8") as file:
        yaml.safe_dump(
            {
                "store": f"sqlite:///{directory / 'wirewatch.db'}",
                "include": "watchlist.yaml",
                "feeds": [{"url": url, "name": name, "every": every} for url, name in feeds],
                "webhooks": {"desk": {"url": webhook_url, "secret": f"${{{SECRET_VARIABLE}}}"}},
            },
            file,
            sort_keys=False,
        )
    return path
