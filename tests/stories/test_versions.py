from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.model import Item, Story
from pipeline.stories.versions import MOST_VERSIONS, event_of, merged, story_of, version_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def told(
    title: str = "Title",
    text: str = "Text",
    seen: int = 0,
    *,
    published: datetime | None = None,
    updated: datetime | None = None,
    feed: str = "https://example.org/feed",
    url: str | None = "https://example.org/a",
    ref: str | None = None,
) -> Story:
    item = Item(feed, "1", url, title, text, False, published, updated, ref=ref)
    return story_of("s", item, title, text, at(seen))


TELLINGS = st.lists(
    st.builds(
        told,
        title=st.sampled_from(["A", "B"]),
        text=st.sampled_from(["x", "y", "z"]),
        seen=st.integers(0, 5),
        published=st.none() | st.integers(-3, 8).map(at),
        updated=st.none() | st.integers(-3, 8).map(at),
        feed=st.sampled_from(["https://example.org/f", "https://example.org/g"]),
        url=st.sampled_from([None, "https://example.org/a", "https://other.example/b"]),
        ref=st.sampled_from([None, "r1", "r2"]),
    ),
    min_size=1,
    max_size=7,
)


@given(TELLINGS, st.randoms(use_true_random=False))
def test_any_order_and_any_grouping_tell_one_story(tellings: list[Story], random) -> None:
    """Merging is commutative, associative and idempotent: late, early or twice, the story ends the same."""
    expected = reduce(merged, tellings)
    pool = [*tellings, random.choice(tellings)]
    random.shuffle(pool)
    while len(pool) > 1:
        first = pool.pop(random.randrange(len(pool)))
        second = pool.pop(random.randrange(len(pool)))
        pool.append(merged(first, second))
    assert pool[0] == expected
    assert merged(expected, expected) == expected


@given(TELLINGS)
def test_the_content_is_the_current_versions(tellings: list[Story]) -> None:
    """Title and text are those of the last version, whose stamp is the greatest."""
    story = reduce(merged, tellings)
    assert story.versions[-1].id == version_of(Item("f", None, None, "", "", False), story.title, story.text, NOON).id
    assert list(story.versions) == sorted(story.versions, key=lambda version: (version.stamp, version.seen_at, version.id))
    assert len({version.id for version in story.versions}) == len(story.versions)
    assert story.published_at <= story.first_seen_at


def test_an_edit_says_what_it_changed() -> None:
    """Each version names what differs from the one before it, in whatever order they came."""
    tellings = [told("A", "x", 0), told("B", "x", 1), told("B", "y", 2), told("C", "z", 3)]
    for order in permutations(tellings):
        changes = [version.changed for version in reduce(merged, order).versions]
        assert changes == [(), ("title",), ("text",), ("title", "text")]


def test_the_publishers_date_decides_which_is_current() -> None:
    """An old wording that is seen late does not become the current one."""
    new = told("New", seen=0, updated=at(-1))
    old = told("Old", seen=5, updated=at(-9))
    assert merged(new, old).title == "New"


def test_without_dates_the_latest_sighting_is_current() -> None:
    """Where the publisher does not say, what was seen last counts."""
    assert merged(told("New", seen=5), told("Old", seen=0)).title == "New"


def test_a_date_in_the_future_counts_as_now() -> None:
    """A wrong clock cannot hold a story at one wording for ever, nor publish it after it was seen."""
    wrong = told("Wrong", seen=0, published=at(10_000), updated=at(10_000))
    assert wrong.published_at == wrong.versions[0].stamp == at(0)
    assert merged(wrong, told("Right", seen=1)).title == "Right"


def test_a_clock_that_was_never_set_counts_as_none() -> None:
    """1970 is no date of a story."""
    assert told(published=datetime(1970, 1, 1, tzinfo=UTC), seen=3).published_at == at(3)


def test_dates_are_the_earliest_and_feeds_all() -> None:
    """A re-dated, cross-posted story was published when it first was, and stands in both feeds."""
    story = merged(told(seen=5, published=at(4), feed="g"), told(seen=2, published=at(1), feed="f"))
    assert (story.published_at, story.first_seen_at, story.feeds) == (at(1), at(2), ("f", "g"))


def test_a_story_without_company_is_its_own_event() -> None:
    """A new story begins an event, and a duplicate stays in that of its original when merged."""
    assert told().event_id == event_of("s")
    copy = told()._replace(event_id="e", duplicate_of="o")
    for both in (merged(told(), copy), merged(copy, told())):
        assert (both.event_id, both.duplicate_of) == ("e", "o")


def test_versions_are_kept_up_to_a_number() -> None:
    """A page with a clock on it keeps its latest wordings."""
    story = reduce(merged, (told(f"{n}", seen=n) for n in range(MOST_VERSIONS + 5)))
    assert len(story.versions) == MOST_VERSIONS
    assert story.title == f"{MOST_VERSIONS + 4}"
    assert story.versions[0].changed == ()


def test_a_hostile_address_is_nobodys() -> None:
    """Only web addresses become a story's link."""
    assert told(url="javascript:alert(1)").url is None
