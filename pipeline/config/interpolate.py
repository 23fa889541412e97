"""Nodes -> plain values, with `${NAME}` replaced by what the environment says."""

from __future__ import annotations

import re
from collections.abc import Mapping as Environment

from pipeline.config.nodes import Mapping, Node, Scalar
from pipeline.config.problems import Path, Problem

Plain = str | None | list["Plain"] | dict[str, "Plain"]

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}\n]*))?\}|\$\{", re.ASCII)


class Interpolation:
    """Reads nodes with one environment; keeps what was wrong.

    `${NAME:-default}` stands for the default where the variable is not set or empty, `$${` for the characters `${`. What a variable
    says is never read as YAML, nor interpolated again.
    """

    def __init__(self, env: Environment[str, str]) -> None:
        self._env = env
        self.problems: list[Problem] = []

    def plain(self, node: Node, file: str, path: Path) -> Plain:
        """What `node` says; `path` is where it stands in `file`. A key without a value is left out, as if it were not there.

        A text with a problem is None: nobody knows what it says.
        """
        if isinstance(node, Scalar):
            return node.text if node.text is None or "${" not in node.text else self._filled(node, node.text, file, path)
        if isinstance(node, Mapping):
            values = {key: self.plain(entry.node, file, (*path, key)) for key, entry in node.entries.items()}
            return {key: value for key, value in values.items() if value is not None}
        return [self.plain(item, file, (*path, at)) for at, item in enumerate(node.items)]

    def _filled(self, node: Scalar, text: str, file: str, path: Path) -> str | None:
        missing: list[str] = []

        def value(reference: re.Match[str]) -> str:
            if reference[0] == "$${":
                return "${"
            name, default = reference["name"], reference["default"]
            found = self._env.get(name) if name else None
            if found is None and default is None:
                missing.append(_missing(name))
            return found or default or ""

        filled = _REFERENCE.sub(value, text)
        self.problems += (Problem(file, node.line, path, text) for text in missing)
        return None if missing else filled


def _missing(name: str | None) -> str:
    if name is None:
        return "expected `${NAME}` or `${NAME:-default}` (`$${` stands for the characters themselves)"
    return f"the environment variable {name} is not set; set it, or give a default: `${{{name}:-default}}`"
