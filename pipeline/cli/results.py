"""A search result on a terminal. Titles and texts are hostile: nothing in them is markup."""

from __future__ import annotations

from rich.text import Text

from pipeline.cli.tally import clean
from pipeline.store.roles import Found

_MOST_ENTITIES = 6


def result(found: Found) -> Text:
    """Title, where from and when, the words that matched, and who is in it."""
    story, reading = found.read.story, found.read.reading
    lines = Text(clean(story.title, 300) or "(no title)", style="bold")
    lines.append(f"\n{clean(story.source)} · {story.published_at:%Y-%m-%d %H:%M} UTC", style="dim")
    if story.duplicate_of:
        lines.append(" · copy", style="dim")
    if len(story.versions) > 1:
        lines.append(f" · {len(story.versions)} versions", style="dim")
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
