"""A reader with the real model, loaded once a session."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pipeline.language.names import Watched
from pipeline.language.ner import Recogniser
from pipeline.language.read import Reader, Text
from pipeline.model import Reading

if TYPE_CHECKING:
    from spacy.language import Language

MUSK = Watched("musk", "Elon Musk", "person", ("Musk",), ("Errol Musk",))
PUTIN = Watched("putin", "Vladimir Putin", "person", ("Putin", "the Russian president"))

Read = Callable[..., Reading]


@pytest.fixture(scope="session")
def nlp() -> Language:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from pipeline.language import ner

    return ner.load()


@pytest.fixture(scope="session")
def recogniser(nlp: Language) -> Recogniser:
    return Recogniser(lambda: nlp)


@pytest.fixture(scope="session")
def read(recogniser: Recogniser) -> Read:
    """Read one story, by Musk and Putin unless told otherwise."""

    def read_one(text: str, title: str = "", watched: tuple[Watched, ...] = (MUSK, PUTIN)) -> Reading:
        reading = Reader(watched, recogniser).read([Text("v", title, text)])[0]
        assert isinstance(reading, Reading), reading
        return reading

    return read_one
