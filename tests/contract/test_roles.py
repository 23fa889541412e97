"""What every store promises the stages: nothing lost, nothing twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from pipeline.model import Alert, DeadLetter, Delivery, FeedState, Habit, Hit, Item, ItemVersion
from pipeline.store.fingerprint import digest
from pipeline.store.roles import KnownFeed, Store

NOW = datetime(2026, 11, 24, 8, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
FEED = "https://news.example/rss"


def version(name: str) -> ItemVersion:
    item = Item(FEED, name, f"https://news.example/{name}", name, "Words.", is_html=False)
    return ItemVersion(name, item, NOW)


def alert(name: str, *stories: str) -> Alert:
    return Alert(name, "musk-putin", "event", stories, "Title", None, "news.example", NOW, (), (), NOW)


def delivery(name: str, about: str = "alert", webhook: str = "desk") -> Delivery:
    return Delivery(name, about, webhook, "waiting", NOW)


def test_a_leased_feed_is_not_due_again_before_its_lease_ends(store: Store):
    """Two that ask at once never poll one feed twice."""
    store.feeds.subscribe([FEED], NOW)
    assert [state.url for state in store.feeds.lease(NOW, LATER, 10)] == [FEED]
    assert store.feeds.lease(NOW, LATER, 10) == []
    assert store.feeds.next_due_at() == LATER
    assert [state.url for state in store.feeds.lease(LATER, LATER + timedelta(minutes=1), 10)] == [FEED]


def test_a_feed_that_is_dropped_rests_and_keeps_its_state(store: Store):
    """A feed taken out of the configuration and put back goes on where it was."""
    store.feeds.subscribe([FEED], NOW)
    store.landing.land([], LATER, [FeedState(FEED, LATER, etag='"1"')])
    store.feeds.subscribe([], NOW)
    assert store.feeds.states() == []
    assert store.feeds.next_due_at() is None
    store.feeds.subscribe([FEED], NOW)
    assert [state.etag for state in store.feeds.states()] == ['"1"']


def test_what_landed_never_lands_again(store: Store):
    """The second sighting of the same words is known, finished or not; the feed counts what was new."""
    store.feeds.subscribe([FEED], NOW)
    assert store.landing.land([version("a"), version("b")], LATER, [FeedState(FEED, LATER)]) == ["a", "b"]
    store.landing.finish(["a"])
    assert store.landing.land([version("a"), version("b"), version("c")], LATER, [FeedState(FEED, LATER)]) == ["c"]
    assert [state.items for state in store.feeds.states()] == [3]


def test_what_is_not_finished_is_taken_again_when_its_lease_ends(store: Store):
    """A crash between landing and finishing costs a lease's time, never a story."""
    store.landing.land([version("a")], LATER)
    assert store.landing.unfinished(NOW, LATER, 10) == []
    assert store.landing.next_due_at() == LATER
    assert store.landing.unfinished(LATER, LATER, 10) == ["a"]
    assert store.landing.read(["a", "b"]) == [version("a")]
    store.landing.finish(["a"])
    assert store.landing.unfinished_count() == 0
    assert store.landing.next_due_at() is None


def test_a_turn_is_had_by_one_of_all_who_ask(store: Store):
    """Also at once, turn after turn; each work for itself."""
    turns = [NOW + n * timedelta(minutes=1) for n in range(20)]
    at_once = Barrier(8)

    def take(now: datetime) -> bool:
        at_once.wait(60)
        return store.take_turn("group", now, now + timedelta(minutes=1))

    with ThreadPoolExecutor(8) as pool:
        assert [sum(pool.map(take, [now] * 8)) for now in turns] == [1] * 20
    assert not store.take_turn("group", turns[-1], turns[-1] + timedelta(minutes=1))
    assert store.take_turn("tend", turns[-1], turns[-1] + timedelta(minutes=1))


def test_what_was_finished_can_be_opened_again(store: Store):
    """A dead letter that is sent through again is worked on although its id is known."""
    store.landing.land([version("a")], LATER)
    store.landing.finish(["a"])
    store.landing.reopen([version("a")], NOW)
    assert store.landing.unfinished(NOW, LATER, 10) == ["a"]


def test_a_fingerprint_has_one_owner_whoever_asks(store: Store):
    """The first to claim owns; the second is told who."""
    assert store.claims.claim({"url:1": "a", "guid:1": "a"}) == {"url:1": "a", "guid:1": "a"}
    assert store.claims.claim({"url:1": "b", "guid:2": "b"}) == {"url:1": "a", "guid:2": "b"}
    assert store.claims.owners(["url:1", "guid:9"]) == {"url:1": "a"}


def test_a_told_alert_is_not_told_again(store: Store):
    """A second story of the event joins the alert and makes no delivery."""
    assert store.outbox.tell([], [alert("alert", "s1")], [delivery("msg_1")]) == ["alert"]
    assert store.outbox.tell([], [alert("alert", "s2")], [delivery("msg_2")]) == []
    assert [told.story_ids for told in store.outbox.alerts()] == [("s1", "s2")]
    assert [made.id for made in store.outbox.deliveries(["alert"])] == ["msg_1"]


def test_a_leased_delivery_comes_back_until_it_is_recorded(store: Store):
    """Whoever dies between sending and recording leaves the delivery due again, under its id."""
    store.outbox.tell([], [alert("alert", "s1")], [delivery("msg_1")])
    assert store.outbox.lease(NOW, LATER, 10, without=["desk"]) == []
    assert [taken.id for taken in store.outbox.lease(NOW, LATER, 10)] == ["msg_1"]
    assert store.outbox.lease(NOW, LATER, 10) == []
    (again,) = store.outbox.lease(LATER, LATER, 10)
    store.outbox.record([again._replace(status="delivered", next_attempt_at=None)])
    assert store.outbox.next_due_at() is None
    assert [kept.status for kept in store.outbox.deliveries(["alert"])] == ["delivered"]


def test_a_hit_is_kept_once(store: Store):
    """A story that is read again does not hit again."""
    hit = Hit("h", "s1", "event", "musk-putin", (), (), NOW)
    store.outbox.tell([hit], [], [])
    store.outbox.tell([hit._replace(found_at=LATER)], [], [])
    assert store.outbox.known_hits(["h", "i"]) == {"h"}
    assert list(store.outbox.hits()) == [hit]


def test_dead_letters_are_kept_until_they_are_sent_through(store: Store):
    """A letter is replaced by its id, listed and removed; one that came since stays: its story failed again."""
    letter = DeadLetter("d", "feeds", "not XML", b"<", "line", NOW, "a.jsonl:1")
    store.dead_letters.add([letter])
    store.dead_letters.add([letter._replace(error="still not XML")])
    assert [kept.error for kept in store.dead_letters.list()] == ["still not XML"]
    since = letter._replace(at=LATER)
    store.dead_letters.add([since])
    store.dead_letters.remove([letter, letter._replace(id="e")])
    assert store.dead_letters.list() == [since]
    store.dead_letters.remove([since])
    assert store.dead_letters.list() == []


def test_every_feed_can_be_taken_elsewhere_as_it_is(store: Store):
    """Polled or at rest, with its count of items; what is written over one that is kept stands."""
    kept = [KnownFeed(FeedState(FEED, LATER, items=7), True), KnownFeed(FeedState(FEED + "/old", NOW, etag='"1"'), False)]
    store.feeds.keep(kept)
    assert list(store.feeds.all()) == kept
    assert [state.url for state in store.feeds.states()] == [FEED]
    assert store.feeds.lease(NOW, LATER, 10) == []
    store.feeds.keep([KnownFeed(FeedState(FEED, NOW, items=8), True)])
    assert [state.items for state in store.feeds.lease(NOW, LATER, 10)] == [8]


def test_everything_that_landed_can_be_taken_elsewhere(store: Store):
    """Unfinished versions with their content, leased or not, and every id; a remembered id never lands."""
    store.landing.land([version("a"), version("b"), version("c")], LATER)
    store.landing.finish(["b"])
    assert sorted(waiting.id for waiting in store.landing.waiting()) == ["a", "c"]
    store.landing.remember(["a", "d"])
    assert sorted(store.landing.known()) == ["a", "b", "c", "d"]
    assert store.landing.unfinished_count() == 2
    assert store.landing.land([version("d")], LATER) == []
    assert store.landing.read(["a", "d"]) == [version("a")]


def test_every_claim_can_be_taken_elsewhere(store: Store):
    """By what it is kept as; an owner stays the owner."""
    store.claims.claim({"url:1": "a"})
    store.claims.keep({digest("url:1"): "b", digest("url:2"): "b"})
    assert store.claims.owners(["url:1", "url:2"]) == {"url:1": "a", "url:2": "b"}
    assert dict(store.claims.all()) == {digest("url:1"): "a", digest("url:2"): "b"}


def test_stories_that_share_bands_are_found_by_whoever_asks(store: Store):
    """Those that share as many as asked for, most first, and never the story itself."""
    store.bands.keep({"a": [1, 2, 3, 2**32 - 1], "b": [2, 3, 4], "c": [9]})
    store.bands.keep({"d": [1, 2, 3], "c": [8]})
    assert store.bands.sharing({"d": [1, 2, 3], "c": [9, 8], "x": [2**32 - 1, 7]}, 2) == {"d": ["a", "b"], "c": [], "x": []}
    assert store.bands.sharing({"x": [2**32 - 1, 7]}, 1) == {"x": ["a"]}
    assert store.bands.sharing({}, 1) == {}
    assert sorted(store.bands.all()) == [("a", [1, 2, 3, 2**32 - 1]), ("b", [2, 3, 4]), ("c", [8]), ("d", [1, 2, 3])]
    store.bands.keep({})


def test_a_storys_last_bands_are_what_it_is_found_by(store: Store):
    """Kept again, the same bands count once, and those of an earlier wording no more."""
    store.bands.keep({"a": [1, 2], "b": [3, 4]})
    store.bands.keep({f"other{n}": [100 + n] for n in range(9)})
    store.bands.keep({"a": [1, 2], "b": [4, 5]})
    assert store.bands.sharing({"x": [1, 7], "y": [3, 4], "z": [4, 5], "v": [2, 1]}, 2) == {
        "x": [],
        "y": [],
        "z": ["b"],
        "v": ["a"],
    }
    assert store.bands.sharing({"x": [3]}, 1) == {"x": []}


def test_habits_are_written_over_what_was_read(store: Store):
    """Of two that learn at once the slower is told."""
    habit = Habit("news.example", {7: ("a", "b"), 2**32 - 1: ("c",)})
    assert store.habits.get(["news.example"]) == {}
    assert store.habits.put([habit]) == set()
    assert store.habits.get(["news.example", "other.example"]) == {"news.example": habit._replace(revision=1)}
    assert store.habits.put([habit._replace(lines={})]) == {"news.example"}
    assert store.habits.put([habit._replace(lines={}, revision=1), Habit("other.example")]) == set()
    assert store.habits.get(["news.example"])["news.example"] == Habit("news.example", {}, 2)
    assert {habit.source: habit.revision for habit in store.habits.all()} == {"news.example": 2, "other.example": 1}
