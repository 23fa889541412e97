"""What is wrong with a configuration, said so that it can be mended: place, key, what was expected, a remedy.

Does not care how a problem was found. What a problem quotes comes from the files, never from the environment, and `quoted` leaves
out what may be secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, MutableMapping
from difflib import get_close_matches
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""The way to a value from the top of its file: keys, and positions in lists from 0."""

_PLAIN_KEY = re.compile(r"[\w-]+")
_USER_INFO = re.compile(r"(?<=://)[^/?#\s]*@")
_MAYBE_USER_INFO = re.compile(r"(?<=://).*@", re.DOTALL)
"""In a URL that is none a password may hold anything."""

_LONGEST_QUOTE = 60


class Problem(NamedTuple):
    """One thing that is wrong, and where."""

    file: str
    line: int
    """From 1; 0 where the whole file is meant."""
    path: Path
    text: str
    """What was expected, what is there, what helps."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {dotted(self.path)}: {self.text}" if self.path else f"{place}: {self.text}"


def listed(problems: Iterable[Problem]) -> str:
    """Every problem on a line of its own, in order of place, none twice."""
    return "\n".join(dict.fromkeys(map(str, sorted(problems, key=lambda problem: problem[:2]))))


def dotted(path: Path) -> str:
    """A path as people write it: `feeds[2].every`; a key that is no plain word is quoted."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in path)
    return "".join(parts).removeprefix(".")


def quoted(value: str) -> str:
    """A value of the file for a message: short, without control characters, without what may be the password of a URL."""
    shown = _MAYBE_USER_INFO.sub("…@", value)
    return repr(shown if len(shown) <= _LONGEST_QUOTE else shown[:_LONGEST_QUOTE] + "…")


def without_user_info(url: str) -> str:
    """A URL without the user and password that it may hold, for what is shown to people."""
    return _USER_INFO.sub("", url)


def without_passwords(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A log's event without the passwords of the addresses in it."""
    for key, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[key] = without_user_info(value)
    return event


def did_you_mean(word: str, known: Collection[str]) -> str:
    """`; did you mean …?` with the closest of `known`; empty where none is close."""
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), folded, n=1)
    return f"; did you mean `{folded[close[0]]}`?" if close else ""


def unknown_key(key: str, known: Collection[str]) -> str:
    """That `key` is not one of `known`, and which of them may be meant."""
    return f"unknown key{did_you_mean(key, known) or '; expected one of ' + ', '.join(known)}"


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else quoted(key)
