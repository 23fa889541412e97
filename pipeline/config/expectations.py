"""pydantic's errors in our words: what was expected, what the file says, what helps."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pipeline.config.nodes import Node, Scalar, described
from pipeline.config.problems import did_you_mean, unknown_key

_SHAPES = {
    "tuple_type": "a list, such as [one, two]",
    "model_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values",
    "string_type": "a text",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "byte_size": "a size such as 500KB, 20MB or 20MiB",
    "byte_size_unit": "a size such as 500KB, 20MB or 20MiB",
    "time_delta_type": "a duration such as 30s, 5m, 2h, 1d or 1h30m",
    "string_too_short": "a text that is not empty",
    "too_short": "at least one entry",
}


def explain(error: ErrorDetails, model: type[BaseModel], node: Node | None, *, is_secret: bool) -> str:
    """What is wrong with `node`, an entry of a `model` or a part of one; what it says is quoted unless `is_secret`."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(str(error["loc"][-1]), tuple(model.model_fields))
    if kind == "missing":
        return _required(model, str(error["loc"][-1]))
    got = f" (got {described(node, is_secret=is_secret)})"
    if kind == "literal_error":
        hint = did_you_mean(node.text, _choices(context)) if isinstance(node, Scalar) and node.text and not is_secret else ""
        return f"expected {context['expected'].replace(chr(39), '')}{got}{hint}"
    if kind == "value_error":
        return f"{context['error']}{got}"
    return f"expected {_expected(kind, context) or error['msg']}{got}"


def _required(model: type[BaseModel], key: str) -> str:
    description = model.model_fields[key].description or "it has no default"
    return f"is required: {description[0].lower()}{description[1:].rstrip('.')}"


def _expected(kind: str, context: dict[str, Any]) -> str | None:
    if kind == "string_pattern_mismatch":
        return "letters, digits, " + (". - and _ only" if "." in context["pattern"] else "- and _ only")
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters"
    for limit, words in (("ge", "at least"), ("le", "at most")):
        if limit in context:
            return f"{words} {context[limit]:,}"
    return _SHAPES.get(kind)


def _choices(context: dict[str, Any]) -> list[str]:
    return [choice.strip(" '") for choice in context["expected"].replace(" or ", ",").split(",")]
