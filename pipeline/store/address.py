"""From a store's address to the store: one for each address in a process, shared by all who ask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.store.roles import Store

_SQLITE = "sqlite:///"
_open: dict[str, Store] = {}
_lock = threading.Lock()


def store_at(address: str) -> Store:
    """The store at `address` (`sqlite:///PATH`, relative to the current folder), opened once. Raises `ConfigError` for others.

    The chain's steps are copied about by Beam: they carry the address and come here for the store.
    """
    with _lock:
        if address not in _open:
            _open[address] = _opened(address)
        return _open[address]


def migrate_at(address: str, progress: Callable[[int, int], None]) -> int:
    """Bring the store at `address` to this version's form; answers how many stories were indexed again.

    `progress` hears how many are done, and of how many. Raises `ConfigError` where there is no store of that kind.
    """
    from pipeline.store.sqlite.migrate import migrate

    return migrate(_path(address), progress)


def close_stores() -> None:
    """Close every store that this process opened."""
    with _lock:
        for store in _open.values():
            store.close()
        _open.clear()


def _opened(address: str) -> Store:
    from pipeline.store.sqlite.store import SqliteStore

    return SqliteStore(_path(address))


def _path(address: str) -> Path:
    if not address.startswith(_SQLITE) or address == _SQLITE:
        raise ConfigError(f"store: {address.split('@')[-1]} cannot be opened by this version; use sqlite:///PATH")
    return Path(address.removeprefix(_SQLITE))
