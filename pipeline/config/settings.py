"""The settings, checked and frozen: what the configuration says once it is read. Secrets and passwords stay out of `repr`.

Each model checks what can be said of it alone; that names lead somewhere is checked in `references.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from pipeline.config.durations import PATTERN, format_duration, parse_duration
from pipeline.config.problems import without_user_info
from pipeline.config.secrets import checked_secret
from pipeline.model import Kind, Within

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_URL = 4096


def _printable(text: str) -> str:
    if _CONTROLS.search(text):
        raise ValueError("expected one line of text without control characters")
    return text


def _spoken(name: str) -> str:
    if not any(map(str.isalnum, name)):
        raise ValueError("expected a name with a letter or a digit: nothing else is looked for in a text")
    return name


def _web_address(url: str) -> str:
    """`url` as it is written: another spelling would be another feed to the store."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or len(url) > _LONGEST_URL or re.search(r"\s", url) or _CONTROLS.search(url):
        raise ValueError("expected a URL such as https://example.org/path")
    return url


def _language(code: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}", code):
        raise ValueError("expected a language's code in small letters, such as de")
    return code


def _package(name: str) -> str:
    if not name.isidentifier() or len(name) > 100:
        raise ValueError("expected the name of an installed spaCy model, such as de_core_news_sm")
    return name


def _store_address(address: str) -> str:
    if address.startswith("sqlite:///") and len(address) > len("sqlite:///"):
        return _printable(address)
    if address.startswith(("http://", "https://")):
        return _web_address(address)
    if address == "elasticsearch":
        return address
    raise ValueError(
        "expected sqlite:///PATH (a relative path: sqlite:///var/wirewatch.db) or the http(s):// URL of an Elasticsearch"
    )


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _limits(least: str, most: str) -> AfterValidator:
    """The check that a duration is from `least` to `most`."""
    bounds = parse_duration(least), parse_duration(most)

    def check(duration: timedelta) -> timedelta:
        if not bounds[0] <= duration <= bounds[1]:
            raise ValueError(f"expected {least} to {most}")
        return duration

    return AfterValidator(check)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_printable)]
Spoken = Annotated[Text, AfterValidator(_spoken)]
"""A name that a text can hold."""
EntityKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=200)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=200)]
Language = Annotated[str, AfterValidator(_language)]
Package = Annotated[str, AfterValidator(_package)]
WebAddress = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_web_address)]
Secret = Annotated[SecretStr, AfterValidator(lambda secret: SecretStr(checked_secret(secret.get_secret_value())))]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": rf"^({PATTERN})$|\$\{{", "examples": ["30s", "5m", "2h", "1d", "1h30m"]}),
]

Size = Annotated[
    ByteSize,
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)? ?[kKMG]?i?B?$|\$\{"}, {"type": "integer", "minimum": 0}]}
    ),
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, without_user_info(value) if isinstance(value, str) else value


class FeedSettings(_Model):
    """A feed that is polled."""

    url: WebAddress
    """The address of the feed (RSS, Atom or JSON Feed): http or https."""
    name: Annotated[str, Field(validate_default=True)] = ""
    """What people call it; the host of its URL where nothing is said."""
    every: Annotated[Duration, _limits("1s", "30d")] = timedelta(minutes=5)
    """How often it is polled: 1s to 30d."""
    tags: tuple[Text, ...] = ()
    """Words of your own to group feeds by."""

    @field_validator("name")
    @classmethod
    def _named(cls, name: str, info: ValidationInfo) -> str:
        return _printable(name.strip()) or urlsplit(info.data.get("url", "")).hostname or ""


class EntitySettings(_Model):
    """Somebody or something that is watched."""

    name: Spoken
    """The full name, as stories are indexed by it."""
    kind: Kind = "other"
    """What it is. A person's surname is known to be theirs."""
    aliases: tuple[Spoken, ...] = ()
    """Other names that mean it wherever they stand."""
    never: tuple[Text, ...] = ()
    """Names that hold one of its own and mean somebody else."""
    case: Literal["any", "exact"] = "any"
    """`exact`: its names are found only as they are written here."""
    accents: Literal["keep", "fold"] = "keep"
    """`fold`: its names are found without their accents too, and with others: Orbán, Orban."""


class WatchSettings(_Model):
    """What is looked for: entities that turn up together."""

    name: Name
    """What the alert calls it; no two watches share one."""
    all: Annotated[tuple[str, ...], Field(min_length=1)]
    """Keys of the entities that must all be there."""
    within: Within = "sentence"
    """How close together they must be."""
    alert: tuple[str, ...] = ()
    """Names of the webhooks that are told; without any the hits are still kept and can be searched."""


class WebhookSettings(_Model):
    """Where alerts are sent, signed as Standard Webhooks has it."""

    url: Annotated[WebAddress, Field(repr=False)]
    """The address that alerts are POSTed to: http or https."""
    secret: Secret
    """What alerts are signed with: `whsec_` and 24 to 64 bytes in base64, from the environment ("${NAME}") or a `secret_file`."""
    timeout: Annotated[Duration, _limits("1s", "5m")] = timedelta(seconds=15)
    """How long an answer is waited for: 1s to 5m."""


class PollingSettings(_Model):
    """How feeds are fetched."""

    timeout: Annotated[Duration, _limits("1s", "10m")] = timedelta(seconds=20)
    """How long a poll may take from the first byte to the last: 1s to 10m."""
    max_body: Annotated[Size, Field(ge=1_000, le=1_000_000_000)] = ByteSize(20_000_000)
    """The largest feed that is read, once decompressed: 1KB to 1GB; bytes, or a number with KB, MB, KiB, MiB."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 64
    """How many polls may be under way at once."""
    user_agent: Text = "wirewatch"
    """How Wirewatch presents itself. Publishers like to find an address to write to in it."""


class ElasticsearchSettings(_Model):
    """How the Elasticsearch of `store` is reached, where its URL does not say it all."""

    api_key: SecretStr | None = None
    """An API key, as Elasticsearch gives it encoded, from the environment ("${NAME}")."""
    ca_file: Text | None = None
    """The certificate authority that signed the server's certificate (PEM)."""
    cloud_id: Text | None = None
    """The cloud id of a deployment; `store` is then `elasticsearch`."""
    index_prefix: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=100)] = "wirewatch"
    """What the names of all indices begin with: one cluster may serve several."""
    timeout: Annotated[Duration, _limits("1s", "5m")] = timedelta(seconds=30)
    """How long an answer is waited for: 1s to 5m."""
    ilm_policy: Text | None = None
    """A policy of the server's ILM that begins and drops the indices of stories; without it, Wirewatch does."""


class RetentionSettings(_Model):
    """How long things are kept."""

    stories: Annotated[Duration, _limits("1d", "36500d")] | None = None
    """How long stories are kept after publication, hits and alerts after they were found: 1d to 36500d; without it, for ever."""


class EventSettings(_Model):
    """How stories of one happening are found."""

    encoder: Text | None = None
    """The file that `wirewatch events encoder` makes, relative to the current directory; else words and names have to do."""
    window: Annotated[Duration, _limits("1h", "6d")] = timedelta(hours=72)
    """Stories further apart are not compared, and the further apart, the less alike they count; an event may go on for longer."""


class Settings(_Model):
    """All that is configured."""

    store: Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_store_address)] = "sqlite:///var/wirewatch.db"
    """Where all is kept: sqlite:///PATH, relative to the current directory (four slashes: absolute), or an Elasticsearch's URL."""
    elasticsearch: ElasticsearchSettings = Field(default_factory=ElasticsearchSettings)
    """How the Elasticsearch of `store` is reached; each of its keys has a default."""
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    """How long things are kept; for ever where nothing is said."""
    feeds: tuple[FeedSettings, ...] = ()
    """The feeds that are polled."""
    entities: Mapping[EntityKey, EntitySettings] = Field(default_factory=dict)
    """Who and what is watched, by a key of your own (letters, digits, - and _)."""
    watches: tuple[WatchSettings, ...] = ()
    """What is looked for."""
    webhooks: Mapping[Name, WebhookSettings] = Field(default_factory=dict)
    """Where alerts go, by a name of your own (letters, digits, -, _ and .)."""
    processes: Annotated[int, Field(ge=1, le=1024)] | None = None
    """How many processes read stories; one a core where nothing is said."""
    languages: Mapping[Language, Package] = Field(default_factory=dict)
    """For languages other than English, by ISO 639-1 code, the installed spaCy model that reads them: `{fr: fr_core_news_sm}`."""
    known_entities: Text = "var/entities.tsv"
    """The table of names that `wirewatch entities import` makes, relative to the current directory; used where it is there."""
    polling: PollingSettings = Field(default_factory=PollingSettings)
    """How feeds are fetched; each of its keys has a default."""
    events: EventSettings = Field(default_factory=EventSettings)
    """How stories of one happening are found; by their words and whom they name where nothing is said."""
