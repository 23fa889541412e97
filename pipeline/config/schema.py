"""The JSON Schema of the configuration as it is written in YAML: for editors, and `wirewatch validate --schema`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from pipeline.config.durations import format_duration
from pipeline.config.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string", "minLength": 1}


class _AsWritten(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def json_schema() -> dict[str, Any]:
    """The schema of a file: the main one, or one that is included (no key is required)."""
    schema = Settings.model_json_schema(schema_generator=_AsWritten)
    schema["properties"]["include"] = {
        "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
        "description": "Files or patterns (watchlists/*.yaml) with more feeds, entities, watches and webhooks, from here.",
        "title": "Include",
    }
    webhook = schema["$defs"]["WebhookSettings"]
    webhook["properties"]["secret_file"] = {
        **_TEXT,
        "description": "A file that holds the secret, relative to this file; instead of `secret`.",
        "title": "Secret File",
    }
    webhook["required"].remove("secret")
    webhook["oneOf"] = [{"required": ["secret"]}, {"required": ["secret_file"]}]
    return {"$schema": DIALECT, **schema, "title": "Wirewatch configuration"}
