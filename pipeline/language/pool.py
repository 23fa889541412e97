"""The door of this stage: processes that read stories, one a core, whatever becomes of any of them.

Each process is driven by a thread that waits for it, with a limit. A process that dies or hangs is replaced and its batch read
again text by text, so that the text that did it becomes a failure and the others are read. This is not `multiprocessing`, whose
children import the caller's main module, and whose pools cannot lose a process without losing all.
"""

from __future__ import annotations

import os
import queue
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Self

import structlog

from pipeline.errors import ConfigError, TransientError
from pipeline.language.names import EntitySettings, Watched, watched
from pipeline.language.read import ReadFailure, Text
from pipeline.language.resources import NO_RESOURCES, Resources
from pipeline.language.worker import Configure, Ready
from pipeline.model import Reading
from pipeline.store.codec import decode

log = structlog.get_logger()

READ_WITHIN_S = 60.0
"""For a batch, and for a text read alone."""
READY_WITHIN_S = 120.0
_TRIES_TO_START = 3
_TRIES_ALONE = 2
"""A process may have been killed for no fault of the text: only the text that ends two is to blame."""
_CLOSE_WITHIN_S = 5.0
TUNED = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**28),
}
"""The environment of a process that reads: there is one for each core, so numpy's threads would only fight over them; and a batch's
arrays stay in the heap, as giving them back to the system and getting them anew takes a tenth of the time."""

Readings = list[Reading | ReadFailure]


class Underway(Future[Readings]):
    """The readings of a batch, some time."""

    took_s = 0.0
    """Seconds that a process was busy with it, once it is done; waiting for its turn is not among them."""


class _LostError(Exception):
    """A process died or did not answer in time."""


class _Orders(NamedTuple):
    """What to read by, and which configuration it is."""

    generation: int
    watched: tuple[Watched, ...]
    resources: Resources


class _Job(NamedTuple):
    batch: Sequence[Text]
    orders: _Orders
    future: Underway


class ReadingPool:
    """Reads batches of texts in processes of its own; safe to use from several threads."""

    def __init__(
        self,
        entities: Mapping[str, EntitySettings],
        processes: int | None = None,
        resources: Resources = NO_RESOURCES,
        *,
        read_within_s: float = READ_WITHIN_S,
        worker: str = "pipeline.language.worker",
    ) -> None:
        """`processes` is the number of cores that may be used where it is None; `worker` is the module whose `main` they run."""
        self._orders = _Orders(0, watched(entities), resources)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._workers = [_Worker(worker, read_within_s) for _ in range(processes or _cores())]
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the processes; returns at once, they warm up meanwhile. Starting twice is allowed."""
        with self._lock:
            if self._threads or self._is_closed:
                return
            for worker in self._workers:
                thread = threading.Thread(target=self._drive, args=(worker,), name="reading", daemon=True)
                self._threads.append(thread)
                thread.start()

    def configure(self, entities: Mapping[str, EntitySettings], resources: Resources = NO_RESOURCES) -> None:
        """Read what is submitted from now on by these entities and with these resources."""
        known = watched(entities)
        with self._lock:
            self._orders = _Orders(self._orders.generation + 1, known, resources)

    def submit(self, batch: Sequence[Text]) -> Underway:
        """The reading of each text, in order, or its failure: some time. Batches of 16 to 32 texts are read fastest.

        The future raises ConfigError where the language model cannot be loaded, and TransientError where processes cannot be kept
        alive or the pool is closed.
        """
        self.start()
        future = Underway()
        with self._lock:
            if self._is_closed:
                future.set_exception(_closed())
            else:
                self._jobs.put(_Job(tuple(batch), self._orders, future))
        return future

    def close(self) -> None:
        """End the processes now; what was not read raises TransientError. Closing twice is allowed."""
        with self._lock:
            self._is_closed = True
        self._refuse_waiting()
        for worker in self._workers:
            worker.close()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(_CLOSE_WITHIN_S)

    def _refuse_waiting(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job and job.future.set_running_or_notify_cancel():
                job.future.set_exception(_closed())

    def _drive(self, worker: _Worker) -> None:
        """Read by one process until the pool closes."""
        try:
            worker.warm()
        except (ConfigError, TransientError, _LostError) as error:
            if not self._is_closed:
                log.warning("language.not_ready", error=str(error))
        while (job := self._jobs.get()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            began = time.perf_counter()
            try:
                readings = _read(worker, job)
            except Exception as error:  # noqa: BLE001 - whoever waits is told: else it would wait for ever, and this process read no more
                job.future.set_exception(_closed() if self._is_closed else error)
            else:
                job.future.took_s = time.perf_counter() - began
                job.future.set_result(readings)


def _read(worker: _Worker, job: _Job) -> Readings:
    """The readings of a batch; where it loses the process, those of each text alone."""
    if len(job.batch) > 1:
        try:
            return worker.read(job.batch, job.orders)
        except _LostError as lost:
            log.warning("language.process_lost", why=str(lost), texts=len(job.batch))
    return [_read_alone(worker, text, job.orders) for text in job.batch]


def _read_alone(worker: _Worker, text: Text, orders: _Orders) -> Reading | ReadFailure:
    for _ in range(_TRIES_ALONE):
        try:
            return worker.read((text,), orders)[0]
        except _LostError as lost:
            why = str(lost)
            log.warning("language.process_lost", why=why, version_id=text.version_id)
    return ReadFailure(text.version_id, why)


class _Worker:
    """One reading process, replaced when it is lost. Used by one thread; `close` by any."""

    def __init__(self, module: str, read_within_s: float) -> None:
        self._module = module
        self._read_within_s = read_within_s
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None
        self._generation = -1
        self._is_closed = False

    def warm(self) -> Connection:
        """A line to a process that is ready to read. Raises ConfigError, TransientError."""
        for _ in range(_TRIES_TO_START):
            if self._line is not None:
                return self._line
            try:
                return self._started()
            except _LostError as lost:
                why = str(lost)
                self._drop()
        raise TransientError(f"the processes that read stories do not start: {why}")

    def read(self, batch: Sequence[Text], orders: _Orders) -> Readings:
        """The answer to a batch. Raises _LostError, and leaves no process then."""
        line = self.warm()
        try:
            if self._generation != orders.generation:
                line.send(Configure(orders.watched, orders.resources))
                self._generation = orders.generation
            line.send(batch)
            answer = _answer(line, self._read_within_s)
        except (_LostError, OSError, EOFError) as error:
            code = self._drop()
            raise _LostError(str(error) if isinstance(error, _LostError) else f"a reading process died ({code})") from error
        return [decode(each, Reading) if isinstance(each, bytes) else each for each in answer]

    def close(self) -> None:
        """Kill the process for good."""
        self._is_closed = True
        if self._process is not None:
            self._process.kill()

    def _started(self) -> Connection:
        if self._is_closed:
            raise _closed()
        ours, theirs = socket.socketpair()
        with theirs:
            for option in socket.SO_SNDTIMEO, socket.SO_RCVTIMEO:
                ours.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(self._read_within_s) + 1, 0))
            self._line, self._generation = Connection(ours.detach()), -1
            self._process = _process(self._module, theirs.fileno())
        if self._is_closed:
            self._process.kill()
        try:
            ready: Ready = _answer(self._line, READY_WITHIN_S)
        except (OSError, EOFError) as error:
            raise _LostError("a reading process died while starting") from error
        if ready.problem:
            self._drop()
            raise ConfigError(f"the language model cannot be loaded, is the installation complete? {ready.problem}")
        return self._line

    def _drop(self) -> int | None:
        """End the process and forget it; its exit code."""
        if self._line is not None:
            self._line.close()
        process, self._process, self._line = self._process, None, None
        if process is None:
            return None
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_CLOSE_WITHIN_S)
        return None


def _process(module: str, fd: int) -> subprocess.Popen[bytes]:
    """A reading process at the other end of `fd`, which finds the modules that this one finds; Ctrl-C does not reach it."""
    return subprocess.Popen(  # noqa: S603  our own interpreter and module
        [sys.executable, "-P", "-c", f"from {module} import main; main({fd})"],
        pass_fds=[fd],
        env={**os.environ, **TUNED, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _answer(line: Connection, within_s: float) -> Any:
    """What the process says next. Raises _LostError where it says nothing in time, EOFError and OSError where it is gone."""
    if not line.poll(within_s):
        raise _LostError(f"reading took more than {within_s:g} s")
    return line.recv()


def _closed() -> TransientError:
    return TransientError("the pool of reading processes is closed")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ── this process's ───────────────────────────────────────────────────────────────────────────────────────────────

_Rules = tuple[Mapping[str, EntitySettings], Resources]
_pools: dict[int | None, tuple[_Rules, ReadingPool]] = {}
_pools_lock = threading.Lock()
"""A runner's steps may begin on several threads at once."""


def pool_for(entities: Mapping[str, EntitySettings], processes: int | None, resources: Resources = NO_RESOURCES) -> ReadingPool:
    """This process's pool of `processes` that read by `entities`, started if it is not running; it outlives the ticks."""
    rules = (entities, resources)
    with _pools_lock:
        if processes not in _pools:
            pool = ReadingPool(entities, processes, resources)
            pool.start()
            _pools[processes] = (rules, pool)
        known, pool = _pools[processes]
        if known != rules:
            pool.configure(entities, resources)
            _pools[processes] = (rules, pool)
        return pool


def close_pools() -> None:
    """End this process's reading processes."""
    for _, pool in _pools.values():
        pool.close()
    _pools.clear()
