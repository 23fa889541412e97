"""The command that shows who turns up with whom more than was to be expected: pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, JsonOption, log_quietly, settings_from, store_of
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from datetime import timedelta

    from pipeline.language.remarkable import Remarkable

_COUNTED = 5_000
"""Names and pairs of the window that are counted: the rest are in a story or two."""


def register(app: typer.Typer) -> None:
    app.command()(pairs)


def pairs(
    query: Annotated[str, typer.Argument(help="Only pairs of the stories that this finds (docs/search.md).")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    *,
    since: Annotated[str, typer.Option(help="The window of stories that are compared.")] = "30d",
    recent: Annotated[str, typer.Option(help="Its latest part, whose pairs are shown.")] = "3d",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Pairs that are new or rising: who turns up with whom more often than was to be expected, the most remarkable first."""
    import orjson

    from pipeline.cli.finding import keys_by_alias
    from pipeline.clock import utc_now
    from pipeline.language.remarkable import remarkable
    from pipeline.search.language import query_of
    from pipeline.store.query import All, Published

    log_quietly()
    window, latest = _duration(since, "since"), _duration(recent, "recent")
    if latest >= window:
        raise ConfigError(f"pairs: --recent {recent} must be shorter than --since {since}, of which it is the latest part")
    settings, now = settings_from(config), utc_now()
    asked = query_of(query, now, keys_by_alias(settings))
    stories = store_of(settings).stories
    recently = Published(now - latest, None)
    among = {count.name for count in stories.facets(All((asked, recently)), _COUNTED).pairs} if query.strip() else None
    counted = stories.facets(recently, _COUNTED), stories.facets(Published(now - window, None), _COUNTED)
    for pair in remarkable(*counted, among)[:limit]:
        print(orjson.dumps(pair._asdict() | {"is_new": pair.is_new}).decode() if as_json else _line(pair))


def _line(pair: Remarkable) -> str:
    from pipeline.cli.tally import clean

    tells = "new" if pair.is_new else f"{pair.before:,} before"
    return (
        f"{pair.score:8.1f}  {clean(pair.a, 60)} – {clean(pair.b, 60)}: "
        f"{pair.stories:,} stories, {pair.expected:g} expected, {tells}"
    )


def _duration(text: str, option: str) -> timedelta:
    from pipeline.config import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"pairs: --{option}: {error} (got {text!r})") from None
