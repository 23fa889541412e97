import io
import threading

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.cli.live import LiveView, PlainView, plain_line
from pipeline.cli.screen import highlighted, screen
from pipeline.cli.tally import Tally

HOSTILE = "<script>[bold red]\x1b[31m[/]\u202eevil[link=http://x]"

EVENTS = [
    {"event": "feed.polled", "feed": "The Harbour Ledger", "status": 200, "items": 4, "new": 1, "ms": 7, "error": None},
    {"event": "feed.polled", "feed": "Nordwind Dispatch", "status": 500, "new": 0, "error": "HTTP 500"},
    {"event": "story.new", "story": "s1", "source": "meridian-wire.example", "title": "Musk kept in touch with Putin"},
    {"event": "story.duplicate", "story": "s2", "source": "saltmarsh.example", "title": "Musk in touch with Putin", "of": "s1"},
    {"event": "story.updated", "story": "s1", "source": "meridian-wire.example", "title": HOSTILE},
    {
        "event": "story.read",
        "story": "s1",
        "entities": ["Elon Musk", "Vladimir Putin"],
        "pairs": [["Elon Musk", "Vladimir Putin"]],
        "topics": ["politics"],
    },
    {
        "event": "alert.queued",
        "alert": "a1",
        "watch": "musk-putin",
        "title": "Musk kept in touch with Putin",
        "source": "meridian-wire.example",
        "evidence": "Elon Musk has spoken several times with Vladimir Putin since 2022.",
    },
    {"event": "delivery.delivered", "alert": "a1", "webhook": "desk", "attempt": 1, "status": 204, "ms": 3},
    {"event": "dead_letter", "stage": "feeds", "about": "f: Tide table", "error": "no identity"},
    {"event": "tick", "work": 3, "ms": 117.4},
]


def drawn(events: list[dict], width: int, height: int, at_s: float = 12.0) -> str:
    """The screen as text, as a terminal of that size shows it."""
    tally = Tally()
    for event in events:
        tally.take(event, at_s)
    console = Console(record=True, width=width, height=height, file=io.StringIO(), force_terminal=True)
    console.print(screen(tally, at_s, width, height), height=height)
    return console.export_text()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (140, 40), (220, 60)])
def test_everything_is_on_the_screen(width, height):
    """Counters, stories with their source, the alert with its sentence, pairs and entities are readable at any usual size."""
    text = drawn(EVENTS, width, height)
    for words in (
        "polls",
        "musk-putin",
        "delivered",
        "Elon Musk has spoken",
        "Elon Musk – Vladimir Putin",
        "meridian-wire",
        "tick 117 ms",
    ):
        assert words in text, words
    lines = text.rstrip("\n").split("\n")
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (30, 10), (10, 5), (1, 1)])
def test_an_empty_or_tiny_screen_is_drawn(width, height):
    """Before anything happened, and in a window nobody could read, nothing breaks."""
    drawn([], width, height)
    drawn(EVENTS, width, height)


def test_hostile_titles_are_text():
    """Markup of ours stays words, and no escape or override reaches the terminal from a title."""
    tally = Tally()
    for event in EVENTS:
        tally.take(event, 1.0)
    stream = io.StringIO()
    Console(width=140, height=40, file=stream, force_terminal=False).print(screen(tally, 1.0, 140, 40), height=40)
    assert "<script>[bold red][31m[/]evil" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def test_names_are_set_off_whole_and_by_their_halves():
    """A full name and a last name alone are marked, a word that only begins with one is not."""
    text = highlighted("Elon Musk met Putin, not Putinists.", ["Elon Musk", "Vladimir Putin"])
    assert [text.plain[span.start : span.end] for span in text.spans] == ["Elon Musk", "Putin"]
    assert not highlighted("Nobody.", []).spans
    assert not highlighted("(a+b", ["(a+", "["]).plain.startswith("\\")


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["event"])
def test_each_event_is_one_plain_line_or_none(event):
    """A line holds no line break, no escape, and says what happened."""
    line = plain_line(event)
    assert "\n" not in line
    assert "\x1b" not in line
    assert line or event["event"] == "tick"


def test_plain_lines_say_what_matters():
    """Polls that brought something or failed, stories, the alert with its sentence, deliveries and troubles."""
    stream = io.StringIO()
    with PlainView(stream, clock=lambda: 3.0) as view:
        for event in EVENTS:
            view.show(event)
        view.show({"event": "feed.polled", "feed": "unchanged", "status": 304, "new": 0})
        view.show({"event": "store.slow", "level": "warning", "ms": 5})
        view.show({"event": "chatter", "level": "debug"})
    text = stream.getvalue()
    assert "musk-putin" in text
    assert "“Elon Musk has spoken several times with Vladimir Putin since 2022.”" in text
    assert "failed: HTTP 500" in text
    assert "set aside" in text
    assert "store.slow ms=5" in text
    assert "unchanged" not in text
    assert "chatter" not in text


@given(
    st.dictionaries(
        st.sampled_from(["event", "feed", "entities", "evidence", "new", "title"]), st.none() | st.integers() | st.text()
    )
)
def test_no_event_is_too_odd_for_a_line(event):
    """Missing keys and odd values make a poor line, not an error."""
    assert "\n" not in plain_line(event)
    assert "\n" not in plain_line({"event": "feed.polled", **event})


@pytest.mark.parametrize("view_class", [PlainView, LiveView])
def test_a_view_ends_the_chain_of_structlog(view_class):
    """As the last processor it takes every event from any thread, and nothing is logged behind it."""
    behind: list[object] = []
    stream = io.StringIO()
    view = view_class(stream) if view_class is PlainView else LiveView(Console(file=stream, width=80, height=24))
    log = structlog.wrap_logger(structlog.testing.CapturingLogger(), processors=[view, lambda *arguments: behind.append(arguments)])
    threads = [threading.Thread(target=lambda: [log.info("story.new", story="s", title="T") for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert view.tally.counts["new"] == 200
    assert not behind


def test_the_live_view_leaves_its_last_frame():
    """When the view ends, what it showed stays in the terminal."""
    stream = io.StringIO()
    with LiveView(Console(file=stream, force_terminal=True, width=100, height=30), clock=lambda: 0.0) as view:
        for event in EVENTS:
            view.show(event)
    assert "musk-putin" in stream.getvalue().rpartition("\x1b[?1049l")[2]


def test_what_was_counted_is_one_plain_line():
    """Now and then, and at the end."""
    assert plain_line({"event": "service.counts", "level": "info", "polls": 12}) == "counted   polls 12"
