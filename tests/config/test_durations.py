from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7_200), ("1d", 86_400), ("1h30m", 5_400), ("90s", 90), ("0s", 0)]
)
def test_a_duration_is_numbers_with_units(text: str, seconds: int) -> None:
    """Days, hours, minutes and seconds add up, largest first."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "5m1h", "1.5h", "5min", "5M", "٥m", "5m\n", "9" * 5_000 + "s"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    """What is no duration raises ValueError that shows how one is written."""
    with pytest.raises(ValueError, match="such as 30s, 5m"):
        parse_duration(text)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9_999_999)).map(lambda it: timedelta(it.days, it.seconds)))
def test_a_formatted_duration_reads_back(duration: timedelta) -> None:
    """Formatting loses nothing but parts of a second."""
    assert parse_duration(format_duration(duration)) == duration


def test_a_duration_is_formatted_in_the_largest_units() -> None:
    """90 minutes are 1h30m, and a whole day is 1d."""
    assert [format_duration(timedelta(minutes=minutes)) for minutes in (90, 1_440, 0)] == ["1h30m", "1d", "0s"]
