"""What can only be said of all files together: names that must lead somewhere, and names that must not be taken twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from pipeline.config.files import Placed
from pipeline.config.interpolate import Plain
from pipeline.config.nodes import described, find
from pipeline.config.problems import Problem, did_you_mean

_MOST_HINTS = 20
"""Finding the closest of ten thousand keys takes a moment, and a watchlist that lost its entities has a thousand errors."""


class Said(NamedTuple):
    """An entry with its plain values: what is wrong with a part of it does not hide what is wrong with the rest."""

    placed: Placed
    values: Plain


class Targets(NamedTuple):
    """What a watch may name, also where it is wrong in itself."""

    entities: Mapping[str, str]
    """Names by key."""
    webhooks: Collection[str]


def defined_twice(placed: Iterable[Placed]) -> Iterator[Problem]:
    """A problem for each key of a mapping that another file has taken before."""
    first: dict[tuple[str, str], Placed] = {}
    for entry in placed:
        if entry.key and (taken := first.setdefault((entry.section, entry.key), entry)) is not entry:
            yield entry.problem(f"expected a key of its own; {_defined(taken)}")


def same_feed(feeds: Iterable[Said]) -> Iterator[Problem]:
    """A problem for each feed whose URL another has; spellings of one host are the same."""
    first: dict[str, Placed] = {}
    for placed, values in feeds:
        if (url := text(values, "url")) and (taken := first.setdefault(_address(url), placed)) is not placed:
            yield placed.problem(f"expected a feed of its own{_got(placed, 'url')}; {_defined(taken)}", "url")


def same_watch(watches: Iterable[Said]) -> Iterator[Problem]:
    """A problem for each watch whose name another has."""
    first: dict[str, Placed] = {}
    for placed, values in watches:
        if (name := text(values, "name")) and (taken := first.setdefault(name, placed)) is not placed:
            yield placed.problem(f"expected a name of its own{_got(placed, 'name')}; {_defined(taken)}", "name")


def leading_nowhere(watches: Iterable[Said], targets: Targets) -> Iterator[Problem]:
    """A problem for each entity and webhook that a watch names and nobody defines."""
    hints = _Hints(targets)
    for placed, values in watches:
        for at, key in _texts(values, "all"):
            if key not in targets.entities:
                yield placed.problem(f"expected the key of an entity{_got(placed, 'all', at)}{hints.entity(key)}", "all", at)
        for at, name in _texts(values, "alert"):
            if name not in targets.webhooks:
                yield placed.problem(f"expected the name of a webhook{_got(placed, 'alert', at)}{hints.webhook(name)}", "alert", at)


def text(values: Plain, key: str) -> str | None:
    """The text that a mapping holds under `key`."""
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, str) else None


def _texts(values: Plain, key: str) -> list[tuple[int, str]]:
    """The texts of a list, with their positions; whatever else stands there is a problem of another kind."""
    found = values.get(key) if isinstance(values, dict) else None
    return [(at, text) for at, text in enumerate(found) if isinstance(text, str)] if isinstance(found, list) else []


def _got(placed: Placed, *steps: str | int) -> str:
    """What the file says there, which is not what the environment makes of it."""
    return f" (got {described(find(placed.node, steps)[1])})"


def _defined(taken: Placed) -> str:
    return f"it is defined already at {taken.file}:{taken.line}"


def _address(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    return parts._replace(netloc=parts.netloc.lower(), fragment="").geturl()


class _Hints:
    """Says what may be meant, the first few times."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._left = _MOST_HINTS

    def entity(self, written: str) -> str:
        """The key that is spelt like `written`, or the key of the entity that is named so."""
        self._left -= 1
        if not self._targets.entities:
            return "; no entity is defined: add it under `entities`"
        if self._left < 0:
            return ""
        folded = written.casefold()
        of_name = next((key for key, name in self._targets.entities.items() if name.casefold() == folded), None)
        return f"; its key is `{of_name}`" if of_name else did_you_mean(written, self._targets.entities)

    def webhook(self, written: str) -> str:
        """The webhook that is spelt like `written`."""
        self._left -= 1
        if not self._targets.webhooks:
            return "; no webhook is defined: add it under `webhooks`"
        return did_you_mean(written, self._targets.webhooks) if self._left >= 0 else ""
