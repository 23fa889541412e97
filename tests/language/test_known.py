"""A table of names that the user brings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import ConfigError
from pipeline.language.known import KnownNames, Table, load, parsed, written
from pipeline.language.names import Watched
from pipeline.language.ner import Span
from pipeline.language.read import Reader, Text
from pipeline.language.resources import Resources
from pipeline.model import Reading

if TYPE_CHECKING:
    from pipeline.language.ner import Recogniser

ZELENSKY = "Volodymyr Zelenskyy\tperson\tVolodymyr Zelensky|Zelensky|Zelenskyy\tQ3874799"
KYIV = "Kyiv\tplace\tKiev|Kyjiw\tQ1899"
SCHOLZ = Watched("scholz", "Olaf Scholz", "person")


def test_a_table_is_read() -> None:
    """A heading and comments are none of it; what is written is read the same."""
    table = parsed(["name\tkind\taliases\tQID\n", "# ours\n", "\n", ZELENSKY + "\r\n", KYIV])
    assert table.entities[1] == Watched("wikidata:Q1899", "Kyiv", "place", ("Kiev", "Kyjiw"))
    assert (len(table.entities), table.problems) == (2, ())
    assert parsed(written(table.entities)) == table


def test_a_bad_line_costs_itself() -> None:
    """It is told with its number and what was expected."""
    table = parsed(["A\tperson", "B\tghost\t\tQ1", "C\tperson\t\t42", "\tperson\t\tQ2", KYIV])
    assert [entity.name for entity in table.entities] == ["Kyiv"]
    assert [problem.partition(":")[0] for problem in table.problems] == ["line 1", "line 2", "line 3", "line 4"]
    assert "expected a QID such as Q7747 (got '42')" in table.problems[2]


def test_a_name_of_two_is_nobodys() -> None:
    """Only names that are one's alone say who is meant."""
    table = parsed(["Paris\tplace\tCity of Light\tQ90", "Paris Hilton\tperson\tParis\tQ1", "Paris\tperson\t\tQ2"])
    assert [(entity.key, entity.name, entity.aliases) for entity in table.entities] == [
        ("wikidata:Q90", "Paris", ("City of Light",)),
        ("wikidata:Q1", "Paris Hilton", ()),
    ]
    assert table.shared == 1


def test_lines_of_one_entity_are_joined() -> None:
    """The same QID twice is one entity."""
    assert parsed([KYIV, "Kiew\tplace\t\tQ1899"]).entities[0].aliases == ("Kiev", "Kyjiw", "Kiew")


def test_a_table_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """With the remedy."""
    with pytest.raises(ConfigError, match="wirewatch entities import"):
        load(tmp_path / "none.tsv")


def test_one_word_means_it_where_the_recogniser_saw_one_of_its_kind() -> None:
    """Several words in capitals mean it anywhere but inside a longer name."""
    names = KnownNames(parsed(["Jordan Peterson\tperson\tJordan\tQ1"]).entities)
    text = "Jordan met Jordan Peterson near Jordan Peterson Hall; jordan peterson."
    spans = [Span(0, 6, "GPE"), Span(32, 52, "FAC")]
    assert names.find(text, spans, []) == [(11, 26, "wikidata:Q1")]
    assert names.find("Jordan left.", [Span(0, 6, "PERSON")], []) == [(0, 6, "wikidata:Q1")]


def test_the_configuration_comes_first() -> None:
    """What shares a name with a configured entity is left out, and a configured name is not overlapped."""
    table: Table = parsed(["Olaf Scholz\tperson\tScholz der Kanzler\tQ61053", "Scholz Group\torganisation\t\tQ5"])
    names = KnownNames(table.entities, (SCHOLZ,))
    assert list(names.entities) == ["wikidata:Q5"]
    assert names.find("Scholz Group", [], [(0, 6, "scholz")]) == []


def test_an_entity_is_one_under_all_its_names(recogniser: Recogniser, tmp_path: Path) -> None:
    """Two stories that spell a name differently speak of one entity, and its surname is joined to it."""
    (tmp_path / "entities.tsv").write_text(f"{ZELENSKY}\n{KYIV}\n")
    reader = Reader((SCHOLZ,), recogniser, Resources(str(tmp_path / "entities.tsv")))
    stories = [
        Text("a", "", "Olaf Scholz met Volodymyr Zelensky in Kiev. Mr Zelensky thanked him."),
        Text("b", "", "Volodymyr Zelenskyy spoke in Kyiv, aides of Zelenskyy said."),
    ]
    first, second = reader.read(stories)
    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert {entity.key: (entity.name, entity.count) for entity in first.entities} == {
        "scholz": ("Olaf Scholz", 1),
        "wikidata:Q3874799": ("Volodymyr Zelenskyy", 2),
        "wikidata:Q1899": ("Kyiv", 1),
    }
    assert {"wikidata:Q3874799", "wikidata:Q1899"} <= {entity.key for entity in second.entities}
