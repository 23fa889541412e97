"""What the recogniser is given to read, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.language import ner
from pipeline.language.ner import Recogniser

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc


def test_names_are_found_with_their_offsets(recogniser: Recogniser) -> None:
    """Each text gets its own spans, in order."""
    texts = ["Vladimir Putin met Xi Jinping in Beijing.", "", "Nothing here."]
    found = recogniser.spans(texts)
    assert [[texts[n][s.start : s.end] for s in spans] for n, spans in enumerate(found)] == [
        ["Vladimir Putin", "Xi Jinping", "Beijing"],
        [],
        [],
    ]


def test_the_recogniser_stands_alone(nlp: Language) -> None:
    """Nothing runs but the recogniser, and none of its layers multiplies by blis."""
    assert nlp.pipe_names == ["ner"]
    layers = [layer for _, component in nlp.pipeline for layer in component.model.walk()]
    assert layers
    assert not any(layer.ops.use_blis for layer in layers)


@pytest.mark.parametrize(("forget_at_most", "loads"), [(0, 6), (1_000_000, 1)])
def test_a_model_that_has_forgotten_many_words_is_loaded_anew(nlp: Language, forget_at_most: int, loads: int) -> None:
    """Its empty places do not add up for ever; what it finds stays the same."""
    loaded = count()
    recogniser = Recogniser(lambda: (next(loaded), nlp)[1], learn_from=0, forget_at_most=forget_at_most)
    texts = [["Vladimir Putin met Xi Jinping.", " ".join(f"word{n}x{at}" for at in range(60))] for n in range(6)]
    assert len({recogniser.spans(batch)[0] for batch in texts}) == 1
    assert next(loaded) == loads


@given(st.lists(st.integers(0, ner.READ_AT_MOST) | st.integers(0, 3_000), max_size=100))
def test_texts_are_read_in_batches_by_length(lengths: list[int]) -> None:
    """Every text is in one batch, in its order; no batch is too long but one text by itself, and none is cut too early."""
    batches = [lengths[few] for few in ner.at_once(["x" * length for length in lengths])]
    assert [length for batch in batches for length in batch] == lengths
    assert all(len(batch) == 1 or _fits(batch) for batch in batches)
    assert not any(_fits([*batch, following[0]]) for batch, following in pairwise(batches))


def _fits(batch: list[int]) -> bool:
    return len(batch) <= ner.TEXTS_AT_ONCE and sum(batch) <= ner.CHARACTERS_AT_ONCE


def test_long_reads_are_not_recognised_all_at_once(nlp: Language) -> None:
    """What the model is given at once stays short, and every text gets its own spans."""
    given: list[int] = []

    class Noting:
        """The model, and how many characters it was given at once."""

        def pipe(self, texts: Sequence[str], batch_size: int) -> Iterator[Doc]:
            given.append(sum(map(len, texts)))
            return nlp.pipe(texts, batch_size=batch_size)

        def __getattr__(self, name: str) -> Any:
            return getattr(nlp, name)

    long = [f"{name} said so. " + "It rained. " * 5_000 for name in ("Xi Jinping", "Vladimir Putin", "Angela Merkel", "Joe Biden")]
    found = Recogniser(lambda: cast("Language", Noting()), learn_from=0).spans(long)
    assert [text[spans[0].start : spans[0].end] for text, spans in zip(long, found, strict=True)] == [
        "Xi Jinping",
        "Vladimir Putin",
        "Angela Merkel",
        "Joe Biden",
    ]
    assert len(given) == 2
    assert max(given) <= ner.CHARACTERS_AT_ONCE


@pytest.mark.parametrize("text", ["a\x00b\x1fc", "x" * 500 + " Putin", "\ud800", "a" * (ner.READ_AT_MOST + 5)])
def test_what_is_read_keeps_its_offsets(text: str) -> None:
    """Control characters and overlong words become spaces; nothing moves, and what is too long is cut."""
    readable = ner.readable(text)
    assert len(readable) == min(len(text), ner.READ_AT_MOST)
    assert all(a == b or b == " " for a, b in zip(text, readable, strict=False))


def test_a_shouted_line_is_set_as_a_headline() -> None:
    """Words are written as the story writes them, short words small, acronyms as they are."""
    text = "US AND IRAN TALK ABOUT OIL AT UN\nIran said the oil talks went well."
    assert ner.recased(text) == "US and Iran Talk About oil at UN\nIran said the oil talks went well."


@given(st.text(max_size=300))
def test_recasing_moves_nothing(text: str) -> None:
    """Whatever the script, offsets stay and only case changes."""
    recased = ner.recased(text + "\nTHREE LOUD WORDS\n" + text.upper())
    assert len(recased) == len(text + "\nTHREE LOUD WORDS\n" + text.upper())
    assert "Three Loud Words" in recased or "three" in text.lower() or "loud" in text.lower() or "words" in text.lower()
