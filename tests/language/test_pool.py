"""The reading processes: a real pool; most tests run a worker that dies on command instead of loading a model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Literal, NamedTuple

import psutil
import pytest

from pipeline.errors import ConfigError, TransientError
from pipeline.language.pool import ReadingPool
from pipeline.language.read import ReadFailure, Text
from pipeline.model import Kind, Reading

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]
WITHIN_S = 30


class Settings(NamedTuple):
    name: str
    kind: Kind | None = "person"
    aliases: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    case: Literal["any", "exact"] = "any"
    accents: Literal["keep", "fold"] = "keep"


@pytest.fixture
def pool() -> Iterator[ReadingPool]:
    with ReadingPool({"musk": Settings("Elon Musk")}, 2, worker="tests.language.mortal_worker", read_within_s=1) as started:
        yield started


def outcome(future: Future[list[Reading | ReadFailure]]) -> list[Reading | ReadFailure]:
    return future.result(WITHIN_S)


def texts(*commands: str) -> list[Text]:
    return [Text(str(n), "", command) for n, command in enumerate(commands)]


def readers() -> list[psutil.Process]:
    """The reading processes of this one: servers that other tests started are its children too, and what is left of dead ones."""
    living = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in living if any("worker import main" in part for part in child.cmdline())]


def test_the_real_worker_reads() -> None:
    """A pool of processes with the model reads by the configured entities."""
    with ReadingPool({"musk": Settings("Elon Musk", aliases=("Musk",))}, 1) as pool:
        reading, empty = outcome(pool.submit([Text("v", "Musk meets Putin", "Elon Musk met Vladimir Putin."), Text("w", "", "")]))
    assert isinstance(reading, Reading)
    assert [entity.key for entity in reading.entities] == ["musk", "person:vladimir-putin"]
    assert empty == Reading("w")


def test_readings_come_in_the_order_of_the_texts(pool: ReadingPool) -> None:
    """Each future answers its own batch."""
    futures = [pool.submit([Text(f"{batch}-{n}", "", "") for n in range(3)]) for batch in range(20)]
    assert [[reading.version_id for reading in outcome(future)] for future in futures] == [
        [f"{b}-{n}" for n in range(3)] for b in range(20)
    ]
    assert outcome(pool.submit([])) == []


def test_an_answer_that_is_no_reading_is_told_to_whoever_waits(pool: ReadingPool) -> None:
    """Nobody waits for ever, and the process reads on."""
    for future in [pool.submit(texts("babble")) for _ in range(4)]:
        with pytest.raises(ValueError, match="Expected"):
            outcome(future)
    assert len(outcome(pool.submit(texts("")))) == 1


def test_a_reading_with_half_a_character_is_a_failure_and_the_others_are_read(pool: ReadingPool) -> None:
    """It cannot be handed over; nobody dies of it."""
    good, bad = outcome(pool.submit(texts("", "halve")))
    assert isinstance(good, Reading)
    assert isinstance(bad, ReadFailure)
    assert "surrogate" in bad.error
    assert bad.version_id == "1"


def test_a_text_that_kills_is_a_failure_and_the_others_are_read(pool: ReadingPool) -> None:
    """The process is replaced and the batch read text by text."""
    answers = outcome(pool.submit(texts("a", "die", "b")))
    assert [type(answer) for answer in answers] == [Reading, ReadFailure, Reading]
    assert [answer.version_id for answer in answers] == ["0", "1", "2"]
    assert isinstance(outcome(pool.submit(texts("a")))[0], Reading)


def test_a_text_that_hangs_is_a_failure_within_the_limit(pool: ReadingPool) -> None:
    """The process that does not answer is killed, and the others go on."""
    hanging, other = pool.submit(texts("hang")), pool.submit(texts("a"))
    assert isinstance(outcome(other)[0], Reading)
    failure = outcome(hanging)[0]
    assert isinstance(failure, ReadFailure)
    assert "1 s" in failure.error


def test_a_process_killed_from_outside_costs_no_text(pool: ReadingPool, tmp_path: Path) -> None:
    """A text whose process died once, by whatever hand, is read by the next one."""
    assert isinstance(outcome(pool.submit(texts(f"die-once {tmp_path / 'dead'}")))[0], Reading)
    outcome(pool.submit(texts("a")))
    for child in readers():
        os.kill(child.pid, signal.SIGKILL)
    assert all(isinstance(answer, Reading) for answer in outcome(pool.submit(texts("a", "b"))))


def test_changed_entities_count_from_the_next_batch(pool: ReadingPool) -> None:
    """Every process reads by the configuration that held when the batch was submitted."""
    before = [pool.submit(texts("a")) for _ in range(4)]
    pool.configure({"putin": Settings("Vladimir Putin")})
    after = [pool.submit(texts("a")) for _ in range(4)]
    assert {reading.key_phrases[0] for future in before for reading in outcome(future) if isinstance(reading, Reading)} == {"musk"}
    assert {reading.key_phrases[0] for future in after for reading in outcome(future) if isinstance(reading, Reading)} == {"putin"}


def test_poisonous_texts_cost_nobody_else_anything() -> None:
    """Two million characters without a space, controls, ten thousand quotes: the process lives, and what is between is read."""
    poison = ["x" * 2_000_000, "".join(map(chr, range(32))) * 20_000, '"' * 10_000, "Putin/" * 20_000, "\ud800" * 1_000]
    with ReadingPool({"musk": Settings("Elon Musk", aliases=("Musk",))}, 1) as pool:
        batch = [
            text
            for number, bad in enumerate(poison)
            for text in (Text(f"p{number}", bad, bad), Text(f"g{number}", "", "Musk spoke."))
        ]
        found = outcome(pool.submit(batch))
        (process,) = readers()
        assert found == outcome(pool.submit(batch))
        assert process.is_running()
    good = [reading for reading in found if reading.version_id.startswith("g")]
    assert [isinstance(reading, Reading) and reading.entities[0].key for reading in good] == ["musk"] * len(poison)


def test_closing_ends_the_processes_and_refuses_the_rest(pool: ReadingPool) -> None:
    """What was not read says so, no process is left, and closing twice is allowed."""
    outcome(pool.submit(texts("a")))
    children = readers()
    assert children
    futures = [pool.submit(texts("hang")) for _ in range(4)]
    time.sleep(0.2)
    pool.close()
    pool.close()
    for future in (*futures, pool.submit(texts("a"))):
        with pytest.raises(TransientError):
            future.result(WITHIN_S)
    assert all(not child.is_running() for child in children)


def test_a_model_that_is_not_there_is_the_user_s_to_mend() -> None:
    """The future says what is missing."""
    with ReadingPool({}, 1, worker="tests.language.unable_worker") as pool, pytest.raises(ConfigError, match="no model named en"):
        outcome(pool.submit(texts("a")))


def test_processes_that_do_not_start_are_given_up() -> None:
    """A worker that dies at once does not keep anybody waiting."""
    with ReadingPool({}, 1, worker="no_such_module") as pool, pytest.raises(TransientError):
        outcome(pool.submit(texts("a")))


MAIN = """
import sys
from pathlib import Path

with Path({log!r}).open("a") as log:
    log.write("main\\n")

from pipeline.language.pool import ReadingPool
from pipeline.language.read import Text

with ReadingPool({{}}, 2, worker="tests.language.mortal_worker") as pool:
    for future in [pool.submit([Text("v", "", "a")]) for _ in range(4)]:
        future.result(30)
heavy = {{"apache_beam", "spacy", "numpy", "pyarrow"}} & set(sys.modules)
assert not heavy, heavy
"""


def test_neither_side_loads_what_the_other_needs(tmp_path: Path) -> None:
    """The caller's main module runs once, unguarded as it may be, and the caller pays for no spaCy."""
    script, log = tmp_path / "script.py", tmp_path / "log"
    script.write_text(MAIN.format(log=str(log)))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, str(script)], check=True, timeout=60, env=env)
    assert log.read_text() == "main\n"
