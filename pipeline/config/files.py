"""The files of a configuration: the one that is named and all that it includes, as one row of entries that know their place.

Does not care what an entry says, only in which section it stands.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.config.interpolate import Interpolation
from pipeline.config.nodes import Entry, Mapping, Node, Scalar, Sequence, described, find, parse
from pipeline.config.problems import Path as KeyPath
from pipeline.config.problems import Problem, unknown_key

LISTS = ("feeds", "watches")
MAPPINGS = ("entities", "webhooks")
SINGLE = ("store", "elasticsearch", "processes", "languages", "known_entities", "polling", "retention", "events")
"""What only the main file may say."""

_LARGEST_FILE_BYTES = 20_000_000
_MOST_FILES = 10_000


class Placed(NamedTuple):
    """An entry of a section, with where it stands."""

    section: str
    key: str
    """Of a mapping's entry; the section's own name where the section is a single value; empty in a list."""
    node: Node
    file: str
    """As people are told of it."""
    path: KeyPath
    line: int
    directory: Path
    """Of the file: what paths in it are relative to."""

    def problem(self, text: str, *steps: str | int) -> Problem:
        """A problem with what `steps` lead to in this entry, or with the entry itself."""
        line, there = find(self.node, steps)
        is_own = not steps or (there is None and len(steps) == 1)
        return Problem(self.file, self.line if is_own else line, (*self.path, *steps), text)


class _Include(NamedTuple):
    """A file that is to be read, and who asks for it."""

    path: Path
    chain: tuple[Path, ...] = ()
    """The files that include it, the main one first; resolved."""


def entries(main: Path, interpolation: Interpolation, problems: list[Problem]) -> list[Placed]:
    """The entries of `main` and of what it includes: a file's own first, then the included ones' by pattern and path.

    A file that is included twice is read once. What is wrong is added to `problems`.
    """
    found: list[Placed] = []
    read: set[Path] = set()
    waiting = [_Include(main)]
    while waiting:
        include = waiting.pop()
        resolved = include.path.resolve()
        if resolved in read:
            continue
        read.add(resolved)
        if len(read) > _MOST_FILES:
            problems.append(Problem(str(include.path), 0, (), f"expected at most {_MOST_FILES:,} files in one configuration"))
            break
        if root := _document(include.path, problems):
            found += _sections(root, include, problems)
            waiting += reversed(_included(root, include, interpolation, problems))
    return found


def _document(path: Path, problems: list[Problem]) -> Mapping | None:
    """The mapping that the file holds."""
    try:
        text = _text(path)
    except ValueError as error:
        problems.append(Problem(str(path), 0, (), str(error)))
        return None
    root, found = parse(text, str(path))
    problems += found
    if isinstance(root, Mapping) and root.entries:
        return root
    if root is None and found:
        return None
    is_empty = root is None or isinstance(root, Mapping) or _is_nothing(root)
    what = "the file is empty" if is_empty else f"got {described(root, is_secret=True)}"
    problems.append(Problem(str(path), 0, (), f"expected keys such as feeds, entities and watches ({what})"))
    return None


def _text(path: Path) -> str:
    """The text of a file; raises ValueError, which says why there is none."""
    try:
        if not path.is_file():
            raise ValueError("expected a file (this is none)" if path.exists() else "there is no such file")
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"expected a file that can be read ({error.strerror})") from None
    if len(content) > _LARGEST_FILE_BYTES:
        raise ValueError(f"expected at most {_LARGEST_FILE_BYTES // 1_000_000} MB; split it and use `include`")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"expected UTF-8 (line {line} holds other bytes)") from None


def _sections(root: Mapping, include: _Include, problems: list[Problem]) -> Iterator[Placed]:
    """The entries of a file, section by section."""
    file, allowed = str(include.path), (*LISTS, *MAPPINGS, "include", *(() if include.chain else SINGLE))
    for section, entry in root.entries.items():
        if section not in allowed:
            problems.append(Problem(file, entry.line, (section,), _refusal(section, allowed)))
        elif section != "include" and not _is_nothing(entry.node):
            yield from _section(section, entry, include, problems)


def _section(section: str, entry: Entry, include: _Include, problems: list[Problem]) -> Iterator[Placed]:
    file, directory, node = str(include.path), include.path.parent, entry.node
    if section in SINGLE:
        yield Placed(section, section, node, file, (section,), entry.line, directory)
    elif section in MAPPINGS and isinstance(node, Mapping):
        for key, (line, value) in node.entries.items():
            yield Placed(section, key, value, file, (section, key), line, directory)
    elif section in LISTS and isinstance(node, Sequence):
        for at, value in enumerate(node.items):
            yield Placed(section, "", value, file, (section, at), value.line, directory)
    else:
        shape = "a mapping of keys to values" if section in MAPPINGS else "a list, each entry after a `-`"
        problems.append(Problem(file, entry.line, (section,), f"expected {shape} (got {described(node, is_secret=True)})"))


def _included(root: Mapping, include: _Include, interpolation: Interpolation, problems: list[Problem]) -> list[_Include]:
    """The files that a file includes, in order."""
    chain = (*include.chain, include.path.resolve())
    found: list[_Include] = []
    for entry in _patterns(root, include):
        pattern = interpolation.plain(entry.node, entry.file, entry.path)
        if not isinstance(pattern, str):
            if not isinstance(entry.node, Scalar) or entry.node.text is None:
                problems.append(entry.problem(f"expected a path or pattern (got {described(entry.node)})"))
            continue
        paths = _matching(pattern, entry.directory)
        if not paths:
            text = f"expected a path or pattern of files, relative to {entry.directory} (nothing matches {described(entry.node)})"
            problems.append(entry.problem(text))
        problems += (entry.problem(_cycle(path, chain)) for path in paths if path.resolve() in chain)
        found += (_Include(path, chain) for path in paths if path.resolve() not in chain)
    return found


def _patterns(root: Mapping, include: _Include) -> Iterator[Placed]:
    """What a file says under `include`: a text, or a list of them."""
    file, directory = str(include.path), include.path.parent
    if (entry := root.entries.get("include")) is None or _is_nothing(entry.node):
        return
    if isinstance(entry.node, Sequence):
        for at, node in enumerate(entry.node.items):
            yield Placed("include", "", node, file, ("include", at), node.line, directory)
    else:
        yield Placed("include", "", entry.node, file, ("include",), entry.line, directory)


def _matching(pattern: str, directory: Path) -> list[Path]:
    # Path.glob takes hidden files too (an editor's copies), and refuses absolute patterns.
    names = glob.iglob(pattern, root_dir=directory, recursive=True)  # noqa: PTH207
    return sorted(path for name in names if (path := directory / name).is_file())


def _cycle(path: Path, chain: tuple[Path, ...]) -> str:
    way = " -> ".join(step.name for step in (*chain[chain.index(path.resolve()) :], path))
    return f"expected a file that does not include this one again ({way})"


def _refusal(section: str, allowed: tuple[str, ...]) -> str:
    if section in SINGLE:
        return "expected in the main file only, not in one that is included"
    return unknown_key(section, allowed)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text is None
