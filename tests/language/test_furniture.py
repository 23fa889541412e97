"""What stands in a story and is not told by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.language.furniture import is_outlet, silent
from pipeline.language.read import Reader, Text
from pipeline.model import Entity, Mention, Reading

if TYPE_CHECKING:
    from pipeline.language.ner import Recogniser


def unheard(text: str, *names: str, source: str = "") -> set[str]:
    """Those of `names`, mentions of `text`, by which nobody meets anybody."""
    mentions = [Mention("text", text.index(name), text.index(name) + len(name), "ORG", name, name, 0) for name in names]
    entities = [Entity(name, name, "organisation", 1) for name in names]
    return {names[at] for at in silent(mentions, entities, "", text, source)}


@pytest.mark.parametrize(
    ("text", "told", "untold"),
    [
        ("LONDON (Reuters) - Joe Biden met Olaf Scholz.", ["Joe Biden", "Olaf Scholz"], ["LONDON", "Reuters"]),
        ("By Jane Doe and John Smith\nJoe Biden spoke.", ["Joe Biden"], ["Jane Doe", "John Smith"]),
        ("Joe Biden waves. Photograph: Stefan Rousseau/PA", ["Joe Biden"], ["Stefan Rousseau", "PA"]),
        ("Joe Biden waves. (Mark Lennihan/AP)", ["Joe Biden"], ["Mark Lennihan", "AP"]),
        ("Joe Biden spoke. (Reporting by Tom Hals; Editing by Lisa Shumaker)", ["Joe Biden"], ["Tom Hals", "Lisa Shumaker"]),
        ("Joe Biden in Berlin. Getty Images", ["Joe Biden", "Berlin"], ["Getty Images"]),
        ("By Monday evening Joe Biden and Getty had agreed with Reuters.", ["Joe Biden", "Getty", "Reuters"], []),
    ],
)
def test_datelines_bylines_and_credits_are_not_told(text: str, told: list[str], untold: list[str]) -> None:
    """Their names meet nobody; the same names elsewhere do."""
    assert unheard(text, *told, *untold) == set(untold)


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("BBC", "bbc.co.uk"),
        ("BBC News", "bbc.co.uk"),
        ("The New York Times", "nytimes.com"),
        ("Financial Times", "ft.com"),
        ("the Guardian", "theguardian.com"),
        ("Al Jazeera", "aljazeera.com"),
    ],
)
def test_an_outlet_is_known_by_its_domain(name: str, domain: str) -> None:
    """Spelled out or by initials."""
    assert is_outlet(name, domain)
    assert unheard(f"Olaf Scholz told {name}.", "Olaf Scholz", name, source=domain) == {name}


@pytest.mark.parametrize(
    ("name", "domain"), [("Washington", "washingtonpost.com"), ("Reuters", ""), ("", "bbc.co.uk"), ("Fox", "x.com")]
)
def test_others_are_no_outlet(name: str, domain: str) -> None:
    """Part of a domain is not it."""
    assert not is_outlet(name, domain)


def test_the_outlet_meets_nobody(recogniser: Recogniser) -> None:
    """Of a story of its own, however often it names itself; in another's story it is somebody."""
    text = "Angela Merkel met Emmanuel Macron in Paris on Friday, a spokesman told Reuters."

    def partners(source: str) -> set[str]:
        reading = Reader((), recogniser).read([Text("v", "", text, source)])[0]
        assert isinstance(reading, Reading)
        return {key for pair in (*reading.pairs, *reading.apart) for key in (pair.a, pair.b)}

    assert "organisation:reuters" in partners("dw.com")
    assert partners("reuters.com") == {"person:angela-merkel", "person:emmanuel-macron", "place:paris"}


@pytest.mark.parametrize(
    "text", ["A." * 50_000, "By Aa " * 20_000, "/PA" * 30_000, "Photo: " * 10_000, "x" * 100_000, "(" * 100_000]
)
def test_hostile_text_takes_no_more_time_than_its_length(text: str) -> None:
    """No rule goes back and forth over it."""
    assert isinstance(silent([Mention("text", 0, 1, "ORG", "A", "a", 0)], [], "", text, "a.com"), frozenset)
