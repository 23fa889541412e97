"""The encoder that says what a story means: all-MiniLM-L6-v2 in whole numbers, run by onnxruntime on one thread.

From the file that `encoder_file.py` makes, which holds its vocabulary too. Stories are read one at a time: what runs together is
scaled together, and a story would mean something else in another batch.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from pipeline.errors import ConfigError
from pipeline.minilm import numbers, words_in
from pipeline.stories.meaning import Encode, packed

MOST_PIECES = 64
"""A title and the first sentence or two. With 32 it takes three fifths of the time, and on one of two sets does harm."""
VOCABULARY = "wirewatch_vocabulary"
"""In the file's metadata: the pieces in the order of their numbers, a line each."""
MISSING = "is not installed; get it with `pip install onnx onnxruntime` (the extra minilm)"
_MOST_LETTERS = 1_000
"""Of a text: more than the pieces hold."""
_LEAST_KNOWN = 2 / 3
"""Of the words, those that are one piece: in 2,272 English stories at least .72, in 25 other languages up to .59."""
_ONLY_ERRORS = 3


class _EventSettings(Protocol):
    @property
    def encoder(self) -> str | None: ...


class EncoderSettings(Protocol):
    """What the configuration says of it."""

    @property
    def events(self) -> _EventSettings: ...


def encoder_of(settings: EncoderSettings) -> str | None:
    """The path of the encoder that is configured, if any. Raises `ConfigError` where it cannot be used here."""
    if settings.events.encoder is None:
        return None
    path = str(Path(settings.events.encoder).resolve())
    encoder_at(path)
    return path


@cache
def encoder_at(path: str) -> Encode:
    """The encoder in a file, loaded once a process; threads may share it. Raises `ConfigError` where it cannot be used."""
    try:
        import onnxruntime
    except ImportError:
        raise ConfigError(f"events.encoder: onnxruntime {MISSING}, or take the line out") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        pieces = session.get_modelmeta().custom_metadata_map[VOCABULARY].split("\n")
    except Exception as error:  # noqa: BLE001 - onnxruntime has a dozen errors without a name in common
        raise ConfigError(
            f"events.encoder: {path} is not what `wirewatch events encoder WHEEL FILE` makes ({type(error).__name__}); make it anew"
        ) from None
    known = {piece: at for at, piece in enumerate(pieces)}

    def encode(title: str, text: str) -> bytes:
        words = list(islice(words_in(f"{title}\n{text[:_MOST_LETTERS]}"), MOST_PIECES))
        if not _is_read(words, known):
            return b""
        found = numbers(words, known, MOST_PIECES)
        (meaning,) = session.run(None, {"pieces": np.array([found], dtype=np.int32)})
        return packed(meaning[0])

    return encode


def _is_read(words: Sequence[str], known: Container[str]) -> bool:
    """Whether the encoder knows the language; of one that it does not, it would find everything alike."""
    said = [word for word in words if word.isalpha()]
    return bool(said) and sum(word in known for word in said) >= _LEAST_KNOWN * len(said)
