"""The docs are tried: their configurations, the errors they promise, the commands they name, and the README's own way in."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.config import load
from pipeline.errors import ConfigError

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SECRET = "whsec_" + "c2VjcmV0" * 4
FEED = """<rss version="2.0"><channel><title>News</title>
<item><title>A meeting</title><link>https://news.example/1</link><description>Elon Musk met Vladimir Putin.</description></item>
</channel></rss>"""


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, ...]]:
    """Every command of ours that the docs name, with its subcommand where it has one."""
    named = {found for path in DOCS for found in re.findall(r"wirewatch ((?:[a-z-]+ ?){1,2})", path.read_text())}
    groups = {"alerts", "dead-letters", "entities", "feeds", "watch"}
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback} | groups
    for words in sorted(named):
        first, *rest = words.split()
        if first in known:
            yield (first, *rest[:1]) if first in groups else (first,)


@pytest.mark.parametrize("words", sorted(set(commands())), ids=" ".join)
def test_every_command_that_the_docs_name_exists(words: tuple[str, ...]):
    """As they name it."""
    assert CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


def test_the_configuration_of_the_docs_is_right(tmp_path: Path):
    """The first example, as it stands."""
    (tmp_path / "wirewatch.yaml").write_text(blocks(ROOT / "docs" / "configuration.md", "yaml")[0])
    assert [watch.name for watch in load(tmp_path / "wirewatch.yaml", {"DESK_SECRET": SECRET}).watches] == ["musk-putin"]


def test_the_errors_of_the_docs_are_what_a_user_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Word for word."""
    monkeypatch.chdir(tmp_path)
    Path("wirewatch.yaml").write_text(blocks(ROOT / "docs" / "configuration.md", "yaml")[2])
    with pytest.raises(ConfigError) as refused:
        load(Path("wirewatch.yaml"), {})
    assert str(refused.value).strip() == blocks(ROOT / "docs" / "configuration.md", "text")[0].strip()


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[str]:
    """The address of a feed on loopback."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "rss.xml").write_text(FEED)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/rss.xml"
        server.shutdown()
        thread.join(5)


@pytest.mark.slow
@pytest.mark.enable_socket
def test_the_readme_s_five_lines_bring_a_verified_alert(feed: str, tmp_path: Path):
    """Its configuration and its commands as they are typed, with a feed and a port of this machine."""
    readme = (ROOT / "README.md").read_text()
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = str(door.getsockname()[1])
    configuration = re.sub(r'https://[^"]*rss\.xml', feed, blocks(ROOT / "README.md", "yaml")[0]).replace("8900", port)
    (tmp_path / "wirewatch.yaml").write_text(configuration)
    typed = re.findall(r"^    (export DESK_SECRET=.*|\.venv/bin/wirewatch .*)$", readme, re.MULTILINE)
    assert len(typed) == 3
    script = "\n".join(typed).replace(".venv/bin", str(Path(sys.executable).parent))
    with subprocess.Popen(["bash", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True) as shell:
        alarm = threading.Timer(60, os.killpg, (shell.pid, signal.SIGKILL))
        alarm.start()
        try:
            assert shell.stdout
            said = next((line for line in shell.stdout if line.startswith("verified")), "nothing was verified in time")
        finally:
            alarm.cancel()
            os.killpg(shell.pid, signal.SIGTERM)
    assert "musk-putin: A meeting" in said


SEED = ROOT.parent / "shared" / "data" / "seed_story.txt"


SCORE = re.compile(r"\b[01]\.\d\d\b")


@pytest.mark.shared
@pytest.mark.skipif(not SEED.exists(), reason=f"THE STEPS OF READING ARE NOT COMPARED: {SEED} is not there")
def test_the_steps_of_reading_are_what_the_command_shows(tmp_path: Path):
    """The page on reading shows the real story's steps, word for word."""
    page = ROOT / "docs" / "reading.md"
    configuration = f"store: sqlite:///{tmp_path}/x.db\nknown_entities: {tmp_path}/none.tsv\n{blocks(page, 'yaml')[0]}"
    (tmp_path / "wirewatch.yaml").write_text(configuration)
    shown = CliRunner().invoke(app, ["watch", "test", "--explain", "-f", str(SEED), "-c", str(tmp_path / "wirewatch.yaml")])
    told, there = shown.output, blocks(page, "text")[0]
    assert SCORE.sub("0.00", told) == SCORE.sub("0.00", there)
    # Another processor adds up in another order: the second digit may round the other way.
    assert [float(score) for score in SCORE.findall(told)] == pytest.approx([float(s) for s in SCORE.findall(there)], abs=0.011)
