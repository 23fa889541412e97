"""Copies of stored stories, whoever comes first."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import Hit, hit_id
from pipeline.store.roles import Place
from pipeline.stories.copies import placed
from pipeline.stories.events import sketch_of
from tests.fakes import MemoryStore
from tests.stories.test_identify import LONG, NOON, OTHER, identify, put, sighted, stories, taken


def test_a_copy_points_to_its_original() -> None:
    """The same text under another masthead is a story of its own, in its original's event; so is a copy of the copy."""
    store = MemoryStore()
    [original] = taken(store, sighted("1", "https://agency.example/1", text=LONG, published=-9))
    [copy] = taken(store, sighted("2", "https://paper.example/2", title="Ours", text=LONG + " By our desk"))
    [third] = taken(store, sighted("3", "https://mirror.example/3", text=LONG + " By our desk as well"))
    for each in (copy, third):
        assert each.is_new
        assert each.story.duplicate_of == original.story.id
        assert each.story.event_id == original.story.event_id
    assert original.story.duplicate_of is None


def test_in_one_batch_the_earliest_published_is_the_original() -> None:
    """Whatever the order within a batch."""
    versions = [
        sighted("1", "https://a.example/1", text=LONG, published=-1),
        sighted("2", "https://b.example/2", text=LONG, published=-5),
        sighted("3", "https://c.example/3", text=LONG, published=-3),
    ]
    for order in (versions, versions[::-1], versions[1:] + versions[:1]):
        by_source = {each.story.source: each.story for each in taken(MemoryStore(), *order)}
        assert by_source["b.example"].duplicate_of is None
        assert by_source["a.example"].duplicate_of == by_source["c.example"].duplicate_of == by_source["b.example"].id


def test_one_publisher_copies_nobody() -> None:
    """Two stories of one publisher with the same text under two titles are no duplicates."""
    store = MemoryStore()
    taken(store, sighted("1", "https://example.org/1", text=LONG))
    [again] = taken(store, sighted("2", "https://example.org/2", title="Another", text=LONG))
    assert again.story.duplicate_of is None


def test_other_texts_stay_by_themselves() -> None:
    """Different words are different events as far as this goes."""
    store = MemoryStore()
    taken(store, sighted("1", "https://a.example/1", text=LONG))
    [other] = taken(store, sighted("2", "https://b.example/2", text=OTHER))
    assert other.story.duplicate_of is None
    assert len({story.event_id for story in stories(store)}) == 2


def test_an_edit_leaves_its_event_alone() -> None:
    """A duplicate that is rewritten stays where people were told of it."""
    store = MemoryStore()
    [original] = taken(store, sighted("1", "https://a.example/1", text=LONG, published=-9))
    taken(store, sighted("2", "https://b.example/2", text=LONG))
    [edited] = taken(store, sighted("2", "https://b.example/2", text=OTHER, seen=1))
    assert (edited.story.duplicate_of, edited.story.event_id) == (original.story.id, original.story.event_id)


def test_an_edit_leaves_an_event_that_was_moved_alone() -> None:
    """An event that was given to a story later is kept by its edits."""
    store = MemoryStore()
    [first] = taken(store, sighted())
    moved = store.stories.get([first.story.id])[first.story.id]
    assert store.stories.put([moved._replace(story=moved.story._replace(event_id="a"))]) == set()
    [edited] = taken(store, sighted(title="Edited", seen=1))
    assert edited.story.event_id == "a"


def copy(number: int, published: int, text: str = LONG, *, seen: int = 0):
    return sighted(str(number), f"https://outlet{number}.example/a", f"Title {number}", text, published=published, seen=seen)


def test_the_earliest_published_is_the_original_whatever_comes_first() -> None:
    """A story that comes later and was published earlier takes over: its copies point to it, and stay where people were told."""
    versions = [
        copy(1, -5),
        copy(2, -3, LONG + " More soon."),
        copy(3, -1, "By our desk. " + LONG),
        copy(4, 0, " ".join(LONG.split()[:60])),
    ]
    for order in permutations(versions):
        store = MemoryStore()
        [first] = taken(store, order[0])
        for version in order[1:]:
            taken(store, version)
        by_source = {story.source: story for story in stories(store)}
        original = by_source.pop("outlet1.example")
        assert original.duplicate_of is None
        assert {story.duplicate_of for story in by_source.values()} == {original.id}
        assert {story.event_id for story in stories(store)} == {first.story.event_id}


def test_an_earlier_date_that_is_told_later_makes_it_the_original() -> None:
    """What was re-dated is placed again."""
    store = MemoryStore()
    taken(store, copy(1, -3), copy(2, -1))
    [moved] = taken(
        store, sighted("2", "https://outlet2.example/a", "Title 2", LONG, published=-9, seen=1, feed="https://x.example/f")
    )
    assert moved.story.duplicate_of is None
    assert {story.source: story.duplicate_of for story in stories(store)} == {
        "outlet1.example": moved.story.id,
        "outlet2.example": None,
    }


def test_two_that_are_looked_at_at_once_find_each_other() -> None:
    """Two workers that store a copy each before either looks end with one original; so does either that dies and begins again."""
    for first, second in ((0, 1), (1, 0)):
        store = MemoryStore()
        batches = [identify([version], store)[0] for version in (copy(1, -5), copy(2, -3))]
        put(store, batches[0])
        put(store, batches[1])
        placed(batches[first], store, NOON)
        placed(batches[second], store, NOON)
        placed(batches[first], store, NOON)
        assert sorted((story.source, bool(story.duplicate_of)) for story in stories(store)) == [
            ("outlet1.example", False),
            ("outlet2.example", True),
        ]


def test_the_copies_of_a_story_that_turns_out_to_be_another_follow() -> None:
    """Whoever was a copy of the younger id is one of the older."""
    store = MemoryStore()
    [older] = taken(store, sighted("1", "https://example.org/a", "Ministers meet"))
    [younger] = taken(store, sighted("2", "https://example.org/b", "Ministers met", LONG, seen=1))
    [its_copy] = taken(store, copy(9, 5, seen=6))
    assert its_copy.story.duplicate_of == younger.story.id
    taken(store, sighted("2", "https://example.org/a", "Ministers met again", LONG, seen=7))
    assert {story.source: story.duplicate_of for story in stories(store)} == {
        "example.org": None,
        "outlet9.example": older.story.id,
    }


def test_a_hit_follows_its_story_to_another_event() -> None:
    """What is told of a copy is told of the event of its text."""
    store = MemoryStore()
    [original] = taken(store, copy(1, -5))
    [passage], _ = identify([copy(2, -3)], store)
    put(store, [passage])
    hit = Hit(hit_id(passage.story.id, "w"), passage.story.id, passage.story.event_id, "w", (), (), NOON)
    [known] = placed([passage._replace(hits=(hit,))], store, NOON)
    assert [each.event_id for each in known.hits] == [original.story.event_id]


def test_sketches_follow_copies_and_originals() -> None:
    """Also where somebody died before they did, and a story that became part of another has none."""
    store = MemoryStore()
    [older] = taken(store, copy(2, -3))
    store.events.keep([sketch_of(older.story)], NOON)
    passages, _ = identify([copy(1, -5)], store)
    put(store, passages)
    store.events.keep([sketch_of(passages[0].story), sketch_of(passages[0].story)._replace(story_id="former")], NOON)
    [original] = placed(passages, store, NOON)
    for sketch in store.events.of_stories([older.story.id, original.story.id]).values():
        assert sketch.event_id == older.story.event_id
        assert sketch.duplicate_of == (original.story.id if sketch.story_id == older.story.id else None)
    store.events.move({older.story.id: Place("elsewhere", None)})
    placed([original._replace(story=original.story._replace(former_ids=("former",)))], store, NOON)
    assert store.events.of_stories([older.story.id])[older.story.id].duplicate_of == original.story.id
    assert store.events.of_stories(["former"]) == {}


FOOTER = (
    "Sign up for the morning letter of this newsroom and have the day's best reading on your table before breakfast. "
    "Follow us wherever you like to read, listen or watch. Gathered with material from the agencies by our night desk. "
    "All rights reserved, and no part of this page may be broadcast, rewritten or passed on without our leave."
)


def notice(source: str, number: int, words: str, published: int):
    text = f"{words}\n{FOOTER}"
    return sighted(f"{number}", f"https://{source}/{number}", f"Title {number}", text, published=published, seen=9)


def unlike(number: int, count: int = 30) -> str:
    return " ".join(f"thing{number}x{n}" for n in range(count)) + "."


@pytest.mark.parametrize("size", [1, 3, 12])
def test_boilerplate_makes_no_copies_once_it_is_known(size: int) -> None:
    """Short notices that share a long footer are their own stories, also those that came before anybody could know."""
    versions = [notice("one.example", n, unlike(n, 5), -n) for n in range(1, 5)]
    versions += [notice("two.example", n, unlike(n, 5), -n) for n in range(11, 15)]
    for order in (versions, versions[::-1], versions[::2] + versions[1::2]):
        store = MemoryStore()
        for at in range(0, len(order), size):
            taken(store, *order[at : at + size])
        assert [story.duplicate_of for story in stories(store)] == [None] * 8
        # What is too old for an event has no sketch, and is given none.
        assert store.events.of_stories([story.id for story in stories(store)]) == {}


def test_a_copy_that_is_none_any_more_keeps_what_it_means() -> None:
    """Its sketch is kept again as it was: the encoder has read these words."""
    store, copied = MemoryStore(), set[str]()
    for n in range(1, 5):
        for source, number in (("one.example", n), ("two.example", 10 + n)):
            taken(store, notice(source, number, unlike(number, 5), -number))
            new = [each for each in stories(store) if not store.events.of_stories([each.id])]
            store.events.keep([sketch_of(each)._replace(meaning=b"meant") for each in new], NOON)
            copied |= {each.id for each in stories(store) if each.duplicate_of}
    sketches = store.events.of_stories(copied)
    assert copied
    assert {(each.meaning, each.duplicate_of) for each in sketches.values()} == {(b"meant", None)}
    assert {each.event_id for each in sketches.values()} == {each.event_id for each in stories(store) if each.id in copied}


TEXTS = [unlike(n, 60) for n in range(3)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(-9, 0)),
        min_size=2,
        max_size=12,
        unique_by=lambda each: each[:2],
    ),
    st.randoms(use_true_random=False),
)
def test_any_order_in_any_batches_ends_in_the_same_copies(told: list[tuple[int, int, int]], random) -> None:
    """Which story is whose copy does not depend on who came first, nor with whom."""
    versions = [
        sighted(
            f"{text}",
            f"https://outlet{outlet}.example/{text}",
            f"Title {text}",
            TEXTS[text] + f" Outlet {outlet}.",
            published=published,
        )
        for text, outlet, published in told
    ]
    ends = []
    for _ in range(2):
        store, left = MemoryStore(), random.sample(versions, len(versions))
        while left:
            size = random.randint(1, len(left))
            taken(store, *left[:size])
            left = left[size:]
        urls = {story.id: story.url for story in stories(store)}
        ends.append({story.url: story.duplicate_of and urls[story.duplicate_of] for story in stories(store)})
    assert ends[0] == ends[1]
