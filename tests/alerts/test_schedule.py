"""When a delivery is tried again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts.schedule import DELAYS, JITTER, MAX_RETRY_AFTER_S, after_attempt, delay_s, retry_after_s, revived
from pipeline.model import Attempt, Delivery

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR_S = 3600.0

ids = st.from_regex(r"msg_[a-z2-7]{20}", fullmatch=True)
failures = st.one_of(st.none(), st.integers(300, 599).filter(lambda status: status != 410), st.integers(100, 199))


def a_delivery(delivery_id: str = "msg_1") -> Delivery:
    return Delivery(delivery_id, "alert-1", "desk", "waiting", NOW)


def an_attempt(status: int | None, at: datetime = NOW, duration_s: float = 0.0) -> Attempt:
    return Attempt(at, duration_s, status, None if status == 200 else "failed")


def walk(delivery: Delivery, statuses: list[int | None]) -> list[Delivery]:
    """Each state of `delivery` on its way through attempts made as soon as they are due."""
    states = [delivery]
    for status in statuses:
        at = states[-1].next_attempt_at
        if at is None:
            break
        states.append(after_attempt(states[-1], an_attempt(status, at), None))
    return states


def test_the_delays_are_those_of_standard_webhooks():
    """0 s, 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: 75.6 hours in all."""
    assert [delay.total_seconds() for delay in DELAYS] == [
        0, 5, 300, 1800, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S, 20 * HOUR_S, 24 * HOUR_S,
    ]  # fmt: skip
    assert sum(DELAYS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


@given(ids, st.lists(failures, min_size=10, max_size=10))
def test_ten_failures_are_the_end(delivery_id: str, statuses: list[int | None]):
    """A delivery that always fails waits nine times, each delay within the jitter, and is dead after the tenth attempt."""
    states = walk(a_delivery(delivery_id), statuses)
    assert [state.status for state in states] == ["waiting"] * 10 + ["dead"]
    assert states[-1].next_attempt_at is None
    assert len(states[-1].attempts) == 10
    for before, after, delay in zip(states[:-2], states[1:-1], DELAYS[1:], strict=True):
        assert abs((after.next_attempt_at - before.next_attempt_at) / delay - 1) <= JITTER + 1e-6


@given(ids, st.lists(failures, max_size=9))
def test_the_id_never_changes(delivery_id: str, statuses: list[int | None]):
    """The receiver sees one webhook-id at every attempt."""
    assert {state.id for state in walk(a_delivery(delivery_id), statuses)} == {delivery_id}


@given(ids, st.lists(failures, max_size=9), st.integers(200, 299))
def test_any_2xx_is_delivered(delivery_id: str, statuses: list[int | None], taken: int):
    """Whatever went before, a 2xx ends the delivery."""
    last = walk(a_delivery(delivery_id), [*statuses, taken])[-1]
    assert (last.status, last.next_attempt_at) == ("delivered", None)
    assert len(last.attempts) == len(statuses) + 1


@given(ids, st.lists(failures, max_size=9))
def test_410_is_the_end_at_once(delivery_id: str, statuses: list[int | None]):
    """A receiver that says it is gone is not called again."""
    last = walk(a_delivery(delivery_id), [*statuses, 410])[-1]
    assert (last.status, last.next_attempt_at) == ("dead", None)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
def test_a_redirect_is_a_failure(status: int):
    """A 3xx is tried again later, at the same address."""
    assert after_attempt(a_delivery(), an_attempt(status), None).status == "waiting"


@given(ids, st.integers(1, 9))
def test_jitter_is_the_same_each_time(delivery_id: str, attempts: int):
    """Two processes compute the same next attempt."""
    assert delay_s(delivery_id, attempts) == delay_s(delivery_id, attempts)


def test_jitter_spreads():
    """What failed together is tried again at different times, on both sides of the delay."""
    delays = [delay_s(f"msg_{number}", 1) for number in range(200)]
    assert len(set(delays)) == 200
    assert min(delays) < 4.6 < 5.4 < max(delays)


def test_the_delay_counts_from_the_end_of_the_attempt():
    """A receiver that took 30 s to fail is left alone for as long as one that failed at once."""
    quick = after_attempt(a_delivery(), an_attempt(500), None)
    slow = after_attempt(a_delivery(), an_attempt(500, duration_s=30), None)
    assert slow.next_attempt_at - quick.next_attempt_at == timedelta(seconds=30)


@given(ids, st.floats(0, 1e12))
def test_retry_after_is_a_lower_bound_up_to_a_day(delivery_id: str, asked_s: float):
    """A receiver can ask for more time, not for less, and for a day at most."""
    plain = after_attempt(a_delivery(delivery_id), an_attempt(429), None).next_attempt_at
    asked = after_attempt(a_delivery(delivery_id), an_attempt(429), asked_s).next_attempt_at
    assert asked == max(plain, NOW + timedelta(seconds=min(asked_s, MAX_RETRY_AFTER_S)))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("99999999999", MAX_RETRY_AFTER_S),
        (format_datetime(NOW + timedelta(hours=1), usegmt=True), 3600.0),
        (format_datetime(NOW - timedelta(hours=1), usegmt=True), 0.0),
        ("Sunday, 01-Mar-26 13:00:00 GMT", 3600.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_as_the_rfc_writes_it(header: str | None, seconds: float | None):
    """Seconds or a date; what is neither is as if it were absent."""
    assert retry_after_s(header, NOW) == seconds


@given(
    st.text(max_size=60)
    | st.from_regex(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d ?[-+A-Z\d]{0,6}", fullmatch=True)
)
def test_no_retry_after_breaks_anything(header: str):
    """Whatever stands in the header, the answer is a number of seconds, not negative, or none."""
    seconds = retry_after_s(header, NOW)
    assert seconds is None or seconds >= 0


def test_a_revived_delivery_has_all_attempts_before_it():
    """A replay starts the schedule anew, under the same id."""
    dead = walk(a_delivery(), [500] * 10)[-1]
    again = revived(dead, NOW)
    assert (again.id, again.status, again.next_attempt_at, again.attempts) == (dead.id, "waiting", NOW, ())


def test_a_wait_of_any_length_is_the_longest_wait():
    """More digits than a number has are no reason to come back at once."""
    assert retry_after_s("9" * 30, NOW) == retry_after_s("9" * 5_000, NOW) == MAX_RETRY_AFTER_S
