"""The configuration: YAML -> checked, frozen settings.

`load` reads it, `warnings` says what is hardly meant, `json_schema` tells editors. Does not care whether a feed answers or a store
is there.
"""

from pipeline.config.durations import format_duration, parse_duration
from pipeline.config.loader import load
from pipeline.config.oddities import warnings
from pipeline.config.schema import json_schema
from pipeline.config.settings import (
    ElasticsearchSettings,
    EntitySettings,
    EventSettings,
    FeedSettings,
    PollingSettings,
    RetentionSettings,
    Settings,
    WatchSettings,
    WebhookSettings,
)

__all__ = [
    "ElasticsearchSettings",
    "EntitySettings",
    "EventSettings",
    "FeedSettings",
    "PollingSettings",
    "RetentionSettings",
    "Settings",
    "WatchSettings",
    "WebhookSettings",
    "format_duration",
    "json_schema",
    "load",
    "parse_duration",
    "warnings",
]
