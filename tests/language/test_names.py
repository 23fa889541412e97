"""The configured names in a text."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.names import Names, Watched, watched
from pipeline.model import Kind

MUSK = Watched("musk", "Elon Musk", "person", ("Musk",), ("Kimbal Musk", "Musk Foundation"))
PUTIN = Watched("putin", "Vladimir Putin", "person", ("Putin", "the Russian president"))
PARTY = Watched("party", "Sinn Féin", "group", ("O'Neill's party",))
US = Watched("us", "US", "place", is_exact=True)
WHO = Watched("who", "WHO", "organisation")
CHINESE = Watched("ma", "马斯克", "person")
QAIDA = Watched("qaida", "al-Qaida", "group")


def found(text: str, *entities: Watched) -> list[tuple[str, str]]:
    return [
        (text[start:end], key) for start, end, key in Names(entities or (MUSK, PUTIN, PARTY, US, WHO, CHINESE, QAIDA)).find(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Elon Musk and Putin", [("Elon Musk", "musk"), ("Putin", "putin")]),
        ("ELON MUSK", [("ELON MUSK", "musk")]),
        ("Musk's, Musk’s", [("Musk", "musk"), ("Musk", "musk")]),
        ("Musk-Putin", [("Musk", "musk"), ("Putin", "putin")]),
        ("Elon \n Musk", [("Elon \n Musk", "musk")]),
        ("The Russian\npresident", [("The Russian\npresident", "putin")]),
        ("Elon\u200b Musk\u00ad.", [("Elon\u200b Musk", "musk")]),
        ("Sinn Fe\u0301in", [("Sinn Fe\u0301in", "party")]),
        ("O’Neill’s party", [("O’Neill’s party", "party")]),
        ("Al‑Qaida", [("Al‑Qaida", "qaida")]),
        ("特斯拉马斯克说", [("马斯克", "ma")]),
        ("Muskrat, unMusk, Musk_, é́Musk", []),
    ],
)
def test_a_name_is_found_however_it_is_set(text: str, expected: list[tuple[str, str]]) -> None:
    """Case, apostrophes, hyphens, spaces and accents composed or not make no difference; a part of a word is no name."""
    assert found(text) == expected


def test_a_common_word_is_no_name() -> None:
    """A name of one word is not found in lower case, but one written in lower case and one of several words is."""
    assert found("elon musk likes musk; the russian president too") == [("elon musk", "musk"), ("the russian president", "putin")]


def test_exact_names_and_function_words_are_found_as_written() -> None:
    """`case: exact` and names that are function words match no other case."""
    assert found("US us Us WHO Who who") == [("US", "us"), ("WHO", "who")]


def test_a_never_phrase_blocks_its_entity_alone() -> None:
    """Kimbal Musk is not Musk, and may be another entity."""
    kimbal = Watched("kimbal", "Kimbal Musk", "person")
    assert found("Kimbal Musk, the Musk Foundation and Musk", MUSK) == [("Musk", "musk")]
    assert found("Kimbal Musk and Musk", MUSK, kimbal) == [("Kimbal Musk", "kimbal"), ("Musk", "musk")]


def test_the_longest_name_wins() -> None:
    """Of names that start at one place the longest whole one is found."""
    york, times = Watched("york", "New York", "place"), Watched("times", "New York Times", "organisation")
    assert found("New York Times, New York Timeses", york, times) == [("New York Times", "times"), ("New York", "york")]


def test_no_names_find_nothing() -> None:
    """Without configuration there is nothing to find."""
    assert Names(()).find("Elon Musk") == []


def test_a_hundred_thousand_names() -> None:
    """A large configuration finds its names."""
    names = Names(Watched(f"k{n}", f"Name{n} Surname{n}", "person") for n in range(50_000))
    assert [key for _, _, key in names.find("met Name49999 Surname49999 and Name7 Surname7.")] == ["k49999", "k7"]


class Settings(NamedTuple):
    name: str
    kind: Kind | None
    aliases: tuple[str, ...]
    never: tuple[str, ...]
    case: str
    accents: str = "keep"


def test_accents_are_folded_on_request() -> None:
    """With or without them, in text and configuration; of who does not ask for it they must be right."""
    orban, sao = (
        Watched("orban", "Viktor Orbán", "person", ("Orbán",), ("Árpád Orban",), folds_accents=True),
        Watched("sao", "São Paulo", "place"),
    )
    assert found("Viktor Orban, ORBÁN, Órban’s, Orba\u0301n; Arpád Orbán", orban, sao) == [
        ("Viktor Orban", "orban"), ("ORBÁN", "orban"), ("Órban", "orban"), ("Orba\u0301n", "orban"),
    ]  # fmt: skip
    assert found("Sao Paulo, São Paulo", orban, sao) == [("São Paulo", "sao")]
    assert found("Jens Stoltenberg in Tromso, Łódź, Lodz", Watched("x", "Tromsø", "place", ("Lodz",), folds_accents=True)) == [
        ("Tromso", "x"), ("Łódź", "x"), ("Lodz", "x"),
    ]  # fmt: skip


def test_settings_of_the_configuration_are_taken() -> None:
    """What config/ checked is what is looked for; an entity without a kind is `other`."""
    assert watched({"us": Settings("US", None, ("America",), (), "exact")}) == (
        Watched("us", "US", "other", ("America",), (), is_exact=True),
    )


@given(
    st.lists(
        st.sampled_from(["Musk", "Putin", "Elon", " ", "\n", "’s", "é", "e\u0301", "\u200b", "İ", "ß", "-", ".", "x", "Kimbal"])
    )
)
def test_offsets_are_those_of_the_text(parts: list[str]) -> None:
    """Whatever stands around it, what is found is one of the names, found in order and never twice."""
    text = "".join(parts)
    at = 0
    for start, end, key in Names((MUSK, PUTIN)).find(text):
        assert start >= at
        assert text[start:end].replace("\u200b", "").split()[-1] in ({"Musk"} if key == "musk" else {"Putin"})
        at = end
