"""Due feeds in shares, so that several workers poll, each all of a host; and polls that land together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.beam import MOST_CHARACTERS, MOST_LANDED, gathered, in_shares
from pipeline.model import FeedState, Item, ItemVersion, Poll

NOW = datetime(2026, 11, 27, tzinfo=UTC)
URLS = st.lists(st.builds("https://h{}.example/{}".format, st.integers(0, 30), st.integers(0, 9)), unique=True)


@given(URLS, st.integers(1, 9))
def test_every_feed_is_in_one_share_with_all_of_its_host(urls: list[str], shares: int) -> None:
    """There are as many shares as asked for, empty ones too: each is a tick for whoever gets it."""
    shared = in_shares([FeedState(url, NOW) for url in urls], shares)
    assert len(shared) == shares
    assert sorted(state.url for share in shared for state in share) == sorted(urls)
    hosts = [{urlsplit(state.url).netloc for state in share} for share in shared]
    assert sum(map(len, hosts)) == len(set().union(*hosts))


def test_many_hosts_spread() -> None:
    """No share has twice what it would have if they were even."""
    shared = in_shares([FeedState(f"https://host{n}.example/", NOW) for n in range(1000)], 4)
    assert max(map(len, shared)) < 500


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from([0, 50, 20_000])), max_size=30))
def test_polls_that_come_together_land_together_as_long_as_it_is_not_too_much(sizes: list[tuple[int, int]]) -> None:
    """Each once and in order; a list goes on until the poll that fills it."""
    polls = [poll(n, items, characters) for n, (items, characters) in enumerate(sizes)]
    lists = list(gathered(polls))
    assert [each for some in lists for each in some] == polls
    for n, some in enumerate(lists):
        assert not is_full(some[:-1])
        assert n == len(lists) - 1 or is_full(some)


def is_full(polls: Sequence[Poll]) -> bool:
    versions = [version for each in polls for version in each.versions]
    return len(versions) >= MOST_LANDED or sum(len(version.item.content) for version in versions) >= MOST_CHARACTERS


def poll(n: int, items: int, characters: int) -> Poll:
    url = f"https://h{n}.example/rss"
    text = "x" * characters
    versions = [ItemVersion(f"{n}-{k}", Item(url, str(k), None, "", text, is_html=False), NOW) for k in range(items)]
    return Poll(FeedState(url, NOW), tuple(versions))
