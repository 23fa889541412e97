"""YAML text -> nodes that know their lines. Builds nothing but texts, lists and mappings: what a text means is for who reads it.

So `name: 1984` is the text "1984" and a key `no` is Norway. Built from the parser's events rather than by its composer, which is
as quick, knows every key's line, and is not crashed by a hundred thousand brackets.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

from pipeline.config.problems import Path, Problem, quoted

# libyaml's parser where PyYAML was built with it (every wheel is), twenty times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DEEPEST = 16
_MOST_NODES = 2_000_000
"""With aliases written out: a bomb of nine lines stands for a billion."""

_NULLS = ("", "~", "null", "Null", "NULL")
_TAB = re.compile(r" *\t")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*(?::-[^{}\n]*)?)\}")
_OPEN, _CLOSE = "\U0010fffc", "\U0010fffd"
_BRACES = str.maketrans({_OPEN: "{", _CLOSE: "}"})


class Scalar(NamedTuple):
    """A text as written; None where the file says nothing or null."""

    line: int
    text: str | None


class Entry(NamedTuple):
    """A value with the line of its key."""

    line: int
    node: Node


class Mapping(NamedTuple):
    """Values by key, in the order of the file."""

    line: int
    entries: dict[str, Entry]


class Sequence(NamedTuple):
    """Values in a row."""

    line: int
    items: list[Node]


Node = Scalar | Mapping | Sequence


class _UnreadableError(Exception):
    """The rest of the file makes no sense after this."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line, self.text = line, text


def parse(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """The only document of `text`, with the keys that it defines twice; None with the reason where it is no YAML.

    Of two values of a key the first counts. `${NAME}` may stand between braces without quotes, where YAML itself would see a
    mapping begin. Tags, keys that are no text, and a second document are refused.
    """
    builder = _Builder(file)
    try:
        for event in yaml.parse(_REFERENCE.sub(rf"${_OPEN}\1{_CLOSE}", text), Loader=_LOADER):
            builder.take(event)
    except _UnreadableError as error:
        return None, [Problem(file, error.line, (), error.text)]
    except yaml.YAMLError as error:
        return None, [_syntax_error(error, text, file)]
    return builder.root, builder.problems


def find(node: Node, path: Path) -> tuple[int, Node | None]:
    """The line of what `path` leads to in `node`, and what is there; the line of the last step that exists, and None."""
    line, here = node.line, node
    for step in path:
        if isinstance(here, Mapping) and (entry := here.entries.get(str(step))):
            line, here = entry
        elif isinstance(here, Sequence) and isinstance(step, int) and step < len(here.items):
            here = here.items[step]
            line = here.line
        else:
            return line, None
    return line, here


def described(node: Node | None, *, is_secret: bool = False) -> str:
    """What stands there, for a message; of a secret no more than that it does."""
    if node is None or (isinstance(node, Scalar) and node.text is None):
        return "nothing"
    if isinstance(node, Scalar):
        return "a text that is not shown" if is_secret else quoted(node.text or "")
    return "a list" if isinstance(node, Sequence) else "a mapping"


class _Open(NamedTuple):
    """A list or mapping whose end has not come yet."""

    node: Mapping | Sequence
    anchor: str | None
    size_before: int


class _Builder:
    """Takes the events of a document, one by one."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._keys: list[tuple[str, int] | None] = []
        """For each open collection the key that waits for its value, with its line."""
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._size = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event, event.start_mark.line + 1)
        elif kind is yaml.MappingStartEvent:
            self._begin(event, Mapping(event.start_mark.line + 1, {}))
        elif kind is yaml.SequenceStartEvent:
            self._begin(event, Sequence(event.start_mark.line + 1, []))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end()
        elif kind is yaml.AliasEvent:
            self._alias(event.anchor, event.start_mark.line + 1)
        elif kind is yaml.DocumentStartEvent and self.root is not None:
            raise _UnreadableError(event.start_mark.line + 1, "expected one document (found a second after `---`)")

    def _scalar(self, event: Any, line: int) -> None:
        _refuse_tag(event, line)
        text = event.value
        if _OPEN in text:
            text = text.translate(_BRACES)
        if self._awaits_key():
            self._keys[-1] = (text, line)
        else:
            self._add(Scalar(line, None if event.implicit[0] and text in _NULLS else text), 1, event.anchor)

    def _begin(self, event: Any, node: Mapping | Sequence) -> None:
        _refuse_tag(event, node.line)
        self._refuse_as_key(node.line)
        if len(self._open) == _DEEPEST:
            raise _UnreadableError(node.line, f"expected at most {_DEEPEST} levels of lists and mappings")
        self._open.append(_Open(node, event.anchor, self._size))
        self._keys.append(None)

    def _end(self) -> None:
        done = self._open.pop()
        self._keys.pop()
        size = self._size - done.size_before
        self._size = done.size_before
        self._add(done.node, size + 1, done.anchor)

    def _alias(self, anchor: str, line: int) -> None:
        self._refuse_as_key(line)
        if anchor not in self._anchors:
            raise _UnreadableError(line, f"expected `&{anchor}` before `*{anchor}` (quote a text that begins with *)")
        self._add(*self._anchors[anchor], None)

    def _add(self, node: Node, size: int, anchor: str | None) -> None:
        self._size += size
        if self._size > _MOST_NODES:
            raise _UnreadableError(node.line, f"expected at most {_MOST_NODES:,} values, with all aliases written out")
        if anchor:
            self._anchors[anchor] = (node, size)
        if not self._open:
            self.root = node
        elif isinstance(into := self._open[-1].node, Sequence):
            into.items.append(node)
        elif waiting := self._keys[-1]:
            self._keys[-1] = None
            self._define(into, *waiting, node)

    def _define(self, into: Mapping, key: str, line: int, node: Node) -> None:
        if first := into.entries.get(key):
            text = f"expected a key of its own; it is defined already at {self.file}:{first.line}"
            self.problems.append(Problem(self.file, line, (*self._path(), key), text))
        else:
            into.entries[key] = Entry(line, node)

    def _path(self) -> Path:
        """The way to the innermost open collection."""
        return tuple(map(_step, self._open[:-1], self._keys[:-1]))

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].node, Mapping) and self._keys[-1] is None

    def _refuse_as_key(self, line: int) -> None:
        if self._awaits_key():
            raise _UnreadableError(line, "expected a text as key (quote a value that begins with {, [ or *)")


def _step(opened: _Open, key: tuple[str, int] | None) -> str | int:
    """Which part of an open collection is being read."""
    if isinstance(opened.node, Sequence):
        return len(opened.node.items)
    return key[0] if key else ""


def _refuse_tag(event: Any, line: int) -> None:
    if event.tag is not None and event.tag != "!":
        raise _UnreadableError(line, f"expected no tag (got {quoted(event.tag)}); quote a text that begins with !")


def _syntax_error(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """What the parser says, without the lines it says it of: they may hold a secret."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        odd = yaml.reader.Reader.NON_PRINTABLE.search(text)
        line = text.count("\n", 0, odd.start()) + 1 if odd else 0
        return Problem(file, line, (), "expected text (found a character that YAML does not allow)")
    said = str(error.problem or error.context).translate(_BRACES)
    begun = getattr(error, "context_mark", None)
    where = f" in what begins on line {begun.line + 1}" if begun and begun.line != mark.line else ""
    has_tab = any(_TAB.match(line) for line in text.split("\n")[mark.line : mark.line + 1])
    remedy = "YAML is indented with spaces, never tabs" if has_tab else "quote a text with : # { [ * & ! or @ in it"
    return Problem(file, mark.line + 1, (), f"expected YAML ({said}{where}); {remedy}")
