import re
from pathlib import Path
from xml.etree import ElementTree

from pipeline.cli.picture import Recorder, Told, main, read_events, write_events

TOLD = [
    Told(1.0, {"event": "story.new", "story": "s", "source": "meridian-wire.example", "title": "Ham <script> & \x1b[31meggs"}),
    Told(2.0, {"event": "alert.queued", "alert": "a", "watch": "musk-putin", "evidence": "Musk met Putin.", "at": object}),
]


def test_a_recorded_play_is_drawn(tmp_path: Path):
    """The events of a play become well-formed SVG which shows them and loads nothing from anywhere."""
    write_events(tmp_path / "play.jsonl", TOLD)
    main([str(tmp_path / "images" / "demo.svg"), str(tmp_path / "play.jsonl")])
    svg = (tmp_path / "images" / "demo.svg").read_text()
    text = "".join(ElementTree.fromstring(svg).itertext()).replace("\xa0", " ")
    assert "musk-putin" in text
    assert "Ham <script> & [31meggs" in text
    assert not re.search(r"url\(['\"]?http|href=", svg)


def test_a_recorder_keeps_what_passes(tmp_path: Path):
    """What a play logs can be written down and read again, and goes on to the view."""
    recorder = Recorder(clock=iter([5.0, 6.5]).__next__)
    event = {"event": "story.new", "title": "\u2028Ham"}
    assert recorder(None, "info", event) is event
    write_events(tmp_path / "play.jsonl", recorder.told)
    assert read_events(tmp_path / "play.jsonl") == [Told(1.5, {"level": "info", **event})]
