"""Dates as publishers write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.dates import read_date

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 01 Mar 2026 12:00:00 GMT",
        "Sun, 01 Mar 2026 12:00:00 +0000",
        "Sun, 1 Mar 26 12:00 UT",
        "Sun,01 Mar 2026 07:00:00 EST",
        "Sun , \t 01  Mar\t2026  13:00:00\t +0100",
        "01 Mar 2026 13:00:00 CET",
        "Sunday, 01-Mar-26 12:00:00 GMT",
        "Sun Mar  1 12:00:00 2026",
        "Sun Mar  1 12:00:00 GMT 2026",
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00Z",
        "2026-03-01T12:00:00.000+00:00",
        "2026-03-01T17:30:00+05:30",
        "2026-03-01T04:00:00-0800",
        "2026-03-01 12:00:00",
        "2026-03-01 12:00:00 UTC",
        "2026-03-01 14:00:00 +0200",
        "2026/03/01 12:00",
        "20260301T120000Z",
        "March 1, 2026 12:00 PM",
        "Sun, Mar 1st, 2026, 12:00 p.m.",
        "1. März 2026 12:00",
        "dim. 1 mars 2026 12:00:00",
        "1 de marzo de 2026 12:00",
        "01 марта 2026 12:00",
        "2026年3月1日 12:00",
        "01.03.2026 12:00",
        "  Sun, 01 Mar 2026 12:00:00 GMT (a comment)",
    ],
)
def test_every_usual_style_names_the_same_instant(text: str) -> None:
    """RFC 822 and its variants, ISO 8601, names of months in other languages; without a zone it is UTC."""
    assert read_date(text) == NOON


@pytest.mark.parametrize(
    "text", ["2026-03-01", "01 Mar 2026", "March 1, 2026", "Sun, 01 Mar 2026", "20260301", "2026-03", "2026-02-28T24:00:00Z"]
)
def test_a_date_alone_is_its_midnight(text: str) -> None:
    """No time of day is no reason to drop a date; the end of a day is the next one's midnight."""
    assert read_date(text) == MIDNIGHT


def test_fractions_of_seconds_are_kept() -> None:
    """Microseconds survive, what is finer does not."""
    assert read_date("2026-03-01T12:00:00.123456789Z") == NOON.replace(microsecond=123456)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "0000-00-00 00:00:00", "2026-13-01", "2026-02-30", "Thu, 04 Jul 1776 18:30:02 GMT", "2101-01-01",
    "0001-01-01T00:00:00Z",
     "1969-12-31T23:59:59Z", "2026-03-01T99:99:99Z", "12:00", "1" * 10_000, "\x00"],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    """Nonsense and years outside 1970 to 2100 are no dates."""
    assert read_date(text) is None


def test_the_epoch_is_kept() -> None:
    """1970 is what the feed says, whatever is made of it later."""
    assert read_date("Thu, 01 Jan 1970 00:00:00 GMT") == datetime(1970, 1, 1, tzinfo=UTC)


@given(st.text(alphabet="0123456789:-+/. TZAPMapmJanFebDec,", max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever stands there, the answer is None or an instant in UTC within the years allowed."""
    moment = read_date(text)
    assert moment is None or (moment.tzinfo is UTC and 1970 <= moment.year <= 2100)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 12, 30)))  # noqa: DTZ001 - hypothesis wants them naive
def test_what_iso_writes_is_read_back(moment: datetime) -> None:
    """ISO 8601 with and without a zone comes back to the microsecond."""
    aware = moment.replace(tzinfo=UTC)
    assert read_date(aware.isoformat()) == aware
    assert read_date(moment.isoformat()) == aware
