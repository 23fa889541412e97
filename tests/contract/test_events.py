"""Sketches are found by what tells them, within a time; events lead to each other and are kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pipeline.model import Event, Sketch
from pipeline.store.roles import Place, Store, Telling

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sketch(name: str, *telling: int, event: str = "e", hours: int = 0) -> Sketch:
    terms, meaning = b"terms of " + name.encode(), bytes(range(256))
    return Sketch(name, event, "daily.example", NOON + hours * HOUR, telling, terms, "original", meaning)


def telling(*terms: int, hours: int = 72) -> Telling:
    return Telling(dict.fromkeys(terms, 10), NOON - hours * HOUR, NOON + hours * HOUR)


def event(name: str, stories: int = 1, hours: int = 0) -> Event:
    return Event(name, "Headline", stories, ("daily.example",), NOON, NOON + hours * HOUR, 1)


def names(found: Iterable[Sketch]) -> list[str]:
    return [each.story_id for each in found]


def test_a_sketch_comes_back_as_it_was_kept(store: Store):
    """Of a story that has none there is none."""
    store.events.keep([sketch("a", 1, 2), sketch("b", 3)], NOON)
    assert store.events.of_stories(["a", "z"]) == {"a": sketch("a", 1, 2)}


def test_what_shares_the_heaviest_terms_comes_first(store: Store):
    """One rare word says more than two common ones; what shares none is not found, nor is the story itself."""
    store.events.keep([sketch("a", 1, 2, 3), sketch("b", 1, 2), sketch("c", 3), sketch("d", 4)], NOON)
    wanted = Telling({1: 2, 2: 2, 3: 5}, NOON, NOON)
    assert {id: names(found) for id, found in store.events.alike({"a": wanted, "x": wanted}, 9).items()} == {
        "a": ["c", "b"],
        "x": ["a", "c", "b"],
    }
    assert names(store.events.alike({"x": wanted}, 2)["x"]) == ["a", "c"]
    assert store.events.alike({"x": telling(9), "y": telling()}, 5) == {"x": [], "y": []}


def test_what_is_out_of_the_time_is_not_found(store: Store):
    """Both ends belong to it; of the same weight the newest comes first."""
    store.events.keep([sketch("a", 1, hours=-2), sketch("b", 1, hours=-1), sketch("c", 1, hours=1), sketch("d", 1, hours=2)], NOON)
    assert names(store.events.alike({"x": telling(1, hours=1)}, 9)["x"]) == ["c", "b"]


def test_an_edit_is_found_by_its_new_terms_only(store: Store):
    """A sketch that is kept again replaces the one before, at its new time too."""
    store.events.keep([sketch("a", 1, 2)], NOON)
    store.events.keep([sketch("a", 2, 3, event="f", hours=1)], NOON + HOUR)
    assert store.events.alike({"x": telling(1)}, 9) == {"x": []}
    assert store.events.alike({"x": telling(2, 3)}, 9) == {"x": [sketch("a", 2, 3, event="f", hours=1)]}
    assert store.events.members(["e", "f"], 9) == {"f": [sketch("a", 2, 3, event="f", hours=1)]}


def test_an_events_newest_sketches_are_its_members(store: Store):
    """A moved story is a member of its new event, found there and nowhere else."""
    store.events.keep([sketch("a"), sketch("b", 1, hours=2), sketch("c", hours=1), sketch("d", event="f")], NOON)
    assert {id: names(found) for id, found in store.events.members(["e", "f", "g"], 2).items()} == {"e": ["b", "c"], "f": ["d"]}
    assert [each.event_id for each in store.events.alike({"x": telling(1)}, 9)["x"]] == ["e"]
    store.events.move({"b": Place("f", "a"), "z": Place("f", None)})
    assert {id: names(found) for id, found in store.events.members(["e", "f"], 9).items()} == {"e": ["c", "a"], "f": ["b", "d"]}
    assert store.events.alike({"x": telling(1)}, 9)["x"] == [sketch("b", 1, event="f", hours=2)._replace(duplicate_of="a")]
    store.events.move({})


def test_what_was_kept_since_is_told_in_order_of_publication(store: Store):
    """Moving is not keeping."""
    store.events.keep([sketch("a", hours=3), sketch("b", hours=-9)], NOON + HOUR)
    store.events.keep([sketch("c")], NOON)
    store.events.keep([sketch("d")], NOON + 2 * HOUR)
    store.events.move({"c": Place("f", None)})
    assert names(store.events.kept(NOON + HOUR, NOON + 2 * HOUR)) == ["b", "a"]
    assert names(store.events.kept(NOON, NOON + HOUR)) == ["c"]
    assert names(store.events.newest(1)) == ["d"]


def test_a_copys_sketch_says_whose_it_is_and_what_is_no_story_has_none(store: Store):
    """From when it is known."""
    store.events.keep([sketch("a", 1), sketch("b", 1)], NOON)
    store.events.move({"b": Place("f", "a"), "a": Place("f", None)})
    assert {id: each.duplicate_of for id, each in store.events.of_stories(["a", "b"]).items()} == {"a": None, "b": "a"}
    store.events.withdraw(["a", "z"])
    assert names(store.events.alike({"x": telling(1)}, 9)["x"]) == ["b"]
    assert store.events.of_stories(["a"]) == {}
    store.events.withdraw([])


def test_it_is_remembered_up_to_when_everything_was_looked_at(store: Store):
    """Whoever comes next goes on from there."""
    assert store.events.looked_at() is None
    store.events.looked(NOON)
    store.events.looked(NOON + HOUR)
    assert store.events.looked_at() == NOON + HOUR


def test_only_what_is_old_by_both_clocks_is_forgotten(store: Store):
    """An archive that is read today stays until its stories have met."""
    store.events.keep([sketch("a", 1, hours=-9), sketch("b", 1)], NOON - 9 * HOUR)
    store.events.keep([sketch("c", 1, hours=-9)], NOON)
    store.events.forget(NOON - HOUR)
    assert names(store.events.alike({"x": telling(1)}, 9)["x"]) == ["b", "c"]
    assert store.events.of_stories(["a"]) == {}


def test_an_event_that_was_merged_leads_to_the_one_it_is_now(store: Store):
    """Also by way of a third; one that lives again leads nowhere."""
    store.events.redirect({"a": "b"})
    store.events.redirect({"b": "c", "d": "c"})
    store.events.redirect({"b": "c"})
    assert store.events.current(["a", "b", "c", "z"]) == {"a": "c", "b": "c"}
    assert store.events.led_to(["c", "a"]) == {"c": ("a", "b", "d")}
    assert sorted(store.events.redirects()) == [("a", "c"), ("b", "c"), ("d", "c")]
    store.events.redirect({"b": "b"})
    assert store.events.current(["a", "b"]) == {"a": "c"}


def test_the_newest_event_comes_first(store: Store):
    """A record replaces the one before; an event without stories goes."""
    store.events.record([event("a"), event("b", hours=2), event("c", hours=1)])
    store.events.record([event("a", 5), event("c", 0, hours=1)])
    assert list(store.events.records()) == [event("b", hours=2), event("a", 5)]
    assert list(store.events.records(["a", "z"])) == [event("a", 5)]
    store.events.record([])
