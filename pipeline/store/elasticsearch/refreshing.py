"""When what was written can be searched: once somebody looks, not batch by batch, which takes the server as long as the writing.

The server makes everything searchable within a second by itself. Whoever must not miss what was just written asks for it here.
"""

from __future__ import annotations

import threading

from pipeline.store.elasticsearch.client import Cluster


class Refreshing:
    """An index of which this process's own writes are found by its own searches. Safe to use from several threads."""

    def __init__(self, cluster: Cluster, index: str) -> None:
        self._cluster = cluster
        self._index = index
        self._is_behind = False
        self._lock = threading.Lock()

    def wrote(self) -> None:
        """Remember that something was written since the index was last made searchable."""
        self._is_behind = True

    def catch_up(self) -> None:
        """Return when what this process has written can be searched, by everybody."""
        # Under the lock in any case: else a second thread would search while the first still refreshes.
        with self._lock:
            if self._is_behind:
                self._is_behind = False
                try:
                    self._cluster.refresh(self._index)
                except BaseException:
                    self._is_behind = True
                    raise
