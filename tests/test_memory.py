"""Memory that was used goes back to the system."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from pipeline.memory import give_back


def filled_and_freed() -> bytes:
    """The last of many small pieces, which keeps what is below it from being given back by itself."""
    return [bytes(2_000) for _ in range(30_000)][-1]


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_what_a_thread_has_freed_is_given_back():
    """All but a little of 60 MB, whichever thread asks for it."""
    with ThreadPoolExecutor(1) as other:
        last = other.submit(filled_and_freed).result()
        before = psutil.Process().memory_info().rss
        give_back()
        assert before - psutil.Process().memory_info().rss > 40e6
        assert last
