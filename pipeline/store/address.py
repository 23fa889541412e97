"""From a store's address to the store: one for each address in a process, shared by all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.config import ElasticsearchSettings, Settings
from pipeline.config.problems import without_user_info
from pipeline.errors import ConfigError, TransientError
from pipeline.store.roles import Store

if TYPE_CHECKING:
    from pipeline.store.elasticsearch.client import Access

_SQLITE = "sqlite:///"
_TRIED_AGAIN_S = 1.0
_lock = threading.Lock()


class StoreAddress(NamedTuple):
    """Where a store is, and what lets us in: all that a step needs to open it wherever it runs. Secrets stay out of `repr`."""

    url: str
    """`sqlite:///PATH`, relative to the current folder, or an Elasticsearch's URL."""
    api_key: str = ""
    ca_file: str = ""
    cloud_id: str = ""
    index_prefix: str = "wirewatch"
    timeout_s: float = 30.0
    ilm_policy: str = ""

    def __repr__(self) -> str:
        return f"StoreAddress({self.url.rpartition('@')[2]!r})"


_open: dict[StoreAddress, Store] = {}


def address_of(settings: Settings) -> StoreAddress:
    """The address of the store that `settings` name. Raises `ConfigError` where they contradict each other."""
    given = settings.elasticsearch
    if settings.store.startswith(_SQLITE):
        if given.api_key or given.ca_file or given.cloud_id:
            raise ConfigError(f"elasticsearch: it says how to reach a cluster, and store is {settings.store}; set store to its URL")
        return StoreAddress(settings.store)
    if (settings.store == "elasticsearch") != bool(given.cloud_id):
        raise ConfigError("store: give the cluster's URL, or `store: elasticsearch` and elasticsearch: {cloud_id: …}")
    return _cluster_address(settings.store, given)


def address_at(store: str, given: ElasticsearchSettings) -> StoreAddress:
    """The address of any store, written as `store:` has it; a cluster is reached as `given` says. Raises `ConfigError`."""
    if store.startswith(_SQLITE) and store != _SQLITE:
        return StoreAddress(store)
    if not store.startswith(("http://", "https://")) and (store != "elasticsearch" or not given.cloud_id):
        raise ConfigError(
            f"expected sqlite:///PATH or the http(s):// URL of an Elasticsearch (got {without_user_info(store)[:200]!r})"
        )
    return _cluster_address(store, given if store == "elasticsearch" else given.model_copy(update={"cloud_id": None}))


def is_there(address: StoreAddress) -> bool:
    """Whether the file of a database exists; a cluster is taken to."""
    return not address.url.startswith(_SQLITE) or _path(address).exists()


def _cluster_address(store: str, given: ElasticsearchSettings) -> StoreAddress:
    return StoreAddress(
        store,
        given.api_key.get_secret_value() if given.api_key else "",
        given.ca_file or "",
        given.cloud_id or "",
        given.index_prefix,
        given.timeout.total_seconds(),
        given.ilm_policy or "",
    )


def store_at(address: StoreAddress | str, within_s: float = 0.0) -> Store:
    """The store at `address` (or its URL, where that says it all), opened once.

    Raises `ConfigError` where it cannot be opened, `TransientError` where it is away, and still is after `within_s`.
    """
    wanted = StoreAddress(address) if isinstance(address, str) else address
    ends_at = time.monotonic() + within_s
    with _lock:
        while wanted not in _open:
            try:
                _open[wanted] = _opened(wanted)
            except TransientError:
                if time.monotonic() >= ends_at:
                    raise
                time.sleep(_TRIED_AGAIN_S)
        return _open[wanted]


def keep_open(address: StoreAddress | str, store: Store) -> None:
    """Let `store` be the one at `address` in this process, until the stores are closed: for stores that are opened elsewhere."""
    with _lock:
        _open[StoreAddress(address) if isinstance(address, str) else address] = store


def migrate_at(address: StoreAddress, progress: Callable[[int, int], None]) -> int:
    """Bring the store at `address` to this version's form; answers how many stories were indexed again.

    `progress` hears how many are done, and of how many. Raises as `store_at` does.
    """
    if address.url.startswith(_SQLITE):
        from pipeline.store.sqlite.migrate import migrate

        return migrate(_path(address), progress)
    from pipeline.store.elasticsearch.migrate import migrate as migrate_cluster

    return migrate_cluster(_access(address), address.index_prefix, progress)


def close_stores() -> None:
    """Close every store that this process opened."""
    with _lock:
        for store in _open.values():
            store.close()
        _open.clear()


def _opened(address: StoreAddress) -> Store:
    if address.url.startswith(_SQLITE):
        from pipeline.store.sqlite.store import SqliteStore

        return SqliteStore(_path(address))
    from pipeline.store.elasticsearch.store import ElasticsearchStore

    return ElasticsearchStore(_access(address), address.index_prefix, address.ilm_policy)


def _path(address: StoreAddress) -> Path:
    if address.url == _SQLITE:
        raise ConfigError("store: expected sqlite:///PATH")
    return Path(address.url.removeprefix(_SQLITE))


def _access(address: StoreAddress) -> Access:
    from pipeline.store.elasticsearch.client import Access

    url = "" if address.cloud_id else address.url
    return Access(url, address.cloud_id, address.api_key, address.ca_file, address.timeout_s)
