"""The reading of a story in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.language.explain import explained
from pipeline.language.names import Watched
from pipeline.language.read import Reader, Text

if TYPE_CHECKING:
    from pipeline.language.ner import Recogniser

MUSK = Watched("musk", "Elon Musk", "person", ("Musk",))


def told(recogniser: Recogniser, text: Text) -> dict[str, str]:
    return {step: "\n".join(lines) for step, lines in explained(Reader((MUSK,), recogniser).steps(text))}


def test_each_step_says_what_it_did(recogniser: Recogniser) -> None:
    """In order, with the words of the story."""
    steps = told(
        recogniser,
        Text(
            "v",
            "Musk meets the president of Russia",
            "MOSCOW (Reuters) - Elon Musk met Vladimir Putin on Friday.\nMr Putin thanked Musk's company, TASS said.",
        ),
    )
    assert list(steps)[:3] == ["language", "sentences", "recognised"]
    assert steps["language"] == "en"
    assert steps["sentences"] == "2 in 2 paragraphs, and the title"
    assert "Vladimir Putin PERSON" in steps["recognised"]
    assert "“Musk” is musk ×2" in steps["configured and known names"]
    assert "Vladimir Putin (person, person:vladimir-putin) ×2: also “Putin”" in steps["one name each"]
    assert "“MOSCOW” at text 0–6: dateline" in steps["nobody meets"]
    assert "Elon Musk – Vladimir Putin: in 2 sentences" in steps["pairs"]


def test_an_empty_story_has_nothing_to_tell(recogniser: Recogniser) -> None:
    """Every step is named all the same."""
    steps = told(recogniser, Text("v", "", ""))
    assert steps["language"] == "too few words to tell; read as English"
    assert steps["pairs"] == steps["topics"] == ""
