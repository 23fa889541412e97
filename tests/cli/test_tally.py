import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.tally import Tally, clean, counts_of

EVENTS = (
    "feed.polled",
    "story.new",
    "story.updated",
    "story.duplicate",
    "story.read",
    "alert.queued",
    "delivery.delivered",
    "delivery.failed",
    "delivery.dead",
    "dead_letter",
    "tick",
)
KEYS = ("feed", "story", "title", "source", "of", "entities", "pairs", "alert", "watch", "evidence", "error", "ms", "new", "level")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


def taken(*events: dict) -> Tally:
    """A tally of events a second apart."""
    tally = Tally()
    for at_s, event in enumerate(events):
        tally.take(event, float(at_s))
    return tally


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.dictionaries(st.sampled_from(KEYS), VALUES))))
def test_no_event_is_too_odd(events):
    """Keys may lack and values be of any type: a log event never stops the view."""
    tally = taken(*({"event": name, **keys} for name, keys in events))
    assert tally.counts["polls"] == sum(name == "feed.polled" for name, _ in events)


@given(st.text())
def test_a_cleaned_text_does_nothing_to_a_terminal(text):
    """No control, format or unassigned character and no line break is left, and cleaning twice is cleaning once."""
    line = clean(text)
    assert not any(unicodedata.category(character).startswith("C") for character in line)
    assert len(line.splitlines()) <= 1
    assert clean(line) == line


def test_what_cleaning_leaves_is_readable():
    """Escape codes lose their escape, overrides and zero widths go, piled-up marks are thinned, long texts are cut."""
    assert clean("\x1b[31mred\x1b[0m\r\nnext\u202e\u200b") == "[31mred[0m next"
    assert clean("Zürich Zu\u0308rich 東京") == "Zürich Zu\u0308rich 東京"
    assert clean("z" + "\u0301" * 50) == "z\u0301\u0301"
    assert clean("x" * 50, limit=10) == "x" * 9 + "…"


def test_a_story_read_again_counts_once():
    """What is read in an edit takes the place of what was read before."""
    first = {"event": "story.read", "story": "s", "entities": ["Elon Musk", "Moscow"], "pairs": [["Moscow", "Elon Musk"]]}
    again = {"event": "story.read", "story": "s", "entities": ["Elon Musk"], "pairs": []}
    tally = taken(first, again)
    assert +tally.entities == {"Elon Musk": 1}
    assert not +tally.pairs
    assert (tally.counts["entities"], tally.counts["pairs"]) == (1, 0)


def test_a_pair_is_the_same_in_either_order():
    """Who was mentioned first makes no other pair."""
    one = {"event": "story.read", "story": "1", "pairs": [["A", "B"]]}
    other = {"event": "story.read", "story": "2", "pairs": [["B", "A"]]}
    assert taken(one, other).pairs == {("A", "B"): 2}


def test_an_alert_follows_its_delivery():
    """A failed attempt is retried, a later one delivers; both are counted on the alert."""
    queued = {"event": "alert.queued", "alert": "a", "watch": "w"}
    tally = taken(queued, {"event": "delivery.failed", "alert": "a"})
    assert (tally.alerts["a"].state, tally.alerts["a"].attempts) == ("retrying", 1)
    tally.take({"event": "delivery.delivered", "alert": "a"}, 2.0)
    assert (tally.alerts["a"].state, tally.alerts["a"].attempts) == ("delivered", 2)


def test_a_delivery_told_before_its_alert():
    """The deliverer's thread may be quicker than the log of the alert it delivers."""
    tally = taken({"event": "delivery.delivered", "alert": "a"}, {"event": "alert.queued", "alert": "a", "watch": "w"})
    assert tally.alerts["a"].state == "delivered"


def test_a_feed_in_trouble_is_in_trouble_until_it_answers():
    """An error stays with its feed, and only while polls fail."""
    failed = {"event": "feed.polled", "feed": "f", "error": "500"}
    assert taken(failed).troubles == {"f": "500"}
    assert taken(failed, {"event": "feed.polled", "feed": "f", "error": None}).troubles == {}


def test_a_duplicate_names_the_source_of_its_original():
    """Where the original was seen, its source is known."""
    tally = taken(
        {"event": "story.new", "story": "1", "source": "wire.example"},
        {"event": "story.duplicate", "story": "2", "of": "1", "source": "copy.example"},
        {"event": "story.duplicate", "story": "3", "of": "0", "source": "copy.example"},
    )
    assert [story.original for story in tally.stories] == ["", "wire.example", ""]


def test_rates_are_of_the_last_half_minute():
    """A burst is forgotten, and the first second does not make a rate of its own."""
    tally = Tally()
    for _ in range(30):
        tally.take({"event": "feed.polled"}, 0.1)
    assert tally.polls_per_s(0.1) == 30.0
    assert tally.polls_per_s(15.0) == 2.0
    assert tally.polls_per_s(31.0) == 0.0
    tally.take({"event": "story.new"}, 40.0)
    assert tally.stories_per_min(40.0) == 2.0


def test_what_is_kept_is_bounded():
    """Names without end do not fill the memory, and the most frequent stay."""
    tally = Tally()
    for number in range(25_000):
        tally.take({"event": "story.read", "story": str(number), "entities": ["often", f"name {number}"]}, 0.0)
        tally.take({"event": "alert.queued", "alert": str(number)}, 0.0)
    assert len(tally.entities) <= 20_000
    assert tally.entities["often"] == 25_000
    assert len(tally.alerts) <= 200


def test_warnings_that_are_no_part_of_the_flow_are_noted():
    """A warning of any part is kept as a line; what informs is not."""
    tally = taken({"event": "store.slow", "level": "warning", "ms": 5}, {"event": "hello", "level": "info"})
    assert list(tally.notes) == ["store.slow ms=5"]


def test_counts_are_one_line_of_what_there_was():
    """Times in milliseconds; what is no count is passed over."""
    counts = {"event": "service.counts", "polls": 1200, "stories_new": 3, "alerts": 0, "store_us": 41_400}
    assert counts_of(counts) == "polls 1,200 · stories new 3 · store 41 ms"
    assert counts_of({}) == "nothing"
