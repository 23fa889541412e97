"""Commands that look at what is kept: search, export."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, JsonOption, log_quietly, settings_from, store_of
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.config import Settings


class What(StrEnum):
    """What can be exported."""

    STORIES = "stories"
    EVENTS = "events"
    HITS = "hits"
    ALERTS = "alerts"
    FEEDS = "feeds"


class Format(StrEnum):
    """How."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    app.command()(search)
    app.command()(export)


def search(
    query: Annotated[
        str,
        typer.Argument(help='As in Lucene: words "a phrase" begin* simil~ AND OR NOT () entity:"Elon Musk" topic:economy since:7d'),
    ] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    relevant: Annotated[bool, typer.Option("--relevant", help="Best match first, instead of newest; one page.")] = False,
    expand: Annotated[bool, typer.Option("--expand", help="Every story, instead of one line an event.")] = False,
    facets: Annotated[bool, typer.Option("--facets", help="Who and what the stories found are about, instead of them.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Lines on a page; of facets, of each kind.")] = 20,
    after: Annotated[str | None, typer.Option(help="The `next` of the page before.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Search the stories, newest first, one line an event (docs/search.md)."""
    from pipeline.cli import results
    from pipeline.clock import utc_now
    from pipeline.search.folding import best_lines, each_story, lines
    from pipeline.search.language import query_of

    log_quietly()
    if relevant and after is not None:
        raise ConfigError("search: --relevant has one page and no --after; ask for more with --limit")
    settings = settings_from(config)
    asked = query_of(query, utc_now(), keys_by_alias(settings))
    stories = store_of(settings).stories
    if facets:
        results.show_facets(stories.facets(asked, limit), as_json=as_json)
    elif expand:
        results.show(each_story(stories, asked, limit, after, by_relevance=relevant), as_json=as_json)
    elif relevant:
        results.show(best_lines(stories, asked, limit), as_json=as_json)
    else:
        results.show(lines(stories, asked, limit, after), as_json=as_json)


def keys_by_alias(settings: Settings) -> dict[str, str]:
    """The keys of configured entities by their aliases as a search compares them; an alias of two is nobody's."""
    from pipeline.store.words import name

    found: dict[str, set[str]] = {}
    for key, entity in settings.entities.items():
        for alias in entity.aliases:
            found.setdefault(name(alias), set()).add(key)
    return {alias: keys.pop() for alias, keys in found.items() if len(keys) == 1}


def export(
    what: Annotated[What, typer.Argument()],
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    form: Annotated[
        Format, typer.Option("--format", help="jsonl keeps everything; csv and parquet hold lists as JSON text.")
    ] = Format.JSONL,
    full: Annotated[
        bool, typer.Option("--full", help="Stories with text, mentions, entities, pairs, topics and key phrases.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; standard output where nothing is said.")] = None,
) -> None:
    """Write everything kept of a kind, a record a line."""
    from pipeline.cli.records import COLUMNS, records, write

    log_quietly()
    store = store_of(settings_from(config))
    found = records(store, what.value, full=full)
    try:
        if output is None:
            write(found, form.value, sys.stdout.buffer, COLUMNS[what.value, full])
        else:
            with output.open("wb") as file:
                write(found, form.value, file, COLUMNS[what.value, full])
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigError(f"export: cannot write {output or 'standard output'}: {error.strerror}") from None
