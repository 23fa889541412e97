"""Which event a story belongs to when it arrives."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.model import Entity, Mention, Reading
from pipeline.store.roles import Place
from pipeline.stories.events import Placing, likenesses, persons_of, sketch_of
from pipeline.stories.likeness import Rarity
from tests.fakes import MemoryStore
from tests.stories.happenings import (
    FEW_WORDS_IN_COMMON,
    NOON,
    SOME_WORDS_IN_COMMON,
    TOLD_AND_MEANT,
    all_unlike,
    in_words,
    passage,
    stored,
    story,
)


def test_a_happening_told_by_many_is_one_event():
    """In one batch and in several; another happening is another event."""
    store = MemoryStore()
    placing = Placing(store)
    one, two = stored(store, placing, story("a", "fire", 1), story("b", "fire", 2))
    three, other = stored(store, placing, story("c", "fire", 3, 60), story("d", "bank", 4, 61))
    assert one.event_id == two.event_id == three.event_id != other.event_id
    assert store.events.of_stories(["c"])["c"].event_id == one.event_id


def test_what_is_told_longer_ago_than_the_window_is_of_another_event():
    """A window as it is configured, however alike the stories are."""
    store = MemoryStore()
    first, within, beyond = (story(name, "fire", 1, minutes) for name, minutes in (("a", 0), ("b", 59), ("c", 121)))
    placing = Placing(store, window=timedelta(hours=1))
    found = [stored(store, placing, each)[0].event_id for each in (first, within, beyond)]
    assert found[0] == found[1] != found[2]


def test_what_is_further_apart_counts_as_less_alike():
    """The further, by the window, the less: three quarters are left of it at its end."""
    rarity = Rarity()
    here, there = sketch_of(story("a", "fire", 1)), sketch_of(story("b", "fire", 1, 60))
    (near,), (far,) = (likenesses(here, [there], rarity, timedelta(hours=hours)) for hours in (72, 1))
    assert far / near == pytest.approx(0.75, rel=0.01)


def test_another_worker_finds_what_is_still_on_its_way():
    """A sketch is kept before its story is stored."""
    store = MemoryStore()
    (on_its_way,) = Placing(store).placed([passage(story("a", "fire", 1))], NOON)
    (met,) = Placing(store).placed([passage(story("b", "fire", 2))], NOON)
    assert store.stories.count() == 0
    assert met.story.event_id == on_its_way.story.event_id


def test_doing_it_again_gives_the_same_event():
    """After a crash before the story was stored, though the event it was like has gone on since."""
    store = MemoryStore()
    (first,) = Placing(store).placed([passage(story("b", "fire", 2))], NOON)
    store.events.move({"b": Place("elsewhere", None)})
    (again,) = Placing(store).placed([passage(story("b", "fire", 2))], NOON)
    assert again.story.event_id == "elsewhere" != first.story.event_id


def test_an_edit_stays_in_its_event_and_is_found_by_its_new_words():
    """Even where it tells of something else now."""
    store = MemoryStore()
    placing = Placing(store)
    fire, bank = stored(store, placing, story("a", "fire", 1), story("b", "bank", 2))
    edited = story("a", "bank", 3)._replace(event_id=fire.event_id)
    (edit,) = placing.placed([passage(edited, is_new=False, revision=1)], NOON)
    assert edit.story.event_id == fire.event_id != bank.event_id
    assert store.events.of_stories(["a"])["a"].terms != b""
    assert store.events.of_stories(["a"])["a"].event_id == fire.event_id


def test_an_edit_stays_where_its_story_was_moved_meanwhile():
    """Grouped again while the edit was read: what it brings along of its event is out of date."""
    store = MemoryStore()
    placing = Placing(store)
    (told,) = stored(store, placing, story("a", "fire", 1))
    store.events.move({"a": Place("elsewhere", None)})
    (edit,) = placing.placed([passage(told, is_new=False, revision=1)], NOON)
    assert edit.story.event_id == store.events.of_stories(["a"])["a"].event_id == "elsewhere"


def test_what_is_sighted_again_unchanged_is_left_alone():
    """A passage that brings no words costs nothing and passes as it is."""
    store = MemoryStore()
    placing = Placing(store)
    (told,) = stored(store, placing, story("a", "fire", 1))
    same = passage(told, is_new=False, revision=1)._replace(reading=store.stories.get(["a"])["a"].reading, is_reworded=False)
    assert placing.placed([same], NOON) == [same]
    assert placing.placed([], NOON) == []


def test_a_story_without_words_is_an_event_of_its_own():
    """It is like nothing."""
    store = MemoryStore()
    placing = Placing(store)
    mute = [story(name, "fire", 1)._replace(title="", text="!") for name in "ab"]
    assert len({told.event_id for told in stored(store, placing, *mute)}) == 2


def test_what_stories_mean_counts_beside_their_words():
    """Few words in common are enough where they mean the same, and some are not where they mean something else."""
    for texts, encode, events in TOLD_AND_MEANT:
        store = MemoryStore()
        told = stored(store, Placing(store, encode=encode), *(in_words(name, text) for name, text in zip("ab", texts, strict=True)))
        assert len({each.event_id for each in told}) == events
        kept = store.events.of_stories(["a", "b"]).values()
        assert [each.meaning for each in kept] == [encode("", text) if encode else b"" for text in texts]


def test_whom_stories_name_counts_beside_their_words():
    """Few words in common are enough where both name one person all along, and not where they name two."""
    for names, events in ((("", ""), 2), (("person:ann-lee", "person:ann-lee"), 1), (("person:ann-lee", "person:bo-lee"), 2)):
        store = MemoryStore()
        told = [passage(in_words(id, text)) for id, text in zip("ab", FEW_WORDS_IN_COMMON, strict=True)]
        read = [each._replace(reading=naming(name)) for each, name in zip(told, names, strict=True)]
        assert len({each.story.event_id for each in Placing(store).placed(read, NOON)}) == events


def naming(person: str) -> Reading:
    """A reading of somebody, or of nobody."""
    if not person:
        return Reading("v")
    mention = Mention("text", 0, 7, "PERSON", "Ann Lee", person, 0)
    return Reading("v", mentions=(mention,), entities=(Entity(person, "Ann Lee", "person", 30),))


def test_who_goes_by_a_last_name_alone_is_nobody_else():
    """Who that is may follow from what was read before, and events do not; whom the configuration names is known."""
    named = {"person:ann-lee": "Ann Lee", "person:elon-musk": "Musk", "putin": "Putin", "place:leeds": "City of Leeds"}
    mentions = tuple(Mention("title", 0, len(text), "PERSON", text, key, 0) for key, text in named.items())
    entities = tuple(Entity(key, text, "place" if "place" in key else "person", 2) for key, text in named.items())
    assert persons_of(Reading("v", mentions=mentions, entities=entities)) == {"person:ann-lee": 2, "putin": 2}


def test_stories_kept_before_there_was_an_encoder_are_met_by_their_words():
    """The day it is configured, half of them have no meaning."""
    store = MemoryStore()
    (before,) = stored(store, Placing(store), in_words("a", SOME_WORDS_IN_COMMON[0]))
    (since,) = stored(store, Placing(store, encode=all_unlike), in_words("b", SOME_WORDS_IN_COMMON[1]))
    assert since.event_id == before.event_id


def test_an_edit_means_what_it_says_now():
    """Its sketch is made anew."""
    store = MemoryStore()
    placing = Placing(store, encode=all_unlike)
    (told,) = stored(store, placing, in_words("a", FEW_WORDS_IN_COMMON[0]))
    placing.placed([passage(told._replace(text=FEW_WORDS_IN_COMMON[1]), is_new=False, revision=1)], NOON)
    assert store.events.of_stories(["a"])["a"].meaning == all_unlike("", FEW_WORDS_IN_COMMON[1])
