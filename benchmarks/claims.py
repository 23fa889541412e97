"""Four processes that claim the same fingerprints in Elasticsearch, killed (SIGKILL) at random instants. Prints one JSON line.

    python benchmarks/claims.py [--fingerprints 1200] [--waves 7] [--seed 1]

Each claims for a story of its own, every wave in an order of its own, in batches of 50; one that was killed is started again and
claims the batch that it had last written down once more. A quarter of the fingerprints is claimed in every wave, the others in two
after each other. In the middle of each wave a new generation begins: by turns as the service begins one, and as one would that died
with the old one blocked and the new one not made; no wave begins before it.

An observation is what a process was told of a fingerprint, written down. Exit 1 where two of one fingerprint differ, any is
missing, or fewer than five generations began.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from server import served

from pipeline.errors import TransientError
from pipeline.store.beam import batches
from pipeline.store.elasticsearch.client import Access, Cluster
from pipeline.store.elasticsearch.indices import GENERATIONS
from pipeline.store.elasticsearch.store import ElasticsearchStore

CLAIMERS = 4
BATCH = 50
BETWEEN_KILLS_S = 0.0, 2.0
WITHIN_S = 330.0
AGE = GENERATIONS["claims"].age
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def fingerprints(wave: int, count: int) -> list[str]:
    """What is claimed in a wave: a quarter always, the others in this wave and the next."""
    always = [f"url:always:{n}" for n in range(count // 4)]
    return always + [f"content:{born}:{n}" for born in (wave - 1, wave) for n in range(count * 3 // 8)]


def planned(who: int, waves: int, count: int, seed: int) -> list[tuple[int, tuple[str, ...]]]:
    """The batches of a claimer with their waves, the same whenever it is started."""
    plan: list[tuple[int, tuple[str, ...]]] = []
    for wave in range(waves):
        wanted = fingerprints(wave, count)
        random.Random(f"{seed} {who} {wave}").shuffle(wanted)
        plan += [(wave, batch) for batch in batches(wanted, BATCH)]
    return plan


class Note(NamedTuple):
    """What a claimer was told of a batch."""

    at: int
    told: dict[str, str]


def notes(file: Path) -> list[Note]:
    """All that a claimer wrote down; a line that a kill cut short is none."""
    found = []
    for line in file.read_text().splitlines() if file.exists() else ():
        with suppress(ValueError):
            found.append(Note(*json.loads(line)))
    return found


def reached(file: Path) -> int:
    """The last batch that a claimer wrote down; -1 before the first."""
    return max((note.at for note in notes(file)), default=-1)


def generations_begun(folder: Path) -> int:
    """How many generations were begun so far, wholly or half-way: a line each."""
    file = folder / "generations"
    return len(file.read_text().splitlines()) if file.exists() else 0


# ── a claimer ────────────────────────────────────────────────────────────────────────────────────────────────────


def claim(who: int, url: str, prefix: str, folder: Path, waves: int, count: int, seed: int) -> None:
    """Claim all that is planned from where it was left, the last batch again.

    A wave begins when all have ended the one before, and the generation of that one has begun.
    """
    store, file = ElasticsearchStore(Access(url), prefix), folder / f"{who}.jsonl"
    plan = planned(who, waves, count, seed)
    a_wave = len(plan) // waves
    first = max(0, reached(file))
    with file.open("a") as written:
        written.write("\n")
        for at, (wave, batch) in list(enumerate(plan))[first:]:
            while at % a_wave == 0 and (
                generations_begun(folder) < wave
                or min(reached(folder / f"{each}.jsonl") for each in range(CLAIMERS)) < wave * a_wave - 1
            ):
                time.sleep(0.1)
            written.write(json.dumps(Note(at, claimed(store, dict.fromkeys(batch, f"story-{who}")))) + "\n")
            written.flush()


def claimed(store: ElasticsearchStore, wanted: dict[str, str]) -> dict[str, str]:
    """What a claim answers, once it does."""
    while True:
        try:
            return store.claims.claim(wanted)
        except TransientError:
            time.sleep(0.05)


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────────────────


class Claimers:
    """The four processes, of which one that was killed is started again."""

    def __init__(self, url: str, prefix: str, folder: Path, options: argparse.Namespace) -> None:
        given = [url, prefix, folder, options.waves, options.fingerprints, options.seed]
        self._command = [sys.executable, __file__, "--claimer", *map(str, given)]
        self._folder = folder
        self._found = [0] * CLAIMERS
        self._processes = [self._started(who) for who in range(CLAIMERS)]

    def _started(self, who: int) -> subprocess.Popen[bytes]:
        self._found[who] = len(notes(self._folder / f"{who}.jsonl"))
        return subprocess.Popen([*self._command, str(who)])

    def _is_at_work(self, who: int) -> bool:
        return self._processes[who].poll() is None and len(notes(self._folder / f"{who}.jsonl")) > self._found[who] + 1

    def kill(self, rng: random.Random) -> bool:
        """Kill one that is at work and start it again; False where none is."""
        at_work = [who for who in range(CLAIMERS) if self._is_at_work(who)]
        if not at_work:
            return False
        who = rng.choice(at_work)
        os.kill(self._processes[who].pid, signal.SIGKILL)
        self._processes[who].wait()
        self._processes[who] = self._started(who)
        return True

    @property
    def are_done(self) -> bool:
        return all(process.poll() is not None for process in self._processes)

    @property
    def failed(self) -> int:
        return sum(process.wait() != 0 for process in self._processes)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


class Roller:
    """Begins generations, by turns in order and as one that died half-way."""

    def __init__(self, url: str, prefix: str, folder: Path) -> None:
        self._folder = folder
        self._alias = f"{prefix}-claims"
        self._store = ElasticsearchStore(Access(url), prefix)
        self._cluster = Cluster(Access(url))
        self._now = BEGAN
        self._store.claims.roll(self._now)

    @property
    def begun(self) -> int:
        return generations_begun(self._folder)

    def roll(self) -> None:
        if self.begun % 2:
            newest = max(self._cluster.client.indices.get_alias(name=self._alias).body)
            self._cluster.client.indices.add_block(index=newest, block="write")
        else:
            # What a claimer began knows its age only since it was first looked at.
            self._store.claims.roll(self._now)
            self._now += AGE
            self._store.claims.roll(self._now)
        with (self._folder / "generations").open("a") as written:
            written.write("begun\n")

    def close(self) -> None:
        self._store.wipe()
        self._store.close()
        self._cluster.close()

    @property
    def newest(self) -> int:
        """The number of the newest generation."""
        return int(max(self._cluster.client.indices.get_alias(name=self._alias).body).rpartition("-")[2])


def main() -> int:
    """Run, look, print, and answer the exit code."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if sys.argv[1:2] == ["--claimer"]:
        url, prefix, folder, *numbers = sys.argv[2:]
        waves, count, seed, who = map(int, numbers)
        claim(who, url, prefix, Path(folder), waves, count, seed)
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fingerprints", type=int, default=1200)
    parser.add_argument("--waves", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a server that is there, instead of one of its own")
    options = parser.parse_args()
    rng, kills = random.Random(options.seed), 0
    a_wave = len(planned(0, options.waves, options.fingerprints, options.seed)) // options.waves
    with tempfile.TemporaryDirectory() as name, served(options.url) as url:
        folder, prefix = Path(name), f"claims-{uuid.uuid4().hex[:8]}"
        roller = Roller(url, prefix, folder)
        claimers = Claimers(url, prefix, folder, options)
        until = time.monotonic() + WITHIN_S
        while not claimers.are_done and time.monotonic() < until:
            next_kill_at = time.monotonic() + rng.uniform(*BETWEEN_KILLS_S)
            while time.monotonic() < next_kill_at and not claimers.are_done:
                if max(reached(folder / f"{who}.jsonl") for who in range(CLAIMERS)) >= roller.begun * a_wave + a_wave // 2:
                    roller.roll()
                time.sleep(0.1)
            kills += claimers.kill(rng)
        is_whole = claimers.are_done and not claimers.failed
        claimers.close()
        newest = roller.newest
        roller.close()
        told = [note.told for who in range(CLAIMERS) for note in notes(folder / f"{who}.jsonl")]
    owners: dict[str, Counter[str]] = {}
    for each in told:
        for fingerprint, owner in each.items():
            owners.setdefault(fingerprint, Counter())[owner] += 1
    wanted = {each for wave in range(options.waves) for each in fingerprints(wave, options.fingerprints)}
    result = {
        "benchmark": "claims",
        "fingerprints": len(wanted),
        "processes": CLAIMERS,
        "kills": kills,
        "generations_begun": newest - 1,
        "observations": sum(found.total() for found in owners.values()),
        "owners": dict(sorted(Counter(owner for found in owners.values() for owner in found).items())),
        "disagreements": sum(len(found) > 1 for found in owners.values()),
        "missing": len(wanted - owners.keys()),
        "all_ended": is_whole,
    }
    print(json.dumps(result))
    return 0 if is_whole and not result["disagreements"] and not result["missing"] and newest - 1 >= 5 else 1


if __name__ == "__main__":
    sys.exit(main())
