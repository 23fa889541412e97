"""How often Python looks for garbage that refers to itself: the chain makes hardly any."""

from __future__ import annotations

import gc

_SELDOM = 50_000, 10, 10


def settle() -> None:
    """Leave alone what is loaded by now, and look seldom through what comes: it took a quarter of a job's time."""
    gc.freeze()
    gc.set_threshold(*_SELDOM)


def release() -> None:
    """Free what is left of things that referred to themselves, those that were left alone too."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
