"""Whole stories, read with the real model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.language.names import Watched
from pipeline.language.ner import Recogniser
from pipeline.language.read import MOST_MENTIONS, Reader, ReadFailure, Text
from pipeline.model import Reading

if TYPE_CHECKING:
    from conftest import Read
    from spacy.language import Language
    from spacy.tokens import Doc

SEED = Path(__file__).parents[3] / "shared/data/seed_story.txt"
MUSK = Watched("musk", "Elon Musk", "person", ("Musk",), ("Errol Musk",))
PUTIN = Watched("putin", "Vladimir Putin", "person", ("Putin", "the Russian president"))


def assert_sound(text: Text, reading: Reading) -> None:
    """Offsets, sentences, keys and names hold together."""
    fields = {"title": text.title, "text": text.text}
    for mention in reading.mentions:
        assert fields[mention.field][mention.start : mention.end] == mention.text != ""
        assert mention.end <= len(fields[mention.field])
        sentence = reading.sentences[mention.sentence]
        assert sentence.field == mention.field
        assert sentence.start <= mention.start
    keys = [entity.key for entity in reading.entities]
    assert len(set(keys)) == len(keys) == len({entity.name.casefold() for entity in reading.entities})
    assert {mention.entity for mention in reading.mentions} == set(keys)
    assert sum(entity.count for entity in reading.entities) == len(reading.mentions)
    for pair in reading.pairs:
        assert pair.a != pair.b
        assert pair.count == len(pair.sentences)
        for at in pair.sentences:
            assert {pair.a, pair.b} <= {mention.entity for mention in reading.mentions if mention.sentence == at}


def names_of_pairs(reading: Reading) -> set[frozenset[str]]:
    name = {entity.key: entity.name for entity in reading.entities}
    return {frozenset((name[pair.a], name[pair.b])) for pair in reading.pairs}


def test_a_story_is_read(read: Read) -> None:
    """Title and text are read together: one name each, pairs with the sentences that prove them, a topic."""
    reading = read(
        "Elon Musk spoke to Russian president Vladimir Putin. Mr Musk called the Kremlin's Putin on Friday.", "Musk Calls Putin"
    )
    assert [(entity.key, entity.name, entity.count) for entity in reading.entities[:2]] == [
        ("musk", "Elon Musk", 3),
        ("putin", "Vladimir Putin", 3),
    ]
    assert (reading.pairs[0].a, reading.pairs[0].b, reading.pairs[0].sentences) == ("musk", "putin", (0, 1, 2))
    assert [mention.text for mention in reading.mentions if mention.field == "title"] == ["Musk", "Putin"]


def test_names_are_whole_without_a_configuration(read: Read) -> None:
    """The fullest form of the story is the name, with the same key in every story."""
    reading = read("The president of China, Xi Jinping, met Vladimir Putin. Xi thanked Putin.", "Xi meets Putin", watched=())
    found = {entity.key: entity.name for entity in reading.entities}
    assert found["person:xi-jinping"] == "Xi Jinping"
    assert found["person:vladimir-putin"] == "Vladimir Putin"


def test_a_shouted_headline_is_read(read: Read) -> None:
    """Names in capitals are those of the text, and are quoted as they stand."""
    reading = read("Elon Musk met Vladimir Putin in Moscow.", "MUSK MEETS PUTIN IN MOSCOW")
    assert [(mention.text, mention.entity) for mention in reading.mentions][:2] == [("MUSK", "musk"), ("PUTIN", "putin")]


def test_no_mention_crosses_from_the_title_to_the_text(read: Read) -> None:
    """A name may end the title and another start the text; an alias with a full stop takes none from between."""
    inc = Watched("depot", "Home Depot Inc.", "organisation")
    story = Text("v", "Trouble at Home Depot Inc", "Musk left.")
    reading = read(story.text, story.title, watched=(inc, MUSK))
    assert_sound(story, reading)
    assert [(mention.field, mention.text) for mention in reading.mentions] == [("title", "Home Depot Inc"), ("text", "Musk")]


def test_watched_names_are_found_in_all_of_a_long_text(read: Read) -> None:
    """The recogniser reads the first 100,000 characters, the automaton all."""
    reading = read("The cat sat on the mat. " * 6_000 + "Musk met Putin.")
    assert [mention.entity for mention in reading.mentions[-2:]] == ["musk", "putin"]


class Stumbling:
    """The recogniser, but for a text that it cannot read."""

    def __init__(self, nlp: Language) -> None:
        self.nlp = nlp
        self.vocab = nlp.vocab

    def memory_zone(self) -> AbstractContextManager[object]:
        return self.nlp.memory_zone()

    def make_doc(self, text: str) -> Doc:
        return self.nlp.make_doc(text)

    def pipe(self, texts: Iterable[Doc | str], batch_size: int) -> Iterator[object]:
        for text in texts:
            if "poisonous" in str(text):
                raise ValueError("cannot swallow this")
            yield self.nlp(text)


HOSTILE = {
    "no space": "x" * 2_000_000,
    "digits": "1" * 2_000_000,
    "quotes": '"' * 10_000,
    "controls": "".join(map(chr, range(1, 0x250))) * 5,
    "half characters": "Putin \ud800 met \udfff Musk.",
    "null": "Putin\x00met\x00Musk",
    "a list": "Musk, Putin; " * 3_000,
    "no words": "\u200b \u202e \n" * 500,
    "chinese": "普京会见马斯克。" * 100,
    "accents": "e" + "\u0301" * 10_000,
    "slashes": "Putin/" * 5_000,
    "blank": " \n ",
    "empty": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_read(recogniser: Recogniser, text: str) -> None:
    """Nothing that a feed sends stops the reading, in either field, and what is found holds together."""
    stories = [Text("a", "Putin", text), Text("b", text, "Elon Musk met Putin.")]
    for story, reading in zip(stories, Reader((MUSK, PUTIN), recogniser).read(stories), strict=True):
        assert isinstance(reading, Reading), reading
        assert_sound(story, reading)
        assert len(reading.mentions) <= MOST_MENTIONS
        assert "putin" in {entity.key for entity in reading.entities}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [
                "Elon Musk",
                "Musk",
                "Kimbal Musk",
                "Putin",
                "PUTIN",
                "the U.S.",
                "Mr.",
                "Russian",
                "said",
                "’s",
                ".",
                "\n",
                "“",
                "(",
                "/",
                "*",
                "é",
                "x",
            ]
        ),
        max_size=30,
    ),
    st.integers(0, 10),
)
def test_whatever_is_read_holds_together(recogniser: Recogniser, words: list[str], title_words: int) -> None:
    """Offsets are those of the fields, no two entities share a name, pairs are proved by their sentences."""
    text = Text("v", " ".join(words[:title_words]), " ".join(words[title_words:]))
    reading = Reader((MUSK, PUTIN), recogniser).read([text])[0]
    assert isinstance(reading, Reading), reading
    assert_sound(text, reading)


def test_a_batch_reads_as_each_alone(recogniser: Recogniser) -> None:
    """What a story stands beside changes nothing, nor what was read before it."""
    reader = Reader((MUSK, PUTIN), recogniser)
    texts = [Text(str(n), f"Title {n}", f"Elon Musk met Olaf Scholz {n} times in Berlin.") for n in range(8)]
    assert reader.read(texts) == [reader.read([text])[0] for text in reversed(texts)][::-1]


def test_one_bad_text_does_not_take_the_batch(nlp: Language) -> None:
    """A text that the recogniser stumbles over is a failure; the others are read."""
    good, bad = Text("good", "Putin", "Musk"), Text("bad", "", "a poisonous text")
    recogniser = Recogniser(lambda: Stumbling(nlp))  # type: ignore[arg-type,return-value]
    reading, failure, again = Reader((MUSK, PUTIN), recogniser).read([good, bad, good])
    assert failure == ReadFailure("bad", "ValueError: cannot swallow this")
    assert isinstance(reading, Reading)
    assert reading == again


def test_entities_can_change(recogniser: Recogniser) -> None:
    """A reader reads by the configuration it was given last."""
    reader = Reader((), recogniser)
    reader.configure((MUSK,))
    reading = reader.read([Text("v", "", "Musk")])[0]
    assert isinstance(reading, Reading)
    assert [entity.key for entity in reading.entities] == ["musk"]


@pytest.mark.shared
@pytest.mark.skipif(not SEED.exists(), reason=f"THE SEED STORY IS NOT READ: {SEED} is not there")
@pytest.mark.parametrize("watched", [(MUSK, PUTIN), ()])
def test_the_seed_story(read: Read, watched: tuple[Watched, ...]) -> None:
    """Musk meets Putin and Trump, Putin meets Xi, under their full names, configured or not."""
    first, _, text = SEED.read_text("utf-8").partition("\n")
    reading = read(text.strip(), first.split(maxsplit=2)[2], watched=watched)
    assert {
        frozenset(("Elon Musk", "Vladimir Putin")),
        frozenset(("Vladimir Putin", "Xi Jinping")),
        frozenset(("Elon Musk", "Donald Trump")),
    } <= names_of_pairs(reading)
    assert reading.topics[0].name == "politics and government"
