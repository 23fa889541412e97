"""How often Python looks for garbage that refers to itself, of which the chain makes hardly any; and giving back what is free."""

from __future__ import annotations

import ctypes
import gc
import sys

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


def give_back() -> None:
    """Give the system what is free: glibc keeps it for each thread that once had much. Elsewhere nothing happens."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
