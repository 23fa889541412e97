"""Dates in the styles of feeds. No I/O, no clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_LONGEST = 200
"""Characters of a date that are looked at."""
_YEARS = range(1970, 2101)

_MONTHS = (
    "jan|ene|gen|янв|1月",
    "feb|fév|fev|фев|2月",
    "mar|mär|mrt|maa|мар|3月",
    "apr|avr|abr|апр|4月",
    "may|mai|mag|mei|maj|май|мая|5月",
    "jun|juin|giu|июн|6月",
    "jul|juil|lug|июл|7月",
    "aug|aoû|aou|ago|авг|8月",
    "sep|set|сен|9月",
    "oct|okt|ott|out|окт|10月",
    "nov|ноя|11月",
    "dec|déc|dez|dic|des|дек|12月",
)
"""What a month begins with in English, German, French, Spanish, Italian, Portuguese, Dutch, Scandinavian languages and Russian."""
_MONTH_BY_START = {start: number for number, starts in enumerate(_MONTHS, 1) for start in starts.split("|")}

_ZONE_HOURS = {
    "est": -5.0, "edt": -4.0, "cst": -6.0, "cdt": -5.0, "mst": -7.0, "mdt": -6.0, "pst": -8.0, "pdt": -7.0, "akst": -9.0,
    "akdt": -8.0, "hst": -10.0, "ast": -4.0, "adt": -3.0, "nst": -3.5, "ndt": -2.5,
    "brt": -3.0, "art": -3.0, "bst": 1.0, "wet": 0.0, "west": 1.0,
    "cet": 1.0, "cest": 2.0, "met": 1.0, "mest": 2.0, "mez": 1.0, "mesz": 2.0, "eet": 2.0, "eest": 3.0, "msk": 3.0, "trt": 3.0,
    "sast": 2.0, "gst": 4.0, "pkt": 5.0, "wib": 7.0, "hkt": 8.0, "sgt": 8.0, "awst": 8.0, "jst": 9.0, "kst": 9.0, "acst": 9.5,
    "acdt": 10.5, "aest": 10.0, "aedt": 11.0, "nzst": 12.0, "nzdt": 13.0,
}  # fmt: skip
"""Hours east of Greenwich: RFC 822 §5, and what publishers use besides. Those with two meanings (IST) are read as UTC."""

_ISO = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?(?!\d)")
_COMPACT = re.compile(r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)(?=T|\s|\Z)", re.IGNORECASE)
_EAST_ASIAN = re.compile(r"(?P<year>\d{4})\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日일]")
_DAY_FIRST = re.compile(
    r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th|\.|º)?[\s-]{1,3}(?:de\s)?(?P<name>[^\W\d_]{3,12})\.?,?[\s-]{0,3}(?:de\s)?(?P<year>\d{4}|\d\d)(?!\d|:)",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    r"(?P<name>[^\W\d_]{3,12})\.?\s{1,3}(?P<day>\d{1,2})(?:st|nd|rd|th)?(?=[,\s])(?P<rest>.{0,40}?)\b(?P<year>\d{4})(?!\d)",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(?<!\d)(?P<first>\d{1,2})[/.](?P<second>\d{1,2})[/.](?P<year>\d{4})(?!\d)")

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_TIME = re.compile(rf"(?<![\d:]){_CLOCK}(?:\s?(?P<half>[ap])\.?m\b\.?)?", re.IGNORECASE)
_COMPACT_TIME = re.compile(r"T(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?P<fraction>(?!))?(?P<half>(?!))?", re.IGNORECASE)
_OFFSET = re.compile(
    r"\s{0,3}(?:(?:GMT|UTC?|Z)\s?)?(?P<sign>[+\-\u2212])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?(?!\d)", re.IGNORECASE
)
_ZONE = re.compile(r"\s{0,3}\(?(?P<zone>[a-z]{3,4})\b", re.IGNORECASE)


def read_date(text: str) -> datetime | None:
    """The instant (aware, UTC) that `text` names, or None where it names none between the years 1970 and 2100.

    RFC 822 and its variants, ISO 8601 to whatever precision (a date alone is its midnight), months by name in the languages of
    `_MONTHS`, `31/12/2024`, twelve hours with am and pm. Without a zone, or with one that is not known, UTC.
    """
    text = text.strip()[:_LONGEST]
    if not (found := _date(text)):
        return None
    year, month, day, end = found
    try:
        moment = _with_time(datetime(year, month, day, tzinfo=UTC), text, end)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in _YEARS else None


def _date(text: str) -> tuple[int, int, int, int] | None:
    """Year, month, day, and where a time may begin."""
    if match := _ISO.match(text) or _COMPACT.match(text) or _EAST_ASIAN.search(text):
        return int(match["year"]), int(match["month"]), int(match["day"] or 1), match.end()
    for match in _DAY_FIRST.finditer(text):
        if month := _month(match["name"]):
            return _full_year(match["year"]), month, int(match["day"]), match.end()
    for match in _MONTH_FIRST.finditer(text):
        if month := _month(match["name"]):
            return int(match["year"]), month, int(match["day"]), match.start("rest")
    if match := _SLASHED.search(text):
        first, second = int(match["first"]), int(match["second"])
        return (int(match["year"]), first, second, match.end()) if second > 12 else (int(match["year"]), second, first, match.end())
    return None


def _month(name: str) -> int | None:
    name = name.lower()
    return next((_MONTH_BY_START[name[:length]] for length in (4, 3) if name[:length] in _MONTH_BY_START), None)


def _full_year(year: str) -> int:
    """Two digits as RFC 2822 §4.3 reads them."""
    number = int(year)
    if len(year) == 4:
        return number
    return number + (2000 if number < 50 else 1900)


def _with_time(date: datetime, text: str, start: int) -> datetime:
    """`date` at the time of day that stands in `text` from `start` on, in UTC; raises ValueError where there is no such time."""
    time = _COMPACT_TIME.match(text, start) or _TIME.search(text, start)
    if not time:
        return date
    hour, minute, second = int(time["hour"]), int(time["minute"]), min(int(time["second"] or 0), 59)
    if time["half"]:
        hour = hour % 12 + (12 if time["half"] in "pP" else 0)
    microsecond = int((time["fraction"] or "0").ljust(6, "0")[:6])
    # 24:00 is the midnight that ends the day (ISO 8601).
    days, hour = (1, 0) if (hour, minute) == (24, 0) else (0, hour)
    told = date.replace(hour=hour, minute=minute, second=second, microsecond=microsecond, tzinfo=_zone(text, time.end()))
    return told.astimezone(UTC) + timedelta(days=days)


def _zone(text: str, start: int) -> timezone:
    if offset := _OFFSET.match(text, start):
        minutes = int(offset["hours"]) * 60 + int(offset["minutes"] or 0)
        return timezone(timedelta(minutes=minutes if offset["sign"] == "+" else -minutes))
    if named := _ZONE.match(text, start):
        return timezone(timedelta(hours=_ZONE_HOURS.get(named["zone"].lower(), 0.0)))
    return UTC
