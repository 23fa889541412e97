from collections.abc import Callable

import pytest

from pipeline.config import Settings


def entity(name: str) -> str:
    return f"entities: {{x: {{name: {name}}}}}"


@pytest.mark.parametrize(
    ("written", "env", "said"),
    [
        ("${WHO}", {"WHO": "Elon Musk"}, "Elon Musk"),
        ("'the ${WHO}!'", {"WHO": "boss"}, "the boss!"),
        ("${WHO:-nobody at all}", {}, "nobody at all"),
        ("${WHO:-nobody}", {"WHO": ""}, "nobody"),
        ("${WHO:-nobody}", {"WHO": "somebody"}, "somebody"),
        ("'$${WHO}'", {}, "${WHO}"),
        ("'$WHO $ {}'", {}, "$WHO $ {}"),
        ("${WHO}", {"WHO": "${OTHER} {a: [b]} # c"}, "${OTHER} {a: [b]} # c"),
    ],
)
def test_a_variable_is_filled_in_as_text(
    written: str, env: dict[str, str], said: str, settings_of: Callable[..., Settings]
) -> None:
    """What a variable says is neither YAML nor another variable; a default stands for what is not set or empty."""
    assert settings_of(entity(written), env=env).entities["x"].name == said


def test_numbers_and_lists_may_come_from_variables(settings_of: Callable[..., Settings]) -> None:
    """A value is read after it is filled in."""
    settings = settings_of(
        "processes: ${N}\nfeeds: [{url: 'http://x/', every: '${M}m', tags: ['${T}']}]", env={"N": "3", "M": "7", "T": "a"}
    )
    assert (settings.processes, settings.feeds[0].every.total_seconds(), settings.feeds[0].tags) == (3, 420, ("a",))


def test_a_missing_variable_is_an_error_with_file_line_and_name(complaints: Callable[..., list[str]]) -> None:
    """Each once, and without what would only follow from it."""
    text = "webhooks:\n  desk:\n    url: http://x/\n    secret: ${NO_SECRET}\nprocesses: ${N}\nstore: '${A}${B}'"
    assert [line.partition("; ")[0] for line in complaints(text, env={})] == [
        "main.yaml:4: webhooks.desk.secret: the environment variable NO_SECRET is not set",
        "main.yaml:5: processes: the environment variable N is not set",
        "main.yaml:6: store: the environment variable A is not set",
        "main.yaml:6: store: the environment variable B is not set",
    ]


@pytest.mark.parametrize("written", ["'${}'", "'${1X}'", "'${WHO'", "'${WHO-x}'"])
def test_a_reference_that_is_none_is_an_error(written: str, complaints: Callable[..., list[str]]) -> None:
    """It says how one is written."""
    assert "expected `${NAME}` or `${NAME:-default}`" in complaints(entity(written))[0]


def test_an_error_shows_what_the_file_says_and_not_the_environment(complaints: Callable[..., list[str]], secret: str) -> None:
    """Whatever the field: a variable may hold a secret."""
    text = "feeds: [{url: '${S}', every: '${S}'}]\nentities: {x: {name: X, kind: '${S}'}}\nstore: ${S}\nprocesses: ${S}\n"
    more = "watches: [{name: '${S}', all: ['${S}'], alert: ['${S}']}]\npolling: {max_body: '${S}'}"
    lines = complaints(text + more, env={"S": f"{secret} "})
    assert len(lines) == 9
    assert not any(secret in line for line in lines)
    assert "main.yaml:1: feeds[0].every: expected a duration such as 30s, 5m, 2h, 1d or 1h30m (got '${S}')" in lines


def test_a_variable_in_an_include_names_files(settings_of: Callable[..., Settings]) -> None:
    """So one configuration serves several desks."""
    assert settings_of("include: ${DESK}.yaml", {"asia.yaml": entity("X")}, {"DESK": "asia"}).entities
