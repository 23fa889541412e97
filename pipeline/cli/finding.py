"""Commands that look at what is kept: search, export."""

from __future__ import annotations

import shlex
import sys
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, JsonOption, log_quietly, settings_from, store_of
from pipeline.cli.tally import clean
from pipeline.errors import ConfigError


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
    query: Annotated[str, typer.Argument(help='Words that must all occur; "a phrase" in quotes, prefix* for a beginning.')] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    entity: Annotated[list[str] | None, typer.Option(help="A name or key; more than one: all.")] = None,
    pair: Annotated[list[str] | None, typer.Option(help='Two names with a + between: "Elon Musk+Vladimir Putin".')] = None,
    topic: Annotated[list[str] | None, typer.Option(help="A topic's name or code; more than one: any.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="A publisher's domain; more than one: any.")] = None,
    feed: Annotated[list[str] | None, typer.Option(help="A feed's URL; more than one: any.")] = None,
    event: Annotated[str | None, typer.Option(help="The stories of one event.")] = None,
    originals: Annotated[bool, typer.Option("--originals", help="Leave out near-verbatim copies.")] = False,
    since: Annotated[str | None, typer.Option(help="Published since: 7d, 12h, or a date.")] = None,
    until: Annotated[str | None, typer.Option(help="Published before: 7d, 12h, or a date.")] = None,
    relevant: Annotated[bool, typer.Option("--relevant", help="Best match first, instead of newest.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    after: Annotated[str | None, typer.Option(help="The `next` of the page before.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Search the stories, newest first."""
    from rich.console import Console

    from pipeline.cli.records import story_record
    from pipeline.cli.results import result
    from pipeline.clock import utc_now
    from pipeline.store.roles import SearchRequest

    log_quietly()
    now = utc_now()
    request = SearchRequest(
        words=_words(query),
        entities=tuple(entity or ()),
        pairs=tuple(_pair(text) for text in pair or ()),
        topics=tuple(topic or ()),
        sources=tuple(source or ()),
        feeds=tuple(feed or ()),
        events=(event,) if event else (),
        originals_only=originals,
        since=_moment(since, "--since", now),
        until=_moment(until, "--until", now),
        by_relevance=relevant,
        limit=limit,
        after=_place(after),
    )
    page = store_of(settings_from(config)).stories.search(request)
    if as_json:
        import orjson

        for found in page.found:
            sys.stdout.buffer.write(orjson.dumps(story_record(found.read) | {"snippet": found.snippet, "next": page.next}) + b"\n")
        return
    console = Console(highlight=False)
    for found in page.found:
        console.print(result(found))
    if not page.found:
        console.print("No story meets that.")
    if page.next:
        console.print(f"More: --after {page.next}", style="dim")


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
    except (PermissionError, IsADirectoryError, FileNotFoundError) as error:
        raise ConfigError(f"export: cannot write {output}: {error.strerror}") from None


def _words(query: str) -> tuple[str, ...]:
    """The words and quoted phrases of a query."""
    lexer = shlex.shlex(query, posix=True, punctuation_chars="")
    lexer.whitespace_split, lexer.quotes, lexer.commenters, lexer.escape = True, '"', "", ""
    try:
        return tuple(word for word in lexer if word)
    except ValueError:
        raise ConfigError(f'search: a quotation mark is not closed: {clean(query)}\nWrite phrases as "secret calls".') from None


def _pair(text: str) -> tuple[str, str]:
    names = [name.strip() for name in text.split("+")]
    if len(names) != 2 or not all(names):
        raise ConfigError(f'search: --pair takes two names with a + between, as in "Elon Musk+Vladimir Putin"; got {clean(text)}')
    return names[0], names[1]


def _moment(text: str | None, option: str, now: datetime) -> datetime | None:
    """A duration back from `now`, or a date."""
    from pipeline.config import parse_duration
    from pipeline.feeds.dates import read_date

    if text is None:
        return None
    try:
        back: timedelta = parse_duration(text)
        return now - back
    except (ValueError, OverflowError):
        pass
    if date := read_date(text):
        return date
    raise ConfigError(f"search: {option} takes a duration (7d, 12h, 30m) or a date (2026-01-31); got {clean(text)}")


def _place(after: str | None) -> str | None:
    if after is not None and not after.lstrip("-").isdigit():
        raise ConfigError(f"search: --after takes what the page before gave as next; got {clean(after)}")
    return after
