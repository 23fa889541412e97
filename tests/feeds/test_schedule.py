"""When a feed is polled next."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.schedule import (
    LONGEST_BACK_OFF,
    LONGEST_RETRY_AFTER,
    Outcome,
    interval,
    next_state,
    seen_hash,
    unreadable_words,
)
from pipeline.model import FeedState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY = timedelta(minutes=5)
STATE = FeedState(
    "https://example.org/feed", NOW - timedelta(minutes=1), etag='"1"', last_modified="yesterday", body_hash="aa", items=7
)


def after(state: FeedState, outcome: Outcome, *, every: timedelta = EVERY, now: datetime = NOW, seed: int = 0) -> FeedState:
    return next_state(state, outcome, now=now, every=every, rng=random.Random(seed))


@given(st.integers(), st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=7)))
def test_a_success_is_followed_in_time(seed: int, every: timedelta) -> None:
    """After `every`, a tenth more or less."""
    wait = after(STATE, Outcome(), every=every, seed=seed).next_poll_at - NOW
    assert every * 0.899 <= wait <= every * 1.101


@given(
    st.integers(min_value=0, max_value=10_000),
    st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=7)),
    st.integers(),
)
def test_failures_back_off_and_never_for_good(failures: int, every: timedelta, seed: int) -> None:
    """Each doubles the interval, up to six hours; never more often than without failures."""
    wait = (
        after(STATE._replace(failures=failures), Outcome(error="no", is_answered=False), every=every, seed=seed).next_poll_at - NOW
    )
    assert every * 0.899 <= wait <= max(LONGEST_BACK_OFF, every) * 1.101
    assert interval(every, failures) <= interval(every, failures + 1)


def test_the_first_failures_double() -> None:
    """5 minutes, 10, 20, 40."""
    assert [interval(EVERY, failures) for failures in range(4)] == [EVERY, EVERY * 2, EVERY * 4, EVERY * 8]


def test_a_server_is_left_alone_as_long_as_it_asks() -> None:
    """Retry-After makes the wait longer, up to a day, and never shorter."""
    for asked_s, least in ((3600, timedelta(hours=1)), (10**9, LONGEST_RETRY_AFTER), (1, EVERY)):
        wait = after(STATE, Outcome(error="busy", is_answered=False, retry_after_s=asked_s)).next_poll_at - NOW
        assert least <= wait <= max(LONGEST_RETRY_AFTER, least)


def test_a_failure_forgets_nothing() -> None:
    """What was known of the document is known still, and the error is told."""
    state = after(STATE, Outcome(error="no answer", is_answered=False))
    assert (state.etag, state.last_modified, state.body_hash, state.items) == ('"1"', "yesterday", "aa", 7)
    assert (state.failures, state.error, state.last_polled_at, state.last_success_at) == (1, "no answer", NOW, None)


def test_a_success_ends_a_row_of_failures() -> None:
    """And takes on what the server says of the new document."""
    state = after(STATE._replace(failures=3, error="no"), Outcome(is_changed=True, etag='"2"', body_hash="bb"))
    assert (state.failures, state.error, state.etag, state.last_modified, state.body_hash) == (0, None, '"2"', None, "bb")
    assert state.last_success_at == state.last_changed_at == NOW


def test_nothing_new_is_no_change() -> None:
    """The time of the last change stays."""
    before = STATE._replace(last_changed_at=NOW - timedelta(days=1))
    assert after(before, Outcome(etag='"1"', body_hash="aa")).last_changed_at == NOW - timedelta(days=1)


def test_a_document_that_cannot_be_read_is_remembered_as_such() -> None:
    """The same document again is no good news, even where the connection failed in between."""
    state = after(STATE, Outcome(error="cannot be read: it is empty", etag='"2"', body_hash="bb"))
    assert seen_hash(state) == "bb"
    assert unreadable_words(state) == "cannot be read: it is empty"
    later = after(state, Outcome(error="no answer", is_answered=False))
    assert unreadable_words(later) == "cannot be read: it is still the document that was refused before"
    assert unreadable_words(after(later, Outcome(is_changed=True, body_hash="cc"))) is None
