"""When a delivery is tried again, and when it is given up. No I/O, no clock."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pipeline.model import Attempt, Delivery

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Before each attempt, from the end of the one before it: ten attempts in 75.6 hours, as Standard Webhooks recommends."""

JITTER = 0.1
"""A delay is up to this part shorter or longer, so that what failed together is not tried again together."""

MAX_RETRY_AFTER_S = 24 * 3600.0

_GONE = 410


def is_taken(status: int | None) -> bool:
    """Whether an answer of `status` means that the receiver has the message: any 2xx. A redirect is a failure, and not followed."""
    return status is not None and 200 <= status < 300


def after_attempt(delivery: Delivery, attempt: Attempt, retry_after_s: float | None) -> Delivery:
    """`delivery` as `attempt` leaves it: delivered, dead (410, or the last attempt failed), or waiting for its next attempt.

    `retry_after_s`, as the receiver asked for, counts from the end of the attempt; it makes the wait longer, never shorter, up to
    `MAX_RETRY_AFTER_S`.
    """
    attempts = (*delivery.attempts, attempt)
    if is_taken(attempt.status):
        return delivery._replace(status="delivered", next_attempt_at=None, attempts=attempts)
    if attempt.status == _GONE or len(attempts) >= len(DELAYS):
        return delivery._replace(status="dead", next_attempt_at=None, attempts=attempts)
    wait_s = max(delay_s(delivery.id, len(attempts)), min(retry_after_s or 0.0, MAX_RETRY_AFTER_S))
    ended_at = attempt.at + timedelta(seconds=attempt.duration_s)
    return delivery._replace(next_attempt_at=ended_at + timedelta(seconds=wait_s), attempts=attempts)


def delay_s(delivery_id: str, attempts: int) -> float:
    """Seconds between a delivery's attempt number `attempts` (1 to 9) and the next, jitter included: always the same."""
    jitter = random.Random(f"{delivery_id}:{attempts}").uniform(-JITTER, JITTER)  # noqa: S311 - spreads load, hides nothing
    return DELAYS[attempts].total_seconds() * (1 + jitter)


def revived(delivery: Delivery, now: datetime) -> Delivery:
    """`delivery` due at `now` with the whole schedule before it and its id kept: for one that is replayed."""
    return delivery._replace(status="waiting", next_attempt_at=now, attempts=())


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 §10.2.3): a number, up to `MAX_RETRY_AFTER_S`, or a date.

    None where it is absent or unreadable.
    """
    if header is None:
        return None
    if re.fullmatch(r"\s*[0-9]+\s*", header, re.ASCII):
        return min(float(header[:400]), MAX_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
