"""The vectors that a recogniser judges words by, as spaCy's own layers compute them, for reading only and three times as fast.

A word's own vector is computed once a batch, however often it is said. Then the texts go through the layers one after the other, so
that what a layer works on is still in the processor's cache; thinc takes all of them at once and keeps what training would need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from thinc.api import Model
from thinc.types import Ragged

if TYPE_CHECKING:
    from spacy.tokens import Doc

_ROWS_AT_ONCE = 600
"""A news story by itself; short texts together."""
_WORDS = ["extract_features", "list2ragged", "with_array", "with_array(maxout>>layernorm>>dropout)", "ragged2list"]
_LAYER = "expand_window>>maxout>>layernorm>>dropout"
_ODD = np.random.default_rng(2**9).integers(2**63, size=32, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_LEAST = 1e-8

Floats = npt.NDArray[np.float32]


class _Layer(NamedTuple):
    """A word with its neighbours in, what is added to the word out: the greatest of a few products, normalised."""

    weights: Floats
    """(neighbours * width, pieces * width)"""
    bias: Floats
    gain: Floats
    shift: Floats

    def __call__(self, words: Floats) -> Floats:
        width = words.shape[1]
        seen = np.zeros((len(words), 3 * width), dtype=np.float32)
        seen[1:, :width] = words[:-1]
        seen[:, width : 2 * width] = words
        seen[:-1, 2 * width :] = words[1:]
        pieces = seen @ self.weights
        pieces += self.bias
        found: Floats = pieces[:, :width]
        for at in range(width, pieces.shape[1], width):
            found = np.maximum(found, pieces[:, at : at + width])
        found -= (found @ np.full(width, 1 / width, dtype=np.float32))[:, np.newaxis]
        spread = np.einsum("ij,ij->i", found, found) / np.float32(width) + np.float32(_LEAST)
        found *= (1 / np.sqrt(spread))[:, np.newaxis]
        found *= self.gain
        found += self.shift
        found += words
        return found


def quicken(recogniser: Model[Any, Any]) -> None:
    """Replace the layers of a spaCy recogniser that are `HashEmbedCNN` by ones that predict the same; others stay."""
    if recogniser.has_ref("tok2vec") and recogniser.get_ref("tok2vec").layers:
        whole = recogniser.get_ref("tok2vec")
        whole.layers[0] = quickened(whole.layers[0])


def quickened(tok2vec: Model[Any, Any]) -> Model[Any, Any]:
    """A model that predicts what `tok2vec` predicts, to the last digits; `tok2vec` itself where it is not made of such layers.

    `tok2vec` is spaCy's `HashEmbedCNN`: documents in, for each an array (words, width) out.
    """
    if len(tok2vec.layers) != 2 or not _is_known(*tok2vec.layers):
        return tok2vec
    embedding, encoding = tok2vec.layers
    extract, _, looked_up, mixed, _ = embedding.layers
    layers = [_layer(residual.layers[0]) for residual in encoding.layers[0].layers]
    # Between two texts: so many words of nothing that none sees another text through all the layers.
    apart = np.zeros((encoding.attrs["pad"], layers[0].gain.shape[0]), dtype=np.float32)

    def predict(_: Model[Any, Any], docs: Sequence[Doc], is_train: bool) -> tuple[list[Floats], Any]:
        if is_train:
            raise NotImplementedError("these layers only read")
        words = extract.predict(docs)
        every = np.concatenate(words)
        _, first, which = np.unique((every * _ODD[: every.shape[1]]).sum(axis=1), return_index=True, return_inverse=True)
        distinct = Ragged(every[first], np.array([len(first)], dtype="i"))
        vectors = mixed.predict(looked_up.predict(distinct)).data[which]
        texts = np.split(vectors, np.cumsum([len(each) for each in words])[:-1])
        return [found for some in _together(texts) for found in _encoded(some, layers, apart)], None

    return Model("tok2vec", predict, dims={"nO": layers[0].gain.shape[0]}, ops=tok2vec.ops)


def _is_known(embedding: Model[Any, Any], encoding: Model[Any, Any]) -> bool:
    names = [layer.name for layer in embedding.layers]
    if len(names) != len(_WORDS) or not all(name.startswith(known) for name, known in zip(names, _WORDS, strict=True)):
        return False
    if not encoding.name.startswith("with_array(residual") or not encoding.layers[0].layers:
        return False
    residuals = encoding.layers[0].layers
    inner = [residual.layers[0] for residual in residuals if residual.layers]
    return len(inner) == len(residuals) and all(
        layer.name == _LAYER and layer.layers[0].attrs["window_size"] == 1 for layer in inner
    )


def _layer(layer: Model[Any, Any]) -> _Layer:
    maxout, norm = layer.layers[1].layers[0].layers
    weights = maxout.get_param("W").transpose(2, 1, 0)
    bias = maxout.get_param("b").T
    return _Layer(
        np.ascontiguousarray(weights.reshape(len(weights), -1)),
        np.ascontiguousarray(bias.reshape(-1)),
        norm.get_param("G"),
        norm.get_param("b"),
    )


def _together(texts: Sequence[Floats]) -> list[list[Floats]]:
    """`texts` in order, as many at once as have `_ROWS_AT_ONCE` words."""
    found: list[list[Floats]] = []
    rows = _ROWS_AT_ONCE
    for text in texts:
        if rows >= _ROWS_AT_ONCE:
            found.append([])
            rows = 0
        found[-1].append(text)
        rows += len(text)
    return found


def _encoded(texts: Sequence[Floats], layers: Sequence[_Layer], apart: Floats) -> list[Floats]:
    words = np.concatenate([*(part for text in texts for part in (apart, text)), apart])
    for layer in layers:
        words = layer(words)
    ends = np.cumsum([len(apart) + len(text) for text in texts])
    return [words[end - len(text) : end] for end, text in zip(ends.tolist(), texts, strict=True)]
