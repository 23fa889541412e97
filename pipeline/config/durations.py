"""Durations as people write them: `30s`, `5m`, `1h30m`, `2d`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
PATTERN = r"(?=\d)(?:\d{1,7}d)?(?:\d{1,7}h)?(?:\d{1,7}m)?(?:\d{1,7}s)?"
"""One or more of days, hours, minutes and seconds, largest first, no spaces."""

_DURATION = re.compile(PATTERN, re.ASCII)
_PART = re.compile(r"(\d+)([dhms])", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """The duration that `text` says; raises ValueError, which says how durations are written."""
    if not _DURATION.fullmatch(text):
        raise ValueError("expected a duration such as 30s, 5m, 2h, 1d or 1h30m")
    return timedelta(**{_UNITS[unit]: int(count) for count, unit in _PART.findall(text)})


def format_duration(duration: timedelta) -> str:
    """The shortest text that `parse_duration` reads back as `duration` (not negative; parts of a second are dropped)."""
    left = duration // timedelta(seconds=1)
    parts = []
    for unit, seconds in _SECONDS.items():
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
