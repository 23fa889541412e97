"""`wirewatch pairs` and `wirewatch entities import`, typed as a user types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.errors import ConfigError, WirewatchError
from pipeline.model import Entity, Pair, Reading, ReadStory, Story, Version
from pipeline.store.address import close_stores, store_at


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "wirewatch.yaml"
    path.write_text(f"store: sqlite:///{tmp_path}/wirewatch.db\nknown_entities: {tmp_path}/var/entities.tsv\n")
    yield path
    close_stores()
    structlog.reset_defaults()


def wirewatch(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def told(number: int, at: datetime, *names: str) -> ReadStory:
    """A story in which two people meet."""
    a, b = (Entity(f"person:{name.lower()}", name, "person", 1) for name in names)
    version = Version(f"v{number}", at, at, "t")
    story = Story(f"s{number}", "t", "x", None, "example.org", ("https://example.org/f",), "en", at, at, (version,), f"e{number}")
    return ReadStory(story, Reading(version.id, entities=(a, b), pairs=(Pair(a.key, b.key, 1, (0,)),)))


def test_new_and_rising_pairs_are_listed(config: Path, tmp_path: Path) -> None:
    """The one that is new, not the one that always meets; for people and for programs."""
    now = datetime.now(UTC)
    stories = [told(n, now - timedelta(days=n % 20, hours=1), "Biden", "Putin") for n in range(40)]
    stories += [told(100 + n, now - timedelta(hours=n + 1), "Musk", "Xi") for n in range(4)]
    store_at(f"sqlite:///{tmp_path}/wirewatch.db").stories.put(stories)
    (line,) = map(json.loads, wirewatch("pairs", "--since", "30d", "--recent", "2d", "--json", "-c", str(config)).splitlines())
    assert (line["a"], line["b"], line["stories"], line["before"], line["is_new"]) == ("Musk", "Xi", 4, 0, True)
    assert "Musk – Xi: 4 stories" in wirewatch("pairs", 'entity:"Musk"', "--recent", "2d", "-c", str(config))
    assert wirewatch("pairs", 'entity:"Nobody"', "-c", str(config)) == ""


@pytest.mark.parametrize("options", [("--since", "soon"), ("--since", "1d", "--recent", "2d")])
def test_spans_that_make_no_sense_are_told(config: Path, options: tuple[str, ...]) -> None:
    """With the option that is wrong."""
    with pytest.raises(ConfigError, match="pairs: --"):
        wirewatch("pairs", *options, "-c", str(config))


def test_a_table_of_names_is_imported(config: Path, tmp_path: Path) -> None:
    """Lines that cannot be used are told with their place; a second import replaces the first."""
    table = tmp_path / "names.tsv"
    table.write_text("Kyiv\tplace\tKiev\tQ1899\nnonsense\n")
    said = wirewatch("entities", "import", str(table), "-c", str(config))
    assert f"{table}: line 2: expected name, kind, aliases and QID" in said
    assert "1 entities with 2 names" in said
    table.write_text("Lviv\tplace\t\tQ36036\n")
    wirewatch("entities", "import", str(table), "-c", str(config))
    assert (tmp_path / "var" / "entities.tsv").read_text().splitlines()[1:] == ["Lviv\tplace\t\tQ36036"]


def test_a_table_without_names_replaces_nothing(config: Path, tmp_path: Path) -> None:
    """Nor one that is not there."""
    (tmp_path / "bad.tsv").write_text("nonsense\n")
    with pytest.raises(WirewatchError, match="no entity that can be used"):
        wirewatch("entities", "import", str(tmp_path / "bad.tsv"), "-c", str(config))
    with pytest.raises(ConfigError, match="cannot read"):
        wirewatch("entities", "import", str(tmp_path / "none.tsv"), "-c", str(config))
    assert not (tmp_path / "var").exists()
