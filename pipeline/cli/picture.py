"""The README's picture: the live view at the end of a recorded play of the demo, as SVG.

    python -m pipeline.cli.picture docs/images/demo.svg play.jsonl

A `Recorder` before the view in structlog's chain keeps the events, `write_events` writes them down.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from pipeline.cli.screen import screen
from pipeline.cli.tally import Tally

_COLUMNS = 120
_ROWS = 38


class Told(NamedTuple):
    """An event of the log, and how many seconds after the start it was told."""

    at_s: float
    event: dict[str, Any]


class Recorder:
    """A processor of structlog's chain that keeps what passes, from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_at = clock()
        self._lock = threading.Lock()
        self.told: list[Told] = []

    def __call__(self, _logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Keep a copy of an event and let it pass."""
        with self._lock:
            self.told.append(Told(round(self._clock() - self._started_at, 3), {"level": method, **event}))
        return event


def picture(told: Iterable[Told]) -> str:
    """The live view after all of `told`, as SVG that loads nothing from elsewhere."""
    tally = Tally()
    at_s = 0.0
    for at_s, event in told:
        tally.take(event, at_s)
    console = Console(record=True, width=_COLUMNS, height=_ROWS, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(screen(tally, at_s, _COLUMNS, _ROWS), height=_ROWS)
    return _without_foreign_fonts(console.export_svg(title="wirewatch demo", unique_id="wirewatch"))


def _without_foreign_fonts(svg: str) -> str:
    """rich's frame fetches its font from somebody else's host; the reader's own monospace does as well."""
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def read_events(path: Path) -> list[Told]:
    """What `write_events` wrote: a line an event."""
    return [Told(*json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def write_events(path: Path, told: Iterable[Told]) -> None:
    """Write a line of JSON an event."""
    path.write_text("".join(json.dumps(entry, default=str) + "\n" for entry in told), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the picture that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.cli.picture", description="Draws the live view of a play as SVG.")
    parser.add_argument("svg", type=Path, help="where the picture goes")
    parser.add_argument("events", type=Path, help="the recorded play")
    options = parser.parse_args(arguments)
    options.svg.parent.mkdir(parents=True, exist_ok=True)
    options.svg.write_text(picture(read_events(options.events)), encoding="utf-8")


if __name__ == "__main__":
    main()
