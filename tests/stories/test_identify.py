from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import Item, ItemVersion, Passage, Reading, ReadStory, Story, stable_id
from pipeline.store.roles import Merger
from pipeline.stories.copies import placed
from pipeline.stories.identify import identify
from tests.fakes import MemoryStore

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LONG = " ".join(f"word{n}" for n in range(120))
OTHER = " ".join(f"other{n}" for n in range(120))


def sighted(
    guid: str | None = "1",
    url: str | None = "https://example.org/a",
    title: str = "Title",
    text: str = "Text.",
    *,
    feed: str = "https://example.org/feed",
    seen: int = 0,
    published: int | None = None,
    tells: bool = True,
) -> ItemVersion:
    published_at = None if published is None else NOON + timedelta(minutes=published)
    item = Item(feed, guid, url, title, text, False, published_at)
    return ItemVersion(stable_id("version", feed, guid or "", url or "", title, text), item, NOON + timedelta(minutes=seen), tells)


def put(store: MemoryStore, passages: Sequence[Passage]) -> None:
    """What the later stages do: read each passage and store it."""
    reads = [ReadStory(each.story, each.reading or Reading(each.story.versions[-1].id), each.revision) for each in passages]
    assert store.stories.put(reads) == set()
    assert (
        store.stories.merge([Merger(id, revision, each.story.id) for each in passages for id, revision in each.absorbed]) == set()
    )


def taken(store: MemoryStore, *versions: ItemVersion) -> list[Passage]:
    passages, refused = identify(versions, store)
    assert refused == []
    put(store, passages)
    return placed(passages, store, NOON)


def stories(store: MemoryStore) -> list[Story]:
    return [read.story for read in store.stories.all()]


def test_a_story_is_new_once() -> None:
    """The first sighting makes a story, the second finds it, with the revision to hand back."""
    store = MemoryStore()
    [first] = taken(store, sighted())
    [again] = taken(store, sighted(feed="https://example.org/other"))
    assert (first.is_new, first.revision, first.reading) == (True, 0, None)
    assert (again.is_new, again.revision, again.story.id) == (False, 1, first.story.id)
    assert again.story.feeds == ("https://example.org/feed", "https://example.org/other")


def test_the_same_words_are_not_read_again() -> None:
    """A reading is carried over while the current wording is the one that was read, and dropped with an edit."""
    store = MemoryStore()
    [first] = taken(store, sighted())
    [same] = taken(store, sighted(feed="https://example.org/other", seen=1))
    [edited] = taken(store, sighted(title="Corrected", seen=2))
    assert same.reading == Reading(first.story.versions[-1].id)
    assert edited.reading is None
    assert edited.story.versions[-1].changed == ("title",)


@pytest.mark.parametrize(
    "edit",
    [
        sighted(title="Another title", seen=1),
        sighted(text="Corrected.", seen=1),
        sighted(url="https://example.org/moved", seen=1),
        sighted(guid="99", seen=1),
        sighted(guid=None, seen=1),
        sighted(published=-600, seen=1),
    ],
)
def test_an_edit_is_the_same_story(edit: ItemVersion) -> None:
    """Re-titled, corrected, moved, re-numbered or re-dated: one story."""
    store = MemoryStore()
    taken(store, sighted())
    taken(store, edit)
    assert store.stories.count() == 1


def test_versions_of_one_story_make_one_passage() -> None:
    """What comes together goes on together, with all the item versions it answers for; one that tells is enough."""
    store = MemoryStore()
    versions = [sighted(tells=False), sighted("2", "https://example.org/b"), sighted(title="New", seen=1), sighted(tells=False)]
    one, two = taken(store, *versions)
    assert one.item_version_ids == (versions[0].id, versions[2].id)
    assert (one.tells, two.tells) == (True, True)
    assert taken(MemoryStore(), versions[0])[0].tells is False


def test_what_says_nothing_is_refused() -> None:
    """An item without words is handed back with why, and the others go on."""
    empty = sighted("9", "https://example.org/9", title="<b></b>", text=" \u200b\n")
    passages, refused = identify([empty, sighted()], MemoryStore())
    assert len(passages) == 1
    assert [version for version, _ in refused] == [empty]
    assert "neither a title nor a text" in refused[0][1]


def test_nothing_asks_for_nothing() -> None:
    """An empty batch does not touch the store."""
    assert identify([], MemoryStore()) == ([], [])


class FasterWorker:
    """Claims of a store where somebody else claims the same just before us."""

    def __init__(self, store: MemoryStore, rival: str) -> None:
        self._claims = store.claims
        self._rival = rival

    def owners(self, fingerprints: Collection[str]) -> dict[str, str]:
        return self._claims.owners(fingerprints)

    def claim(self, wanted: Mapping[str, str]) -> dict[str, str]:
        self._claims.claim(dict.fromkeys(wanted, self._rival))
        return self._claims.claim(wanted)


OURS = "695ba7c0ed16c89477be70ee"


@pytest.mark.parametrize(("rival", "stays", "goes"), [("000", "000", OURS), ("fff", OURS, "fff")])
def test_the_older_of_two_that_were_claimed_at_once_stays(rival: str, stays: str, goes: str) -> None:
    """Where another worker was faster between our look and our claim, its story and ours are one, under the smaller id."""
    store = MemoryStore()
    store.claims = FasterWorker(store, rival)
    [passage], _ = identify([sighted()], store)
    assert (passage.story.id, passage.absorbed) == (stays, ((goes, 0),))


def test_fingerprints_that_lead_to_two_stories_make_one_of_them() -> None:
    """What has the guid of one and the address of another says that they are one; who held the younger id finds the older."""
    store = MemoryStore()
    [older] = taken(store, sighted("1", "https://example.org/a", "Ministers meet"))
    [younger] = taken(store, sighted("2", "https://example.org/b", "Ministers met", feed="https://example.org/other", seen=1))
    [both] = taken(store, sighted("2", "https://example.org/a", "Ministers met again", seen=2))
    assert (both.story.id, both.story.former_ids) == (older.story.id, (younger.story.id,))
    assert [version.title for version in both.story.versions] == ["Ministers meet", "Ministers met", "Ministers met again"]
    assert both.story.feeds == ("https://example.org/feed", "https://example.org/other")
    assert store.stories.get([younger.story.id])[younger.story.id].story.id == older.story.id
    assert [story.id for story in stories(store)] == [older.story.id]
    [edited] = taken(store, sighted("2", "https://example.org/b", "Ministers gone", seen=3))
    assert (edited.story.id, len(edited.story.versions)) == (older.story.id, 4)


STORM = (
    "Storm reaches the northern coast",
    "Ferries stay in harbour while gusts above 140 kilometres an hour pull roofs off barns.",
)
BUDGET = (
    "Chancellor unveils surprise budget",
    "Income tax falls by a penny, fuel duty is frozen, and pensions rise with average earnings.",
)
FERRIES = ("Ferries sail again", "After two days in harbour the northern coast counts its barns, and gusts are down to a breeze.")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("1", "https://example.org/storm"), ("1", "https://example.org/budget")),
        (("https://example.org/live", "https://example.org/live"), ("https://example.org/live", "https://example.org/live")),
        (("1", "https://example.org/live"), ("2", "https://example.org/live")),
        ((None, "https://example.org/live"), (None, "https://example.org/live")),
    ],
)
def test_another_story_under_a_name_that_was_used_again_is_another(first: tuple, second: tuple) -> None:
    """A reused guid, a live page with a new story: nothing in common but the name. Edits of both find their own, in any order."""
    versions = [
        sighted(*first, *STORM),
        sighted(*first, "Ferries stay in harbour", STORM[1], seen=1),
        sighted(*second, *BUDGET, seen=2),
        sighted(*second, "Penny off income tax", BUDGET[1] + " More soon.", seen=3),
        sighted(*first, *FERRIES, seen=4),
    ]
    for order in (versions, versions[::-1], [versions[n] for n in (2, 4, 0, 3, 1)]):
        for size in (1, 2, 5):
            store = MemoryStore()
            for at in range(0, len(order), size):
                taken(store, *order[at : at + size])
            assert sorted((story.title, len(story.versions)) for story in stories(store)) == [
                ("Ferries sail again", 3),
                ("Penny off income tax", 2),
            ]


def test_two_that_seemed_to_differ_are_one_when_an_edit_has_words_of_both() -> None:
    """The wordings between the first and the last of a page may come after both."""
    name = ("1", "https://example.org/page")
    versions = [
        sighted(*name, *STORM),
        sighted(*name, "Chancellor frozen in harbour", "Ferries stay while a surprise budget meets gusts of income tax.", seen=1),
        sighted(*name, *BUDGET, seen=2),
    ]
    for order in permutations(versions):
        store = MemoryStore()
        for version in order:
            taken(store, version)
        [story] = stories(store)
        assert [version.title for version in story.versions] == [version.item.title for version in versions]


class CrashError(Exception):
    pass


class Crashing:
    """A role that dies at its nth call, before or after doing what it was asked."""

    def __init__(self, role: object, calls: list[int], *, after: bool) -> None:
        self._role, self._calls, self._after = role, calls, after

    def __getattr__(self, name: str):
        def call(*args: object):
            self._calls[0] -= 1
            if self._calls[0] == 0 and not self._after:
                raise CrashError
            answer = getattr(self._role, name)(*args)
            if self._calls[0] == 0:
                raise CrashError
            return answer

        return call


BATCH = [
    sighted("1", "https://example.org/1", text=LONG),
    sighted("2", "https://second.example/2", text=LONG, published=-9),
    sighted("3", "https://third.example/3", text=OTHER),
    sighted("4", "https://example.org/1", text=LONG + " more", seen=1),
]


def cut_off(store: MemoryStore) -> None:
    """Identify the batch until the store dies: fewer calls are made where all is claimed."""
    for _ in range(3):
        identify(BATCH, store)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", range(1, 6))
def test_a_crash_at_any_call_changes_nothing(nth: int, after: bool) -> None:
    """Cut off before or after any word to the store, the batch done again gives what it would have given."""
    expected, _ = identify(BATCH, MemoryStore())
    store, calls = MemoryStore(), [nth]
    claims, kept = store.claims, store.stories
    store.claims, store.stories = Crashing(claims, calls, after=after), Crashing(kept, calls, after=after)
    with pytest.raises(CrashError):
        cut_off(store)
    store.claims, store.stories = claims, kept
    assert identify(BATCH, store)[0] == expected


# Versions of five stories; each version of one carries a fingerprint that all the others of it carry.
WORDINGS = st.builds(
    lambda story, title, text, feed, seen, published: sighted(
        f"guid-{feed}-{story}",
        f"https://example.org/{story}",
        f"{title} {story}",
        text,
        feed=f"https://example.org/{feed}",
        seen=seen,
        published=published,
    ),
    st.integers(0, 4),
    st.sampled_from(["A", "B"]),
    st.sampled_from(["x", "y"]),
    st.sampled_from(["f", "g"]),
    st.integers(0, 9),
    st.none() | st.integers(-9, 9),
)


def told(store: MemoryStore) -> list[Story]:
    """The stories without the ids that the first fingerprint to arrive gave them, in an order of their own."""
    return sorted(
        (story._replace(id="", event_id="", former_ids=()) for story in stories(store)), key=lambda story: story.title.split()[-1]
    )


@settings(max_examples=60)
@given(st.lists(WORDINGS, min_size=1, max_size=14), st.randoms(use_true_random=False))
def test_any_order_in_any_batches_ends_in_the_same_stories(versions: list[ItemVersion], random) -> None:
    """Late, early, together or one by one: the same stories, whatever id the first sighting gave them."""
    in_order, shuffled = MemoryStore(), MemoryStore()
    taken(in_order, *versions)
    others = random.sample(versions, len(versions))
    while others:
        size = random.randint(1, len(others))
        taken(shuffled, *others[:size])
        others = others[size:]
    assert told(shuffled) == told(in_order)
    assert len({story.id for story in stories(shuffled)}) == len({version.item.url for version in versions})
