"""Commands about feeds: list, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.session import DEFAULT_CONFIG, ConfigOption, JsonOption, log_quietly, settings_from, store_of
from pipeline.cli.tally import clean
from pipeline.errors import ConfigError

feeds = typer.Typer(no_args_is_help=True, help="Feeds and their health: list, check.")


def register(app: typer.Typer) -> None:
    app.add_typer(feeds, name="feeds")


@feeds.command("list")
def list_feeds(config: ConfigOption = DEFAULT_CONFIG, *, as_json: JsonOption = False) -> None:
    """Every feed: when it last answered, what it brought, and what is wrong with it."""
    import orjson
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pipeline.cli.records import feed_record
    from pipeline.config.problems import without_user_info

    log_quietly()
    settings = settings_from(config)
    states = {state.url: feed_record(state) for state in store_of(settings).feeds.states()}
    found = [{"name": feed.name} | states.get(feed.url, {"url": without_user_info(feed.url)}) for feed in settings.feeds]
    if as_json:
        for record in found:
            print(orjson.dumps(record).decode())
        return
    table = Table("feed", "last success (UTC)", "items", "failures", "why", box=None)
    for record in found:
        success = record.get("last_success_at")
        table.add_row(
            Text(clean(record["name"], 40)),
            f"{success:%Y-%m-%d %H:%M}" if success else "never",
            str(record.get("items", 0)),
            str(record.get("failures", 0)),
            Text(clean(record.get("error") or "", 120)),
        )
    Console().print(table if found else "No feeds are configured: add some under feeds:")


@feeds.command()
def check(
    url: Annotated[str, typer.Argument(help="The feed's address.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Fetch as this configuration's polling says.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Fetch a feed once, and say what is in it and what is odd about it. Nothing is kept."""
    import asyncio
    import random
    from datetime import timedelta

    import orjson

    from pipeline.clock import utc_now
    from pipeline.config import PollingSettings
    from pipeline.config.problems import without_user_info
    from pipeline.feeds.fetch import Fetched, Fetcher
    from pipeline.feeds.poll import outcome
    from pipeline.model import FeedState

    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"feeds check: {clean(url, 300)} is no address that is polled: it begins with http:// or https://")
    log_quietly()
    limits = settings_from(config).polling if config else PollingSettings()
    now = utc_now()
    state = FeedState(url, now)

    async def fetch() -> Fetched:
        async with Fetcher(limits.timeout.total_seconds(), int(limits.max_body), 1, limits.user_agent) as fetcher:
            return await fetcher.fetch(state)

    poll = outcome(state, asyncio.run(fetch()), feed_url=url, every=timedelta(minutes=5), now=now, rng=random.Random(0))  # noqa: S311
    items = [version.item for version in poll.versions]
    if as_json:
        print(
            orjson.dumps(
                {
                    "url": without_user_info(url),
                    "status": poll.status,
                    "error": poll.state.error,
                    "items": len(items),
                    "notes": poll.notes,
                    "titles": [item.title for item in items[:10]],
                }
            ).decode()
        )
    elif poll.state.error:
        print(f"{clean(url, 300)}: {clean(poll.state.error, 500)}")
    else:
        print(f"{clean(url, 300)}: HTTP {poll.status}, {len(items)} items, {poll.duration_s:.1f} s")
        for item in items[:5]:
            print(f"  {item.published_at or 'no date'}  {clean(item.title, 120)}")
    for note in poll.notes if not as_json else ():
        print(f"  note: {clean(note, 300)}")
    raise typer.Exit(1 if poll.state.error else 0)
