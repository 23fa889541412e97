"""Stories grouped again: merges, splits, ids that last, and the same groups whatever came first."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.jobs.regroup import LOOK_BACK, regroup
from pipeline.model import Entity, Reading, ReadStory, Story, TopicScore
from pipeline.store.roles import Merger, Place, Store, Stories
from pipeline.store.search import Page, SearchRequest
from pipeline.stories.events import Placing, sketch_of
from pipeline.stories.meaning import Encode
from tests.fakes import MemoryStore
from tests.stories.happenings import (
    FEW_WORDS_IN_COMMON,
    NOON,
    TOLD_AND_MEANT,
    all_alike,
    all_unlike,
    in_words,
    stored,
    story,
    together,
)

HOUR = timedelta(hours=1)
FIRE = [story(f"f{n}", "fire", n, 10 * n) for n in range(4)]
BANK = [story(f"b{n}", "bank", 50 + n, 10 * n) for n in range(4)]


def apart(store: Store, *stories: Story, encode: Encode | None = None) -> None:
    """Stories that as many workers met at once: each began an event of its own."""
    for told in stories:
        assert store.stories.put([ReadStory(told, Reading(told.versions[-1].id))]) == set()
    store.events.keep([sketch_of(told, encode=encode) for told in stories], NOON)


def event(store: Store, story_id: str) -> str:
    return store.stories.get([story_id])[story_id].story.event_id


def test_events_that_were_begun_at_once_become_the_oldest():
    """Its id stays, the others lead to it, and stories, search and sketches follow."""
    store = MemoryStore()
    apart(store, *reversed(FIRE), *BANK)
    done = regroup(store, NOON)
    assert (done.looked_at, done.moved, done.ended) == (8, 6, 6)
    assert together(store) == {frozenset(each.id for each in FIRE), frozenset(each.id for each in BANK)}
    assert event(store, "f3") == FIRE[0].event_id
    assert store.events.current([FIRE[3].event_id]) == {FIRE[3].event_id: FIRE[0].event_id}
    assert {each.event_id for each in store.events.of_stories(["f1", "f2"]).values()} == {FIRE[0].event_id}


class StaleStories:
    """Stories whose search goes on finding what it found first."""

    def __init__(self, stories: Stories) -> None:
        self._stories = stories
        self._found: dict[SearchRequest, Page] = {}

    def search(self, request: SearchRequest) -> Page:
        return self._found.setdefault(request, self._stories.search(request))

    def __getattr__(self, name: str) -> object:
        return getattr(self._stories, name)


def test_a_search_that_goes_on_finding_what_followed_its_event_ends_the_pass():
    store = MemoryStore()
    apart(store, *FIRE)
    beside = story("beside", "fire", 9, 5)._replace(event_id=FIRE[3].event_id)
    assert store.stories.put([ReadStory(beside, Reading(beside.versions[-1].id))]) == set()
    store.stories = StaleStories(store.stories)  # type: ignore[assignment]
    assert regroup(store, NOON).ended == 3
    assert event(store, "beside") == FIRE[0].event_id


def test_the_window_that_is_configured_is_gone_by():
    """Within it they are grouped as they came; what is further apart stays apart."""
    store = MemoryStore()
    apart(store, *FIRE)
    # Ten minutes apart, they are not looked for, though half of how alike they are would be left.
    assert regroup(store, NOON, timedelta(minutes=7)).moved == 0
    assert regroup(store, NOON, HOUR, everything=True).moved == 3


def test_a_second_pass_changes_nothing():
    """Neither over what came since nor over everything."""
    store = MemoryStore()
    apart(store, *FIRE, *BANK)
    regroup(store, NOON)
    revisions = [read.revision for read in store.stories.all()]
    assert regroup(store, NOON).moved == 0
    assert regroup(store, NOON + HOUR).moved == 0
    assert regroup(store, NOON + 2 * HOUR).looked_at == 0
    assert regroup(store, NOON + HOUR, everything=True).moved == 0
    assert [read.revision for read in store.stories.all()] == revisions


def test_an_event_of_two_happenings_is_split():
    """The id stays with most of its stories; the rest gets one that nobody had."""
    store = MemoryStore()
    apart(store, *[told._replace(event_id="mixed") for told in (*FIRE[:3], *BANK[:2])])
    done = regroup(store, NOON)
    assert (event(store, "f0"), event(store, "b0")) == ("mixed", BANK[0].event_id)
    assert (done.moved, done.ended) == (2, 0)


def test_what_stories_mean_counts_when_they_are_grouped_again():
    """As it does when they arrive; where one has no meaning their words alone count."""
    for texts, encode, events in TOLD_AND_MEANT:
        told = [in_words(f"t{n}", text, n) for n, text in enumerate(texts)]
        store = MemoryStore()
        apart(store, *told, encode=encode)
        regroup(store, NOON)
        assert len(together(store)) == events
        store = MemoryStore()
        apart(store, told[0], encode=encode)
        apart(store, told[1])
        regroup(store, NOON)
        assert len(together(store)) == (2 if texts is FEW_WORDS_IN_COMMON else 1)


def test_an_event_that_lives_again_leads_nowhere():
    """What was merged by mistake gets its id back, and is no redirect any more."""
    store = MemoryStore()
    apart(store, *[told._replace(event_id=FIRE[0].event_id) for told in (*FIRE, *BANK[:2])])
    store.events.redirect({BANK[0].event_id: FIRE[0].event_id})
    regroup(store, NOON)
    assert event(store, "b1") == BANK[0].event_id
    assert store.events.current([BANK[0].event_id]) == {}


def test_stories_that_nobody_remembers_follow_their_event():
    """Of an event that ended, also those whose sketches are long gone."""
    store = MemoryStore()
    apart(store, FIRE[0], FIRE[1])
    old = story("old", "quake", 7)._replace(event_id=FIRE[1].event_id)
    store.stories.put([ReadStory(old, Reading("v-old"))])
    regroup(store, NOON)
    assert event(store, "old") == FIRE[0].event_id


def test_a_copy_goes_where_its_original_goes():
    """Whatever its words are like."""
    store = MemoryStore()
    apart(store, *FIRE, *BANK, story("copy", "quake", 3, copy_of="f3"))
    regroup(store, NOON)
    assert event(store, "copy") == event(store, "f3") == FIRE[0].event_id


def test_a_copy_that_its_sketch_does_not_know_for_one_stays_with_its_original():
    """Somebody died between its story and its sketch, or its original's sketch is long gone."""
    for remembered in (True, False):
        store = MemoryStore()
        apart(store, *FIRE, *BANK)
        if not remembered:
            store.events.withdraw(["f0"])
        copy = story("copy", "bank", 58, copy_of="f0")._replace(event_id=BANK[0].event_id)
        store.stories.put([ReadStory(copy, Reading("v-copy"))])
        store.events.keep([sketch_of(copy)._replace(duplicate_of=None)], NOON)
        regroup(store, NOON)
        assert event(store, "copy") == event(store, "f0") == FIRE[0].event_id
        assert store.events.of_stories(["copy"])["copy"].event_id == event(store, "f0")
        assert store.events.of_stories(["copy"])["copy"].duplicate_of == "f0"


def test_the_copies_that_nobody_remembers_follow_an_original_that_leaves_its_event():
    """An event that is split leaves none behind."""
    store = MemoryStore()
    apart(store, *[told._replace(event_id="mixed") for told in (*FIRE[:3], *BANK[:2])])
    copy = story("copy", "bank", 50, copy_of="b0")._replace(event_id="mixed")
    store.stories.put([ReadStory(copy, Reading("v-copy"))])
    regroup(store, NOON)
    assert event(store, "copy") == event(store, "b0") == BANK[0].event_id


def test_a_story_that_became_part_of_another_is_left_to_that():
    """Its sketch is still there, and moves nothing."""
    store = MemoryStore()
    apart(store, *FIRE[:2], *BANK[:2])
    store.stories.merge([Merger("f1", 1, "b0")])
    regroup(store, NOON)
    assert event(store, "f1") == event(store, "b1")
    assert {read.story.id for read in store.stories.all()} == {"f0", "b0", "b1"}


def test_what_is_on_its_way_is_looked_at_again():
    """A sketch whose story is not stored yet stays as it is, and the next pass finds the story."""
    store = MemoryStore()
    apart(store, FIRE[0])
    store.events.keep([sketch_of(FIRE[1])], NOON)
    assert regroup(store, NOON).moved == 0
    assert store.events.of_stories(["f1"])["f1"].event_id == FIRE[1].event_id
    store.stories.put([ReadStory(FIRE[1], Reading("v-f1"))])
    regroup(store, NOON + LOOK_BACK / 2)
    assert event(store, "f1") == FIRE[0].event_id


def test_a_story_that_was_written_with_another_event_than_its_sketch_is_mended():
    """Two workers met it at once, and the store kept the one's story and the other's sketch."""
    store = MemoryStore()
    apart(store, *FIRE)
    store.events.move({told.id: Place(FIRE[0].event_id, None) for told in FIRE})
    regroup(store, NOON)
    assert {event(store, told.id) for told in FIRE} == {FIRE[0].event_id}


class WrittenMeanwhile:
    """Stories of a store in which somebody else writes a story just before us, once."""

    def __init__(self, store: MemoryStore, story_id: str) -> None:
        self._stories, self._rivals = store.stories, [story_id]

    def put(self, stories: list[ReadStory]) -> set[str]:
        for read in self._stories.get(self._rivals).values():
            self._stories.put([read._replace(watches=("meanwhile",))])
            self._rivals = []
        return self._stories.put(stories)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stories, name)


def test_a_story_that_is_written_meanwhile_is_moved_all_the_same():
    """With what was written."""
    store = MemoryStore()
    apart(store, *FIRE)
    store.stories = WrittenMeanwhile(store, "f2")  # type: ignore[assignment]
    regroup(store, NOON)
    read = store.stories.get(["f2"])["f2"]
    assert (read.story.event_id, read.watches) == (FIRE[0].event_id, ("meanwhile",))


def test_an_events_record_is_of_all_its_stories():
    """The most central title, who and what most are about, when and where it was told; a merged event has none."""
    store = MemoryStore()
    apart(store, *FIRE, *BANK[:1])
    leeds = Entity("place:leeds", "Leeds", "place", 7)
    reads = list(store.stories.get([told.id for told in FIRE]).values())
    topic = TopicScore("medtop:03000000", "disaster", 0.9)
    store.stories.put([read._replace(reading=read.reading._replace(entities=(leeds,), topics=(topic,))) for read in reads])
    regroup(store, NOON)
    fire, bank = sorted(store.events.records(), key=lambda record: -record.stories)
    assert (fire.id, fire.stories, fire.growth) == (FIRE[0].event_id, 4, 4)
    assert fire.headline in {told.title for told in FIRE}
    assert fire.sources == tuple(told.source for told in FIRE)
    assert (fire.first_seen_at, fire.last_published_at) == (FIRE[0].first_seen_at, FIRE[3].published_at)
    assert (fire.entities, fire.topics) == ((leeds._replace(count=4),), ("disaster",))
    assert bank.stories == 1


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_two_workers_and_any_order_end_with_the_same_events(data: st.DataObject):
    """The stories of each event are the same, however they came: in whatever order, in batches of any size, to either worker.

    With an encoder too, which finds some alike that are not and some unlike that are.
    """
    encode = data.draw(st.sampled_from([None, all_unlike, lambda title, text: all_alike(title, text) if len(text) % 2 else b""]))
    stories = [*FIRE, *BANK, *(story(f"q{n}", "quake", 70 + n, 5 * n) for n in range(3)), story("l", "launch", 99, 30)]
    ends = set()
    for _ in range(2):
        store = MemoryStore()
        workers = [Placing(store, encode=encode), Placing(store, encode=encode)]
        rest = data.draw(st.permutations(stories))
        while rest:
            size = data.draw(st.integers(1, 5))
            stored(store, data.draw(st.sampled_from(workers)), *rest[:size])
            rest = rest[size:]
        regroup(store, NOON)
        ends.add(frozenset(together(store)))
    assert len(ends) == 1


def test_nothing_is_nothing():
    """A store without stories is grouped at once."""
    assert regroup(MemoryStore(), NOON) == (0, 0, 0)
