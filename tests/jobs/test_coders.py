"""Batches of passages as bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import apache_beam as beam
from apache_beam import coders

from pipeline.config import Settings
from pipeline.jobs.coders import PassagesCoder
from pipeline.jobs.ingest import TellStories
from pipeline.model import Item, ItemVersion, Passage, Reading
from pipeline.stories.identify import identify
from tests.fakes import MemoryStore

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def passages() -> tuple[Passage, ...]:
    items = [
        Item(f"https://example.org/{n}", None, f"https://example.org/{n}", f"Café {n}", "Elon Musk met Vladimir Putin.", False)
        for n in range(3)
    ]
    found, _ = identify([ItemVersion(str(n), item, NOW) for n, item in enumerate(items)], MemoryStore())
    return tuple(passage._replace(reading=Reading(passage.story.versions[-1].id, key_phrases=("a", "b"))) for passage in found)


def test_a_batch_comes_back_as_it_was() -> None:
    coder = PassagesCoder()
    batch = passages()
    assert len(batch) == 3
    assert coder.decode(coder.encode(batch)) == batch
    assert coder.decode(coder.encode(())) == ()


def test_beam_finds_the_coder_for_every_step_that_hands_on_passages() -> None:
    settings = Settings.model_validate({"store": "sqlite:///unused.db"})
    pipeline = beam.Pipeline()
    _ = pipeline | beam.Create([("1",)]) | TellStories(settings)
    outputs = [
        step.outputs[None].element_type
        for part in pipeline.transforms_stack[0].parts
        if isinstance(part.transform, TellStories)
        for step in part.parts
    ]
    assert [type(coders.registry.get_coder(kind)) for kind in outputs[:-1]] == [PassagesCoder] * 7
