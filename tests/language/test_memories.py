"""What a process knows of a store's names before it reads the first story."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import TransientError
from pipeline.language.beam import memory_at
from pipeline.language.recall import Memory
from pipeline.model import Reading
from pipeline.store.address import StoreAddress
from pipeline.store.roles import Store
from pipeline.store.search import Page, SearchRequest
from tests.contract.told import STORIES
from tests.fakes import MemoryStore
from tests.language.test_recall import LONE, MUSK, NOON, naming


class Asked:
    """The stories of a store that does something first whenever it is searched."""

    def __init__(self, store: Store, first: Callable[[], object]) -> None:
        self._search = store.stories.search
        self._first = first

    def search(self, request: SearchRequest) -> Page:
        self._first()
        return self._search(request)


def naming_musk(first: Callable[[], object] = lambda: None) -> MemoryStore:
    """A store with two stories that name him in full."""
    store = MemoryStore()
    for name in "ab":
        told = STORIES[0].story._replace(id=name, published_at=NOON)
        store.stories.put([STORIES[0]._replace(story=told, reading=naming(MUSK), revision=0)])
    store.stories = Asked(store, first)  # type: ignore[assignment]
    return store


def recalled(memory: Memory) -> Reading:
    return memory.recalled(naming(LONE), NOON)


def test_a_store_that_was_away_is_learnt_from_later() -> None:
    """The first who asks has its bundle fail, and tried again."""

    def away() -> None:
        raise TransientError("away")

    with pytest.raises(TransientError):
        memory_at("was-away", naming_musk(away))
    assert recalled(memory_at("was-away", naming_musk())) != naming(LONE)


def test_whoever_asks_while_it_is_learnt_waits_for_all_of_it() -> None:
    """Half of it would tell another candidate."""
    is_asked, goes_on = threading.Event(), threading.Event()

    def slowly() -> None:
        is_asked.set()
        assert goes_on.wait(60)

    store = naming_musk(slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(memory_at, "slow", store)
        assert is_asked.wait(60)
        other = pool.submit(lambda: recalled(memory_at("slow", store)))
        threading.Timer(0.2, goes_on.set).start()
        assert other.result(60) == recalled(first.result(60)) != naming(LONE)


def test_two_stores_of_one_cluster_are_two_streams() -> None:
    """They differ by the names of their indices alone."""
    one, other = (StoreAddress("http://127.0.0.1:9", index_prefix=prefix) for prefix in ("one", "other"))
    assert recalled(memory_at(one, naming_musk())) != naming(LONE)
    assert recalled(memory_at(other, MemoryStore())) == naming(LONE)
