"""When a feed is polled next, and what is remembered of it. No I/O, no clock."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.model import FeedState

JITTER = 0.1
"""An interval is up to this part shorter or longer, so that feeds that were subscribed together are not polled together."""
LONGEST_BACK_OFF = timedelta(hours=6)
LONGEST_RETRY_AFTER = timedelta(hours=24)
_MOST_DOUBLINGS = 20

_UNREADABLE = "unreadable:"
"""Stands before the hash of a body that could not be read, so that "the same as before" is not taken for good news."""
CANNOT_BE_READ = "cannot be read: "


class Outcome(NamedTuple):
    """What a poll found out, as far as it matters to the next one."""

    error: str | None = None
    """Why it failed, in words; None where it did not."""
    is_changed: bool = False
    """Whether there was a document that had not been read before."""
    is_answered: bool = True
    """Whether a document (or "not modified") came at all: else what is known of it stays as it is."""
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    retry_after_s: float | None = None


def next_state(state: FeedState, outcome: Outcome, *, now: datetime, every: timedelta, rng: random.Random) -> FeedState:
    """`state` as a poll at `now` (aware UTC) with `outcome` leaves it.

    The next poll is due `every` later, give or take `JITTER`. After failures it is `every` doubled for each in a row, up to
    `LONGEST_BACK_OFF` or `every`, whichever is longer, and not before the server wants it (up to `LONGEST_RETRY_AFTER`). `items` is
    for the store to count.
    """
    if outcome.is_answered:
        body_hash = outcome.body_hash and (_UNREADABLE if outcome.error else "") + outcome.body_hash
        state = state._replace(etag=outcome.etag, last_modified=outcome.last_modified, body_hash=body_hash)
    failures = state.failures + 1 if outcome.error else 0
    wait = interval(every, failures) * rng.uniform(1 - JITTER, 1 + JITTER)
    if outcome.error and outcome.retry_after_s:
        wait = max(wait, min(timedelta(seconds=outcome.retry_after_s), LONGEST_RETRY_AFTER))
    return state._replace(
        next_poll_at=now + wait,
        last_polled_at=now,
        last_success_at=state.last_success_at if outcome.error else now,
        last_changed_at=now if outcome.is_changed and not outcome.error else state.last_changed_at,
        failures=failures,
        error=outcome.error,
    )


def interval(every: timedelta, failures: int) -> timedelta:
    """Between two polls, after so many failures in a row; jitter comes on top."""
    doubled: int = 2 ** min(failures, _MOST_DOUBLINGS)
    return min(every * doubled, max(LONGEST_BACK_OFF, every))


def seen_hash(state: FeedState) -> str | None:
    """The hash of the body that was seen last, read or not."""
    return state.body_hash.removeprefix(_UNREADABLE) if state.body_hash else None


def unreadable_words(state: FeedState) -> str | None:
    """Why the body that was seen last could not be read, in words; None where it could."""
    if not (state.body_hash or "").startswith(_UNREADABLE):
        return None
    is_told = state.error is not None and state.error.startswith(CANNOT_BE_READ)
    return state.error if is_told else f"{CANNOT_BE_READ}it is still the document that was refused before"
