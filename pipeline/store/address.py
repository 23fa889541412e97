"""From a store's address to the store: one for each address in a process, shared by all who ask."""

from __future__ import annotations

import threading
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


def close_stores() -> None:
    """Close every store that this process opened."""
    with _lock:
        for store in _open.values():
            store.close()
        _open.clear()


def _opened(address: str) -> Store:
    if not address.startswith(_SQLITE) or address == _SQLITE:
        raise ConfigError(f"store: {address.split('@')[-1]} cannot be opened by this version; use sqlite:///PATH")
    from pipeline.store.sqlite.store import SqliteStore

    return SqliteStore(Path(address.removeprefix(_SQLITE)))
