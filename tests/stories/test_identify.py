from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model import Item, ItemVersion, Passage, Reading, ReadStory, Story, stable_id
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


def taken(store: MemoryStore, *versions: ItemVersion) -> list[Passage]:
    passages, refused = identify(versions, store)
    assert refused == []
    put(store, passages)
    return passages


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


def test_who_claimed_first_owns_the_story() -> None:
    """Where another worker was faster between our look and our claim, its answer counts."""
    store = MemoryStore()
    store.claims = FasterWorker(store, "rival")
    [passage], _ = identify([sighted()], store)
    assert passage.story.id == "rival"


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
    return sorted((story._replace(id="", event_id="") for story in stories(store)), key=lambda story: story.title.split()[-1])


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


# ── duplicates ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_copy_points_to_its_original() -> None:
    """The same text under another masthead is a story of its own, in its original's event; so is a copy of the copy."""
    store = MemoryStore()
    [original] = taken(store, sighted("1", "https://agency.example/1", text=LONG))
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
    [original] = taken(store, sighted("1", "https://a.example/1", text=LONG))
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


def test_copies_of_a_story_that_was_lost_find_each_other() -> None:
    """Where the owner of the bands never was stored, the copies in one batch still know each other."""
    store = MemoryStore()
    identify([sighted("0", "https://lost.example/0", text=LONG)], store)
    one, two = taken(store, sighted("1", "https://a.example/1", text=LONG), sighted("2", "https://b.example/2", text=LONG, seen=1))
    assert (one.story.duplicate_of, two.story.duplicate_of) == (None, one.story.id)


def test_after_a_crash_two_copies_do_not_point_at_each_other() -> None:
    """Bands that a younger copy claimed before it was lost do not make it the original of an older one."""
    younger = sighted("1", "https://a.example/1", text=LONG, published=-1)
    older = sighted("2", "https://b.example/2", text=LONG + " more", published=-5)
    store = MemoryStore()
    identify([younger], store)
    by_source = {each.story.source: each.story for each in taken(store, younger, older)}
    assert by_source["b.example"].duplicate_of is None
    assert by_source["a.example"].duplicate_of == by_source["b.example"].id
