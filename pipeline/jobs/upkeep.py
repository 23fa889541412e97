"""What a store needs in time, done by one of all the processes that share it: events grouped again, the store tended.

The store says whose turn it is. A turn lasts as long as nobody need do it again, and is not given back: whoever dies at it holds
nobody up for longer. A thread does it that no tick waits for: a pass may take minutes, in which the steps before it would stand
still, and no checkpoint come about.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import structlog

from pipeline.errors import TransientError
from pipeline.jobs.regroup import regroup
from pipeline.store.roles import Store

log = structlog.get_logger()

_GROUPED_EVERY = timedelta(minutes=3)
_TENDED_EVERY = timedelta(hours=1)
_ASKED_EVERY = timedelta(seconds=10)
_REST_S = 0.05
"""Between two parts of what is dropped, so that others write meanwhile."""

_at_work = threading.Lock()
"""Held while this process does it."""
_asked_at: WeakKeyDictionary[Store, datetime] = WeakKeyDictionary()
"""When a store was last asked for the turn."""


def begin(store: Store, now: datetime, window: timedelta, stories_for: timedelta | None) -> None:
    """Begin to group again where nobody did for three minutes, and to tend where nobody did for an hour.

    What takes longer than its turn may be begun beside it by another process, which ends the same. `window` is `regroup`'s and
    `stories_for` is `Store.tend`'s. Raises `TransientError` where the store is away.
    """
    asked_at = _asked_at.get(store)
    if _at_work.locked() or (asked_at and now - asked_at < _ASKED_EVERY):
        return
    _asked_at[store] = now
    if store.take_turn("group", now, now + _GROUPED_EVERY) and _at_work.acquire(blocking=False):
        threading.Thread(target=_work, args=(store, now, window, stories_for), name="upkeep", daemon=True).start()


def wait(within_s: float) -> bool:
    """Wait until this process is not at it; whether it came to that in time."""
    if is_free := _at_work.acquire(timeout=within_s):
        _at_work.release()
    return is_free


def _work(store: Store, now: datetime, window: timedelta, stories_for: timedelta | None) -> None:
    try:
        _patiently("regrouping", lambda: regroup(store, now, window))
        _patiently("tending", lambda: _tend(store, now, stories_for))
    finally:
        _at_work.release()


def _tend(store: Store, now: datetime, stories_for: timedelta | None) -> None:
    if store.take_turn("tend", now, now + _TENDED_EVERY):
        while store.tend(now, stories_for):
            time.sleep(_REST_S)


def _patiently(name: str, work: Callable[[], object]) -> None:
    """Do `work`; where it fails, the log says why, and of anything but a store that is away, where."""
    try:
        work()
    except TransientError as error:
        log.warning(f"{name}.waits", error=str(error))
    except Exception as error:  # noqa: BLE001 - a mistake of ours is told whole, and costs neither polls nor alerts
        log.error(f"{name}.failed", error=repr(error), trace=traceback.format_exc())
