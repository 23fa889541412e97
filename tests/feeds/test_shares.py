"""Due feeds in shares: what lets several workers poll, each all of a host."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.beam import in_shares
from pipeline.model import FeedState

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
