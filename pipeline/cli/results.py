"""What a search found, on a terminal or as JSON lines. Titles and texts are hostile: nothing in them is markup."""

from __future__ import annotations

import sys

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.cli.records import story_record
from pipeline.cli.tally import clean
from pipeline.search.folding import Line, Lines
from pipeline.store.search import Facets

_MOST_ENTITIES = 6


def show(page: Lines, *, as_json: bool) -> None:
    """Print a page of results."""
    if as_json:
        for line in page.lines:
            record = story_record(line.best.read) | {
                "snippet": line.best.snippet, "event_stories": line.stories, "place": line.best.place, "next": page.next,
            }  # fmt: skip
            sys.stdout.buffer.write(orjson.dumps(record) + b"\n")
        return
    console = Console(highlight=False)
    for line in page.lines:
        console.print(result(line))
    if not page.lines:
        console.print("No story meets that.")
    if page.next:
        console.print(f"More: --after {page.next}", style="dim")


def show_facets(facets: Facets, *, as_json: bool) -> None:
    """Print what the stories of a search are about."""
    kinds = ("entities", "pairs", "topics", "sources", "days")
    if as_json:
        record: dict[str, object] = {"stories": facets.stories, "is_whole": facets.is_whole}
        record |= {kind: {count.name: count.stories for count in getattr(facets, kind)} for kind in kinds}
        sys.stdout.buffer.write(orjson.dumps(record) + b"\n")
        return
    console = Console(highlight=False)
    counted = "" if facets.is_whole else " (the newest; there are more, and the counts are of these)"
    console.print(f"{facets.stories:,} stories{counted}")
    for kind in kinds:
        if counts := getattr(facets, kind):
            table = Table("", kind, box=None, pad_edge=False, header_style="bold")
            for count in counts:
                table.add_row(f"{count.stories:>9,}", Text(clean(count.name, 100)))
            console.print(table)


def result(line: Line) -> Text:
    """Title, where from and when, the words that matched, and who is in it."""
    found = line.best
    story, reading = found.read.story, found.read.reading
    lines = Text(clean(story.title, 300) or "(no title)", style="bold")
    lines.append(f"\n{clean(story.source)} · {story.published_at:%Y-%m-%d %H:%M} UTC", style="dim")
    if story.duplicate_of:
        lines.append(" · copy", style="dim")
    if len(story.versions) > 1:
        lines.append(f" · {len(story.versions)} versions", style="dim")
    if line.stories > 1:
        lines.append(f" · {line.stories} stories: event:{story.event_id}", style="dim")
    if story.url:
        lines.append(f" · {clean(story.url, 300)}", style="dim")
    if found.snippet:
        lines.append("\n").append_text(_marked(found.snippet))
    if reading.entities:
        lines.append("\n" + ", ".join(clean(entity.name, 60) for entity in reading.entities[:_MOST_ENTITIES]), style="cyan")
    return lines.append("\n")


def _marked(snippet: str) -> Text:
    text = Text()
    for n, part in enumerate(snippet.replace("\ue001", "\ue000").split("\ue000")):
        text.append(_line(part), style="bold yellow" if n % 2 else "")
    return text


def _line(part: str) -> str:
    """A part of a snippet, cleaned, the blanks at its ends kept."""
    return " " * part.startswith(" ") + clean(part, 400) + " " * (part.endswith(" ") and len(part) > 1)
