"""The live view as something rich can draw: a tally in, a renderable out. Pure.

Only the terminal's own sixteen colours, so that it reads on a dark and on a light ground. Texts go in as `Text`, never as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from heapq import nsmallest
from itertools import islice
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from pipeline.cli.tally import SeenAlert, SeenStory, Tally

_WIDE = 110
"""From this many columns on, stories and alerts stand beside each other."""
_HIGH = 30
_LOST_TO_WRAPPING = 10
_HEADER_ROWS = 5
_FOOTER_ROWS = 7
_COUNTERS = ("polls", "new", "updated", "duplicate", "entities", "pairs", "alerts", "delivered")
_STORY_SIGNS = {"new": ("+", "green"), "updated": ("~", "blue"), "duplicate": ("=", "cyan")}
"""What a story is marked with; the counters are its legend."""
_ALERT_STYLES = {"waiting": "dim", "delivered": "green", "retrying": "magenta", "dead": "bold red"}
_NAME_STYLE = "bold magenta"
_QUIET = "dim"

_Named = TypeVar("_Named", str, tuple[str, str])


def screen(tally: Tally, at_s: float, width: int, height: int) -> Layout:
    """The whole view, `at_s` seconds after the start, for a terminal of `width` columns and `height` rows."""
    layout = Layout()
    is_wide = width >= _WIDE
    layout.split_column(
        Layout(_header(tally, at_s), size=_HEADER_ROWS),
        body := Layout(ratio=1),
        footer := Layout(size=min(_FOOTER_ROWS, max(3, height // 5))),
    )
    rows = height - _HEADER_ROWS - _FOOTER_ROWS
    stories = Layout(_panel("stories", _stories(tally, rows), "blue"), ratio=5)
    alerts = Layout(_panel("alerts", _alerts(tally, _evidence_length(width, height, is_wide)), "magenta"), ratio=6)
    (body.split_row if is_wide else body.split_column)(stories, alerts)
    meetings = ((f"{a} – {b}", count) for (a, b), count in _most(tally.pairs.items()))
    footer.split_row(
        Layout(_panel("who with whom", _top(meetings), _QUIET), ratio=5),
        Layout(_panel("who and what", _top(_most(tally.entities.items())), _QUIET), ratio=6 if is_wide else 4),
    )
    return layout


def highlighted(text: str, names: Iterable[str]) -> Text:
    """`text` with every name in it set off, and each half of a name of two words: people are called by one."""
    marked = Text(text, overflow="ellipsis")
    if pattern := _name_pattern(frozenset(names)):
        marked.highlight_regex(pattern, _NAME_STYLE)
    return marked


@lru_cache(maxsize=64)
def _name_pattern(names: frozenset[str]) -> re.Pattern[str] | None:
    words = set(names)
    for name in names:
        halves = name.split()
        if len(halves) == 2:
            words.update(half for half in halves if half[:1].isupper())
    if not words:
        return None
    longest_first = sorted((word for word in words if word), key=lambda word: (-len(word), word))
    return re.compile(r"\b(?:" + "|".join(re.escape(word) for word in longest_first) + r")\b")


def _panel(title: str, content: RenderableType, style: str) -> Panel:
    return Panel(content, title=Text(title, style="bold"), title_align="left", border_style=style, padding=(0, 1))


def _header(tally: Tally, at_s: float) -> RenderableType:
    counters = Table.grid(expand=True, padding=(0, 1))
    for _ in _COUNTERS:
        counters.add_column(justify="center", no_wrap=True)
    counters.add_row(*(_counter(name, tally.counts[name]) for name in _COUNTERS))
    counters.add_row(*(_counter_label(name) for name in _COUNTERS))
    title = Text.assemble(("wirewatch", "bold"), f"  {_clock(at_s)}")
    return Group(Rule(title, style="blue"), counters, _status(tally, at_s), Rule(style="blue"))


def _counter(name: str, count: int) -> Text:
    if not count:
        return Text("0", style=_QUIET)
    return Text(f"{count:,}", style={"alerts": "bold magenta", "delivered": "bold green"}.get(name, "bold"))


def _counter_label(name: str) -> Text:
    if name not in _STORY_SIGNS:
        return Text(name, style=_QUIET)
    sign, style = _STORY_SIGNS[name]
    return Text.assemble((sign, style), (f" {name}", _QUIET))


def _clock(at_s: float) -> str:
    minutes, seconds = divmod(int(at_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _status(tally: Tally, at_s: float) -> Text:
    """Rates, and what is not well, in one line."""
    parts = [Text(f"{tally.polls_per_s(at_s):.1f} polls/s"), Text(f"{tally.stories_per_min(at_s):.0f} stories/min")]
    if tally.last_tick_ms is not None:
        parts.append(Text(f"tick {tally.last_tick_ms:.0f} ms"))
    ills = (f"{name} {count}" for name in ("dead letters", "failed polls", "dead deliveries") if (count := tally.counts[name]))
    parts.extend(Text(ill, style="red") for ill in ills)
    if tally.troubles:
        feed, error = next(reversed(tally.troubles.items()))
        parts.append(Text(f"{feed}: {error}", style="red"))
    line = Text(" · ", style=_QUIET).join(parts)
    line.no_wrap, line.overflow, line.justify = True, "ellipsis", "center"
    return line


def _stories(tally: Tally, rows: int) -> RenderableType:
    if not tally.stories:
        return Text("none yet", style=_QUIET)
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, width=1)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for story in islice(reversed(tally.stories), max(1, rows)):
        sign, style = _STORY_SIGNS[story.state]
        table.add_row(Text(sign, style=style), Text(story.title), Text(_origin(story), style=_QUIET))
    return table


def _origin(story: SeenStory) -> str:
    return f"{story.source} = {story.original}" if story.original else story.source


def _evidence_length(width: int, height: int, is_wide: bool) -> int:
    """How many code points of evidence are shown: three lines on a high screen, else two."""
    columns = (width * 6 // 11 if is_wide else width) - 8
    lines = 3 if height >= _HIGH else 2
    return max(20, lines * columns - _LOST_TO_WRAPPING)


def _alerts(tally: Tally, longest: int) -> RenderableType:
    if not tally.alerts:
        return Text("none yet", style=_QUIET)
    names = [name for name, _ in _most(tally.entities.items(), 500)]
    return Group(*(line for alert in reversed(tally.alerts.values()) for line in _alert(alert, names, longest)))


def _alert(alert: SeenAlert, names: list[str], longest: int) -> Iterator[RenderableType]:
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    head.add_column(no_wrap=True, justify="right")
    state = alert.state if alert.attempts < 2 else f"{alert.state}, {alert.attempts} attempts"
    head.add_row(
        Text.assemble((alert.watch, "bold"), ("  " + alert.source, _QUIET)),
        Text(state, style=_ALERT_STYLES[alert.state]),
    )
    yield head
    evidence = alert.evidence or alert.title
    shown = evidence if len(evidence) <= longest else evidence[: longest - 1] + "…"
    if shown:
        yield Padding(highlighted(f"“{shown}”", alert.names or names), (0, 0, 0, 2))


def _top(ranked: Iterable[tuple[str, int]]) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for name, count in ranked:
        table.add_row(Text(name), Text(f"{count:,}", style=_QUIET))
    return table if table.row_count else Text("none yet", style=_QUIET)


def _most(counted: Iterable[tuple[_Named, int]], limit: int = _FOOTER_ROWS) -> list[tuple[_Named, int]]:
    """The most frequent, then by name; those counted down to nothing are gone."""
    return nsmallest(limit, (entry for entry in counted if entry[1] > 0), key=lambda entry: (-entry[1], str(entry[0])))
