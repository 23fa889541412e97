"""What stories are read with, as a name."""

from __future__ import annotations

from pipeline.config import Settings
from pipeline.language.edition import edition

MUSK = {"name": "Elon Musk", "kind": "person"}
PUTIN = {"name": "Vladimir Putin", "kind": "person"}


def name(**entities: object) -> str:
    return edition(Settings.model_validate({"entities": entities}).entities)


def test_the_same_entities_in_any_order_are_one_edition():
    """Moving a line of the configuration makes nothing worth reading again."""
    assert name(musk=MUSK, putin=PUTIN) == name(putin=PUTIN, musk=MUSK)


def test_a_changed_entity_is_another_edition():
    """Whatever was changed of it: it may be found elsewhere, or not any more."""
    names = {
        name(),
        name(musk=MUSK),
        name(tesla=MUSK),
        name(musk=MUSK | {"aliases": ["Musk"]}),
        name(musk=MUSK | {"never": ["Musk Ox"]}),
        name(musk=MUSK | {"case": "exact"}),
        name(musk=MUSK | {"kind": "other"}),
    }
    assert len(names) == 7
    assert {len(each) for each in names} == {12}
