"""Vectors of common words, and how they are distilled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.language import distil
from pipeline.language.tables import rows
from pipeline.language.vectors import FOLDER, MISSING, Vectors, has_vectors, load, vectors
from pipeline.minilm import LAYERS, WIDTH


def table() -> Vectors:
    found = vectors()
    assert found is not None, MISSING
    return found


def closeness(a: str, b: str) -> float:
    left, right = table().mean(a.split()), table().mean(b.split())
    assert left is not None
    assert right is not None
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))


def test_words_used_alike_are_close() -> None:
    """Closer than words that are not."""
    assert closeness("hospital", "doctors") > closeness("hospital", "football") + 0.1
    assert closeness("striker goal league", "football") > closeness("striker goal league", "parliament") + 0.1


def test_unknown_words_say_nothing() -> None:
    """Alone they have no vector, beside others they change none."""
    assert table().mean(["zzqx"]) is None
    assert table().mean([]) is None
    assert closeness("hospital zzqx", "hospital") == pytest.approx(1)


def test_the_table_is_small_and_knows_our_words() -> None:
    """At most 16 MB, and no word of our own tables is unknown."""
    assert (FOLDER / "word_vectors.npy").stat().st_size <= 16_000_000
    known = set((FOLDER / "word_vectors.txt").read_text("utf-8").split())
    tables = ("topic_words.tsv", "subtopic_words.tsv", "topic_prototypes.tsv")
    ours = {word for table in tables for row in rows(table) for word in distil._WORD.findall(row[-1].lower())}
    assert ours <= known


def test_the_encoder_is_what_its_weights_say(tmp_path: Path) -> None:
    """Six layers of zeros but for the embeddings are layer norms of them: the mean of normed rows is their mean."""
    rng = np.random.default_rng(0)
    width, inner = WIDTH, 8
    weights = {
        "embeddings.word_embeddings.weight": rng.normal(size=(10, width)),
        "embeddings.position_embeddings.weight": np.zeros((5, width)),
        "embeddings.token_type_embeddings.weight": np.zeros((2, width)),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        sizes = {
            "attention.self.query": (width, width),
            "attention.self.key": (width, width),
            "attention.self.value": (width, width),
        }
        sizes |= {"attention.output.dense": (width, width), "intermediate.dense": (inner, width), "output.dense": (width, inner)}
        for name, size in sizes.items():
            weights |= {f"{at}{name}.weight": np.zeros(size), f"{at}{name}.bias": np.zeros(size[0])}
        norms += [f"{at}attention.output.LayerNorm", f"{at}output.LayerNorm"]
    for name in norms:
        weights |= {f"{name}.weight": np.ones(width), f"{name}.bias": np.zeros(width)}
    encoder = distil.Encoder({name: array.astype(np.float32) for name, array in weights.items()})
    words = weights["embeddings.word_embeddings.weight"][[3, 7]]
    normed = (words - words.mean(1, keepdims=True)) / words.std(1, keepdims=True)
    assert encoder.mean(np.array([[3, 7]]))[0] == pytest.approx(normed.mean(0), abs=1e-4)


def test_gelu_is_right() -> None:
    """x times the normal distribution's share below x."""
    assert distil._gelu(np.array([-1, 0, 1, 3], np.float32)) == pytest.approx([-0.158655, 0, 0.841345, 2.99595], abs=1e-5)


def test_a_table_is_saved_as_it_is_read(tmp_path: Path) -> None:
    """Words a line each, rows in half precision."""
    distil.save(["a", "b"], np.array([[1, 2], [3, 4]], np.float32), tmp_path)
    assert np.load(tmp_path / "word_vectors.npy").tolist() == [[1, 2], [3, 4]]
    assert (tmp_path / "word_vectors.txt").read_text().split() == ["a", "b"]
    assert has_vectors(tmp_path)


def test_a_missing_table_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, with the remedy; there are no vectors then."""
    assert load(tmp_path) is None
    assert "install wirewatch anew" in capsys.readouterr().out
