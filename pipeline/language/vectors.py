"""Vectors of common English words, from the table that `distil.py` makes: words used alike point the same way.

Each reading process has the table in single precision, 17 MB: making a story's rows of it each time took a third of the time that
they are used. Without the table there are no vectors, and the log says so once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

log = structlog.get_logger()

FOLDER = Path(str(files("pipeline.language") / "data"))

_UNKNOWN = -1
_JOINT = re.compile(r"[-.&'’]")
MISSING = "the word vectors are not installed: topics rest on the lexicon alone and are less often right; install wirewatch anew"


class Vectors:
    """The table: a row of numbers for each word."""

    def __init__(self, words: Iterable[str], rows: NDArray[np.float32]) -> None:
        self._at = {word: at for at, word in enumerate(words)}
        self._rows = rows

    def mean(self, words: Sequence[str]) -> Vector | None:
        """The mean of the vectors of `words` (in lower case), of a compound without one those of its parts; None where none has."""
        import numpy as np

        counts = Counter(words)
        for word in [word for word in counts if len(word) > 2 and not word.isalpha() and word not in self._at]:
            counts.update(dict.fromkeys(_JOINT.split(word), counts[word]))
        at = np.fromiter(map(self._at.get, counts, repeat(_UNKNOWN)), np.int64, len(counts))
        is_known = at != _UNKNOWN
        if not is_known.any():
            return None
        rows = self._rows.take(at[is_known], 0)
        weights = np.fromiter(counts.values(), np.float32, len(counts))[is_known]
        mean: Vector = weights @ rows / weights.sum()
        return mean


def has_vectors(folder: Path = FOLDER) -> bool:
    """Whether the table is there."""
    return (folder / "word_vectors.npy").is_file() and (folder / "word_vectors.txt").is_file()


def load(folder: Path = FOLDER) -> Vectors | None:
    """The table of a folder; None, and a line in the log, where it is missing."""
    import numpy as np

    if not has_vectors(folder):
        log.warning("language.no_vectors", why=MISSING)
        return None
    words = (folder / "word_vectors.txt").read_text("utf-8").split()
    return Vectors(words, np.load(folder / "word_vectors.npy").astype(np.float32))


@cache
def vectors() -> Vectors | None:
    """The table that is carried, read once a process."""
    return load()
