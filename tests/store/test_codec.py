"""What was kept by an older version is read by this one."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.model import Sketch
from pipeline.store.codec import decode, encode


def test_a_sketch_that_was_kept_before_stories_had_meanings_has_none():
    """Everything else of it is as it was."""
    sketch = Sketch("a", "e", "daily.example", datetime(2026, 11, 24, tzinfo=UTC), (1, 2), b"terms", "original")
    assert decode(encode(tuple(sketch)[:7]), Sketch) == sketch
    assert sketch.meaning == b""
    assert decode(encode(sketch._replace(meaning=b"\x00\xff")), Sketch).meaning == b"\x00\xff"
