import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from pipeline.config import (
    EntitySettings,
    EventSettings,
    FeedSettings,
    PollingSettings,
    Settings,
    WatchSettings,
    WebhookSettings,
    json_schema,
)
from pipeline.config.nodes import Mapping, Node, Sequence, parse

CONFIGS = Path(__file__).parents[2] / "configs"
EXAMPLES = sorted(CONFIGS.rglob("*.yaml"))
SCHEMA = json_schema()


def plain(node: Node | None) -> Any:
    if isinstance(node, Mapping):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    return [plain(item) for item in node.items] if isinstance(node, Sequence) else node and node.text


def errors(value: Any, schema: dict[str, Any], at: str = "") -> Iterator[str]:
    """What the parts of JSON Schema that ours uses say of `value`, whose numbers are texts as in YAML nodes."""
    if "$ref" in schema:
        yield from errors(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], at)
    for key, quantity in (("anyOf", any), ("oneOf", lambda found: sum(found) == 1)):
        if key in schema and not quantity([not list(errors(value, choice, at)) for choice in schema[key]]):
            yield f"{at}: {key}"
    kinds = {"object": dict, "array": list, "string": str, "integer": str, "null": type(None)}
    if not isinstance(value, kinds.get(schema.get("type", ""), object)):
        yield f"{at}: {schema['type']}"
    elif isinstance(value, dict):
        yield from errors_of_object(value, schema, at)
    elif isinstance(value, list):
        yield from (error for item in value for error in errors(item, schema.get("items", {}), f"{at}[]"))
    elif isinstance(value, str) and not (value in schema.get("enum", [value]) and re.search(schema.get("pattern", ""), value)):
        yield f"{at}: {value}"


def errors_of_object(value: dict[str, Any], schema: dict[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}.{key}: required" for key in schema.get("required", ()) if key not in value)
    for key, inner in value.items():
        known = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
        patterns = schema.get("patternProperties", {})
        found = [known] if known else [sub for pattern, sub in patterns.items() if re.search(pattern, key)]
        if not found and (patterns or schema.get("additionalProperties") is False):
            yield f"{at}.{key}: unknown"
        yield from (error for sub in found for error in errors(inner, sub, f"{at}.{key}"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_fit_the_schema(path: Path) -> None:
    """What we show in an editor is not underlined there."""
    root, _ = parse(path.read_text(encoding="utf-8"), path.name)
    assert list(errors(plain(root), SCHEMA)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"feed": []},
        {"feeds": [{}]},
        {"feeds": [{"url": "http://x/", "every": "5 minutes"}]},
        {"feeds": [{"url": "http://x/", "zzz": "1"}]},
        {"entities": {"a:b": {"name": "x"}}},
        {"entities": {"a": {"name": "x", "kind": "preson"}}},
        {"watches": [{"name": "w", "all": ["x"], "within": "page"}]},
        {"webhooks": {"a": {"url": "http://x/"}}},
        {"webhooks": {"a": {"url": "http://x/", "secret": "x", "secret_file": "y"}}},
    ],
)
def test_what_is_wrong_does_not_fit_the_schema(wrong: dict[str, Any]) -> None:
    """Unknown keys, missing keys, durations, choices, one secret and not two."""
    assert list(errors(wrong, SCHEMA))


def test_durations_and_variables_fit_as_they_are_written() -> None:
    """`1h30m` and `${EVERY:-5m}`; the defaults too are shown as durations."""
    assert not list(errors({"feeds": [{"url": "x", "every": every} for every in ("1h30m", "${EVERY:-5m}")]}, SCHEMA))
    assert SCHEMA["$defs"]["FeedSettings"]["properties"]["every"]["default"] == "5m"


@pytest.mark.parametrize(
    "model", [Settings, FeedSettings, EntitySettings, WatchSettings, WebhookSettings, PollingSettings, EventSettings]
)
def test_every_key_is_described(model: type[BaseModel]) -> None:
    """In the schema, and with it wherever an editor shows it."""
    described = SCHEMA if model is Settings else SCHEMA["$defs"][model.__name__]
    assert {*model.model_fields} <= {*described["properties"]}
    assert all(known.get("description") for known in described["properties"].values())


def test_the_schema_is_json() -> None:
    """It can be written to a file, with its dialect."""
    assert json.loads(json.dumps(SCHEMA))["$schema"] == "https://json-schema.org/draft/2020-12/schema"
