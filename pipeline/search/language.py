"""The query language: Lucene's syntax, as people know it from elsewhere, made into a `Query`. No I/O, no clock.

    words "a phrase" begin* simil~ AND OR NOT ( ) -not  field:value  published:[2026-01-01 TO *]

Words with only a blank between them must all be there, and bind weaker than OR. What stands for an operator in Lucene and means
nothing here (`^2`, `/regex/`, `"a b"~3`, `w?rd`) is an error that shows the place, never a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import cast

from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse as parsed

from pipeline.config import parse_duration
from pipeline.errors import ConfigError
from pipeline.model import Field
from pipeline.store import terms
from pipeline.store.query import EVERYTHING, NOTHING, All, Either, Fuzzy, Not, Published, Query, Words
from pipeline.store.words import name, words

LONGEST = 4_000
"""Code points of a query."""
DEEPEST = 50
"""Parentheses within parentheses."""

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_WILDCARD = re.compile(r"(?<!\\)[*?]")
_PLACE = re.compile(r"at position (\d+)")
_IS = {"original": terms.ORIGINAL, "duplicate": terms.DUPLICATE, "story": terms.STORY}
_SHORTEST_PREFIX = 2
_QUOTES = str.maketrans(dict.fromkeys("“”„‟＂", '"'))
"""What word processors and telephones make of a quotation mark."""


class QueryError(ConfigError):
    """A query that means nothing, with the place that does not."""

    def __init__(self, query: str, at: int, why: str) -> None:
        line = "".join(char if char.isprintable() else " " for char in query)
        start = max(0, at - 60)
        self.at = at
        super().__init__(f"search: {why}\n  {line[start : start + 120]}\n  {' ' * (at - start)}^")


def query_of(text: str, now: datetime, keys: Mapping[str, str] = MappingProxyType({})) -> Query:
    """What `text` asks for; an empty one asks for every story. `now` is what `since:7d` counts back from.

    `keys` are those of configured entities by their folded aliases: `entity:"Tesla boss"` finds whom the configuration means by it.
    Raises `QueryError`.
    """
    if len(text) > LONGEST:
        raise QueryError(text, LONGEST, f"a query has at most {LONGEST} characters; this one has {len(text)}")
    if not text.strip():
        return EVERYTHING
    text = text.translate(_QUOTES)
    _check_depth(text)
    try:
        root = parsed(text)
    except ParseError as error:
        raise _said_plainly(text, str(error)) from None
    except (ArithmeticError, ValueError):  # luqum reads the number of `a~.`
        raise QueryError(text, max(text.find("~"), 0), "~ takes 1 or 2: how many letters may differ") from None
    return _Reader(text, now, keys).read(root)


class _Reader:
    """From luqum's tree to a query."""

    def __init__(self, text: str, now: datetime, keys: Mapping[str, str]) -> None:
        self._text = text
        self._now = now
        self._keys = keys
        self._fields: Mapping[str, Callable[[tree.Item], Query]] = {
            "title": lambda value: self._words(value, "title"),
            "text": lambda value: self._words(value, "text"),
            "entity": lambda value: terms.entity(self._named(value)),
            "topic": lambda value: terms.topic(self._value(value, "a topic's name or code")),
            "source": lambda value: terms.source(self._value(value, "a domain")),
            "feed": lambda value: terms.feed(self._value(value, "a feed's URL, in quotation marks")),
            "lang": lambda value: terms.language(self._value(value, "a language's code")),
            "event": lambda value: terms.event(self._value(value, "an event's id")),
            "watch": lambda value: terms.watch(self._value(value, "a watch's name")),
            "is": self._is,
            "since": self._since,
            "published": self._published,
        }

    def read(self, node: tree.Item, field: str | None = None) -> Query:
        """The query of `node`, whose values are of `field`; None is words."""
        match node:
            case tree.Group() | tree.FieldGroup() | tree.Plus():
                return self.read(node.children[0], field)
            case tree.Not() | tree.Prohibit():
                return Not(self.read(node.children[0], field))
            case tree.OrOperation():
                return Either(tuple(self.read(child, field) for child in node.children))
            case tree.AndOperation() | tree.UnknownOperation():
                return All(tuple(self.read(child, field) for child in node.children))
            case tree.SearchField():
                return self._field(node, field)
            case tree.Boost():
                raise self._error(node, "^ is not known here: every word weighs the same")
            case _:
                return self._fields[field](node) if field else self._words(node, None)

    def _field(self, node: tree.SearchField, outer: str | None) -> Query:
        if outer is not None:
            raise self._error(node, f'a field stands within the field {outer}; a value with a colon: put it in "quotation marks"')
        if node.name == "*" and str(node.expr) == "*":
            return EVERYTHING
        field = node.name.lower()
        if field == "pair":
            return self._pair(node.expr)
        if field not in self._fields:
            known = ", ".join(sorted([*self._fields, "pair"]))
            raise self._error(node, f'there is no field {node.name}; there are {known}. A colon in a word: "quotation marks"')
        if field in ("since", "published") and isinstance(node.expr, tree.Prohibit | tree.Plus):
            raise self._error(
                node.expr, "a time has no - or + before it: since:7d counts back by itself, -since:7d is what is older"
            )
        return self.read(node.expr, field)

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _words(self, node: tree.Item, field: Field | None) -> Query:
        match node:
            case tree.Phrase():
                return _several(_unescaped(node.value[1:-1]), field)
            case tree.Fuzzy() if isinstance(node.term, tree.Word):
                return self._fuzzy(node, field)
            case tree.Word():
                return self._word(node, field)
            case tree.Proximity():
                raise self._error(node, '"…"~N is not known here; use AND between the words')
            case tree.Regex():
                raise self._error(node, 'a / begins a regular expression in Lucene; here put what holds it in "quotation marks"')
            case _:
                raise self._error(node, "a range belongs to published, as in published:[2026-01-01 TO *]")

    def _word(self, node: tree.Word, field: Field | None) -> Query:
        value = node.value
        if value == "*":
            return EVERYTHING
        if value in ("&&", "||") or value.startswith("!"):
            raise self._error(node, "write AND, OR and NOT for &&, || and !")
        if wildcard := _WILDCARD.search(value.removesuffix("*")):
            raise self._error(node, "* stands at the end of a word only, and there is no ?", wildcard.start())
        if not value.endswith("*") or value.endswith("\\*"):
            return _several(_unescaped(value), field)
        begun = _several(_unescaped(value[:-1]), field)
        if not isinstance(begun, Words) or (len(begun.words[-1]) < _SHORTEST_PREFIX and begun.words[-1].isascii()):
            raise self._error(node, f"at least {_SHORTEST_PREFIX} letters before a *")
        return replace(begun, is_prefix=True)

    def _fuzzy(self, node: tree.Fuzzy, field: Field | None) -> Query:
        found = words(_unescaped(node.term.value))
        degree = float(node.degree)
        if len(found) != 1 or _WILDCARD.search(node.term.value):
            raise self._error(node, "~ stands after a single word")
        if degree not in (0.5, 1, 2):  # luqum gives .5 where nothing was said
            raise self._error(node, "~ takes 1 or 2: how many letters may differ")
        edits = int(degree) if degree >= 1 else 2 if len(found[0]) > 5 else 1
        return Fuzzy(found[0], edits, field)

    # ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _value(self, node: tree.Item, what: str) -> str:
        if isinstance(node, tree.Phrase):
            value = _unescaped(node.value[1:-1]).strip()
        elif isinstance(node, tree.Word) and not _WILDCARD.search(node.value):
            value = _unescaped(node.value)
        else:
            raise self._error(node, f"expected {what}, whole")
        if not value:
            raise self._error(node, f"expected {what}")
        return value

    def _pair(self, node: tree.Item) -> Query:
        inner = node.children[0] if isinstance(node, tree.FieldGroup) else node
        names = list(inner.children) if isinstance(inner, tree.AndOperation | tree.UnknownOperation) else []
        if len(names) != 2:
            raise self._error(node, 'a pair is two names, as in pair:("Elon Musk" "Vladimir Putin")')
        first, second = map(self._named, names)
        return terms.pair(first, second)

    def _named(self, node: tree.Item) -> str:
        value = self._value(node, "a name or key")
        return self._keys.get(name(value), value)

    def _is(self, node: tree.Item) -> Query:
        value = self._value(node, "original or duplicate").lower()
        if value not in _IS:
            raise self._error(node, "is: takes original or duplicate")
        return _IS[value]

    def _since(self, node: tree.Item) -> Query:
        value = self._value(node, "a duration or a date")
        try:
            return Published(since=(self._now - parse_duration(value)).replace(microsecond=0))
        except (ValueError, OverflowError):
            pass
        if (found := _dated(value, self._now)) is None:
            raise self._error(node, "expected how long ago, such as 30m, 12h or 7d, or a date such as 2026-01-31")
        return Published(since=found[0])

    def _published(self, node: tree.Item) -> Query:
        match node:
            case tree.Range():
                low, high = self._bound(node.low), self._bound(node.high)
                since = low and low[0 if node.include_low else 1]
                return self._between(node, since, high and high[1 if node.include_high else 0])
            case tree.From():
                since, after = self._moments(node, str(node.a.value))
                return Published(since if node.include else after, None)
            case tree.To():
                before, until = self._moments(node, str(node.a.value))
                return Published(None, until if node.include else before)
            case _:
                value = self._value(node, "a date or a range of dates")
                return Published(*self._moments(node, value))

    def _between(self, node: tree.Item, since: datetime | None, until: datetime | None) -> Query:
        if since and until and since >= until:
            raise self._error(node, "the range ends before it begins")
        return Published(since, until) if since or until else EVERYTHING

    def _bound(self, node: tree.Item) -> tuple[datetime, datetime] | None:
        if isinstance(node, tree.Word) and node.value == "*":
            return None
        return self._moments(node, self._value(node, "a date"))

    def _moments(self, node: tree.Item, value: str) -> tuple[datetime, datetime]:
        """When what a date names begins, and when it is over: a year, a month, a day, a minute, a second."""
        found = _dated(value, self._now)
        if found is None:
            raise self._error(node, "expected a date such as 2026, 2026-01, 2026-01-31, 2026-01-31T08:30 (UTC), or now-7d")
        return found

    def _error(self, node: tree.Item, why: str, further: int = 0) -> QueryError:
        return QueryError(self._text, (node.pos or 0) + further, why)


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _several(text: str, field: Field | None) -> Query:
    """The words of `text` one after another; a text without a letter or digit is in no story."""
    found = words(text)
    return Words(found, field=field) if found else NOTHING


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?")
_BACK = re.compile(r"now(?:-(.+))?")


def _dated(value: str, now: datetime) -> tuple[datetime, datetime] | None:
    try:
        if back := _BACK.fullmatch(value):
            at = (now - parse_duration(back[1]) if back[1] else now).replace(microsecond=0)
            return at, at + timedelta(seconds=1)
        found = _DATE.fullmatch(value)
        return _span_of(found) if found else None
    except (ValueError, OverflowError):
        return None


def _span_of(date: re.Match[str]) -> tuple[datetime, datetime]:
    year, month, day, hour, minute, second = (int(part) if part else None for part in date.groups()[:6])
    zone = UTC if date[7] in (None, "Z") else datetime.fromisoformat(f"2000-01-01T00:00{date[7]}").tzinfo
    begins = datetime(cast(int, year), month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=zone).astimezone(UTC)
    if month is None:
        return begins, begins.replace(year=begins.year + 1)
    if day is None:
        return begins, (begins + timedelta(days=32)).replace(day=1)
    lasts = timedelta(days=1) if hour is None else timedelta(minutes=1) if second is None else timedelta(seconds=1)
    return begins, begins + lasts


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_depth(text: str) -> None:
    depth, is_quoted, is_escaped = 0, False, False
    for at, char in enumerate(text):
        if char == '"' and not is_escaped:
            is_quoted = not is_quoted
        if not is_quoted and not is_escaped:
            depth += (char == "(") - (char == ")")
            if depth > DEEPEST:
                raise QueryError(text, at, f"more than {DEEPEST} parentheses within each other")
        is_escaped = char == "\\" and not is_escaped


def _said_plainly(text: str, error: str) -> QueryError:
    """luqum's error in our words, at its place."""
    quotes = [match.start() for match in re.finditer(r'(?<!\\)"', text)]
    if len(quotes) % 2:
        return QueryError(text, quotes[-1], 'a quotation mark is not closed; write phrases as "secret calls"')
    place = _PLACE.search(error)
    if place is None:
        opened = _unclosed(text)
        if opened is not None:
            return QueryError(text, opened, "this is not closed")
        return QueryError(text, len(text.rstrip()), "something is missing here, at the end")
    at = int(place[1])
    if text[at] in ")]}":
        return QueryError(text, at, "nothing stands before this, or nothing opened it")
    if re.match(r"(AND|OR|NOT)\b", text[at:]):
        return QueryError(text, at, "an operator without something on each side; the word itself: in lower case")
    if re.match(r"to\b", text[at:], re.IGNORECASE):
        return QueryError(text, at, "a range has TO in capitals: [2026-01-01 TO *]")
    return QueryError(text, at, "this means nothing here")


def _unclosed(text: str) -> int | None:
    opened = [match.start() for match in re.finditer(r"(?<!\\)[(\[{]", text)]
    closed = len(re.findall(r"(?<!\\)[)\]}]", text))
    return opened[closed - len(opened)] if closed < len(opened) else None
