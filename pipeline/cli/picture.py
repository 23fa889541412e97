"""The README's picture: the live view after a play of the demo, as SVG.

python -m pipeline.cli.picture docs/images/demo.svg                      plays the demo, which takes a minute, and draws its end
python -m pipeline.cli.picture docs/images/demo.svg --events play.jsonl  the same, from what `--record play.jsonl` wrote
"""

from __future__ import annotations

import argparse
import io
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import structlog
from rich.console import Console

from pipeline.cli.screen import screen
from pipeline.cli.tally import Tally
from pipeline.demo.play import play

_COLUMNS = 120
_ROWS = 38


class Told(NamedTuple):
    """An event of the log, and how many seconds after the start it was told."""

    at_s: float
    event: dict[str, Any]


class Recorder:
    """The last processor of structlog's chain: keeps what it is told, from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_at = clock()
        self._lock = threading.Lock()
        self.told: list[Told] = []

    def __call__(self, _logger: object, method: str, event: MutableMapping[str, Any]) -> NoReturn:
        """Take an event out of structlog's chain."""
        with self._lock:
            self.told.append(Told(round(self._clock() - self._started_at, 3), {"level": method, **event}))
        raise structlog.DropEvent


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


def _play() -> list[Told]:
    recorder = Recorder()
    structlog.configure(processors=[recorder])
    with tempfile.TemporaryDirectory(prefix="wirewatch-") as directory:
        play(Path(directory), now=datetime.now(UTC))
    return recorder.told


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the picture that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.cli.picture", description="Draws the live view of the demo as SVG.")
    parser.add_argument("svg", type=Path, help="where the picture goes")
    parser.add_argument("--events", type=Path, help="a recorded play to draw; without it the demo is played")
    parser.add_argument("--record", type=Path, help="where to keep the play's events")
    options = parser.parse_args(arguments)
    told = read_events(options.events) if options.events else _play()
    if options.record:
        write_events(options.record, told)
    options.svg.parent.mkdir(parents=True, exist_ok=True)
    options.svg.write_text(picture(told), encoding="utf-8")


if __name__ == "__main__":
    main()
