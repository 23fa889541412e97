"""This process's deliverers, one a store: where a cluster's steps run nobody else owns one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from pipeline.jobs.deliver import Deliverer, WebhookSettings
from pipeline.store.address import StoreAddress, store_at

_STOP_WITHIN_S = 5.0

_deliverers: dict[StoreAddress | str, tuple[Mapping[str, WebhookSettings], Deliverer]] = {}
_starting = threading.Lock()


def deliverer_for(address: StoreAddress | str, webhooks: Mapping[str, WebhookSettings], clock: Callable[[], datetime]) -> Deliverer:
    """This process's deliverer for the store at `address`, running.

    One that ended, or delivers to other webhooks than these, is replaced.
    """
    with _starting:
        known, deliverer = _deliverers.get(address, (None, None))
        if deliverer is None or deliverer.failure is not None or known != webhooks:
            if deliverer is not None:
                deliverer.stop(_STOP_WITHIN_S)
            deliverer = Deliverer(store_at(address), webhooks, clock)
            deliverer.start()
            _deliverers[address] = (webhooks, deliverer)
        return deliverer


def close_deliverers() -> None:
    """End this process's deliverers."""
    with _starting:
        for _, deliverer in _deliverers.values():
            deliverer.stop(_STOP_WITHIN_S)
        _deliverers.clear()
