"""Bands in SQLite: a log that is only ever added to, and the newest of it, looked up in memory.

A table of bands would be written all over: among a million stories 16 bands took 4.8 ms, as each falls on a page of its own. A row
a batch costs next to nothing; each process reads what others added, and keeps the last `WINDOW` texts in a few sorted runs of
numbers (8 bytes a band).
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.store.codec import decode, encode
from pipeline.store.sqlite.database import Database

WINDOW = 50_000
"""Texts that are looked through: three days of a busy desk, 15 MB."""
MOST_SHARING = 20
"""Stories that one is told of."""
_READ_AT_ONCE = 2_000
"""Texts: all of a window, taken apart, would be four times what is kept of it."""
_MOST_OF_A_BAND = 50
"""Texts that one band brings, the newest: what is in more of them says little."""

_BEHIND = "SELECT seq, entry FROM banded WHERE seq > ? ORDER BY seq"

_HALF, _TEXT = np.uint64(32), np.uint64(2**32 - 1)

Numbers = npt.NDArray[np.uint64]
Texts = npt.NDArray[np.intp]


class SqliteBands:
    """`Bands`. Safe to use from several threads: they share what was read."""

    def __init__(self, database: Database, window: int = WINDOW) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._recent = _Recent(window)
        self._seen: int | None = None

    def keep(self, banded: Mapping[str, Sequence[int]]) -> None:
        if not banded:
            return
        entry = encode([(story_id, list(bands)) for story_id, bands in banded.items()])
        with self._database.writing() as connection:
            connection.execute("INSERT INTO banded(entry) VALUES(?)", (entry,))

    def sharing(self, banded: Mapping[str, Sequence[int]], least: int) -> dict[str, list[str]]:
        if not banded:
            return {}
        with self._lock:
            self._read_on()
            return self._recent.sharing(banded, least)

    def all(self) -> Iterator[tuple[str, list[int]]]:
        newest: dict[str, list[int]] = {}
        with self._database.reading() as connection:
            rows = connection.execute(_BEHIND, (_begin(connection, self._recent.window),)).fetchall()
        for _, entry in rows:
            for story_id, bands in decode(entry, list[tuple[str, list[int]]]):
                # Behind those that were kept before it, so that the last texts are the last.
                newest.pop(story_id, None)
                newest[story_id] = bands
        return iter(newest.items())

    def forget(self) -> None:
        """Forget what nobody looks through any more."""
        with self._database.reading() as connection:
            begin = _begin(connection, self._recent.window)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM banded WHERE seq <= ?", (begin,))

    def _read_on(self) -> None:
        """Read what was added to the log since; at first, as much of its end as is looked through."""
        with self._database.reading() as connection:
            if self._seen is None:
                self._seen = _begin(connection, self._recent.window)
            texts: list[tuple[str, list[int]]] = []
            for seq, entry in connection.execute(_BEHIND, (self._seen,)):
                texts += decode(entry, list[tuple[str, list[int]]])
                if len(texts) >= _READ_AT_ONCE:
                    self._recent.add(texts)
                    texts = []
                self._seen = seq
        self._recent.add(texts)


def _begin(connection: Any, window: int) -> int:
    """The place in the log behind which at least the last `window` texts stand, or all."""
    texts, begin = 0, 0
    for seq, entry in connection.execute("SELECT seq, entry FROM banded ORDER BY seq DESC"):
        if texts >= window:
            return int(seq)
        texts += len(decode(entry, list[tuple[str, list[int]]]))
    return begin


class _Recent:
    """The last texts, in runs that double in size: as many runs as a number has digits, each looked through by bisection.

    A run has, in order, a number for each band of each text: the band in its upper half, the text in its lower.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self._ids: list[bytes] = []
        self._first = 0
        """The number of the first of `_ids`: numbers are counted on when the oldest go."""
        self._newest: dict[bytes, int] = {}
        """The number of each story's last text: what was kept before it counts no more."""
        self._is_last = bytearray()
        """Of each of `_ids`, whether it is its story's last text."""
        self._runs: list[Numbers] = []

    def add(self, texts: Sequence[tuple[str, Sequence[int]]]) -> None:
        if not texts:
            return
        number = self._first + len(self._ids)
        bands = np.array([band for _, its in texts for band in set(its)], np.uint64)
        owners = np.repeat(np.arange(number, number + len(texts), dtype=np.uint64), [len(set(its)) for _, its in texts])
        ids = [story_id.encode("utf-8", "surrogatepass") for story_id, _ in texts]
        self._is_last += bytes(len(ids))
        for at, id in enumerate(ids, number):
            self._is_last[self._newest.get(id, at) - self._first] = False
            self._is_last[at - self._first] = True
            self._newest[id] = at
        self._ids += ids
        self._runs.append(np.sort(bands << _HALF | owners))
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            merged = np.concatenate((self._runs.pop(), self._runs.pop()))
            merged.sort()
            self._runs.append(merged)
        if len(self._ids) > self.window + self.window // 8:
            self._forget(len(self._ids) - self.window)

    def sharing(self, banded: Mapping[str, Sequence[int]], least: int) -> dict[str, list[str]]:
        asked = [(story_id, band) for story_id, its in banded.items() for band in set(its)]
        shared: dict[str, Counter[int]] = {story_id: Counter() for story_id in banded}
        for at, others in self._holders(np.array([band for _, band in asked], np.uint64)):
            shared[asked[at][0]].update(others.tolist())
        return {story_id: self._most(counts, least, story_id) for story_id, counts in shared.items()}

    def _most(self, counts: Mapping[int, int], least: int, asking: str) -> list[str]:
        """The stories whose texts share the most, by how many bands each of the texts shares."""
        found = [
            (-count, self._ids[number - self._first].decode("utf-8", "surrogatepass"))
            for number, count in counts.items()
            if count >= least
        ]
        return [story_id for _, story_id in sorted(found) if story_id != asking][:MOST_SHARING]

    def _holders(self, bands: Numbers) -> Iterator[tuple[int, Texts]]:
        """Of each band that anybody has, its place among `bands` and the newest texts that have it."""
        is_last = np.frombuffer(bytes(self._is_last), np.bool_)
        held: dict[int, list[Texts]] = defaultdict(list)
        for run in self._runs:
            begins, ends = np.searchsorted(run, bands << _HALF), np.searchsorted(run, (bands << _HALF) | _TEXT, "right")
            for at in np.flatnonzero(ends > begins).tolist():
                texts = (run[begins[at] : ends[at]] & _TEXT).astype(np.intp)
                held[at].append(texts[is_last[texts - self._first]])
        for at, parts in held.items():
            yield at, np.concatenate(parts)[-_MOST_OF_A_BAND:]

    def _forget(self, count: int) -> None:
        self._first += count
        for number, id in enumerate(self._ids[:count], self._first - count):
            if self._newest[id] == number:
                del self._newest[id]
        del self._ids[:count], self._is_last[:count]
        kept = (run[run & _TEXT >= self._first] for run in self._runs)
        self._runs = [run for run in kept if len(run)]
