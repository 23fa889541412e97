"""The chain on every runner: whatever comes in which order, in which batches, how often, and wherever it breaks off, the same
stories, hits and alerts come out.

Not among what is tried here: near-verbatim copies (`test_copies.py` tries their orders), stories of one event (of which they are
when they arrive depends on what came before, until they are grouped again), and a watch that only a wording matched which was out
of date when it arrived.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import apache_beam as beam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import TransientError
from pipeline.feeds.beam import close_pollers
from pipeline.feeds.poll import item_version_id
from pipeline.jobs.ingest import TellStories, arrivals
from pipeline.language.pool import close_pools
from pipeline.model import Item, ItemVersion, ReadStory
from pipeline.store.address import address_of, close_stores, keep_open
from pipeline.store.roles import Store
from pipeline.stories.beam import TakeUnfinished
from pipeline.stories.events import sketch_of
from pipeline.stories.versions import event_of
from tests.fakes import MemoryStore
from tests.jobs.faltering import Faltering, When
from tests.jobs.runners import Job, Local, Portable, Runner

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SETTINGS = Settings.model_validate(
    {
        "store": "sqlite:///in-memory",
        "processes": 1,
        "entities": {
            "musk": {"name": "Elon Musk", "kind": "person", "aliases": ["Musk"]},
            "putin": {"name": "Vladimir Putin", "kind": "person", "aliases": ["Putin"]},
        },
        "watches": [
            {"name": "musk-putin", "all": ["musk", "putin"], "alert": ["desk"]},
            {"name": "musk", "all": ["musk"], "within": "story"},
        ],
        "webhooks": {"desk": {"url": "http://127.0.0.1:9/", "secret": "whsec_" + "A" * 32}},
    }
)
MOST_RUNS = 12


# ── what arrives ─────────────────────────────────────────────────────────────────────────────────────────────────


def sighted(n: int, guid: str | None, title: str, text: str, *, feed: str = "a", edited_h: int = 0) -> ItemVersion:
    item = Item(
        f"https://{feed}.example/rss",
        guid,
        f"https://news.example/{guid}" if guid else None,
        title,
        text,
        is_html=False,
        published_at=NOW - timedelta(hours=9),
        updated_at=NOW - timedelta(hours=8 - edited_h) if edited_h else None,
    )
    return ItemVersion(item_version_id(item), item, NOW + timedelta(minutes=n))


LAKE = (
    "Diplomats walked along the frozen lakeside promenade while negotiators drafted a fisheries treaty over chocolate. "
    "Interpreters, bodyguards and pastry cooks waited beside the cathedral until midnight bells ended the banquet."
)
ROCKETS = (
    "Engineers cheered as boosters landed upright on both barges and the payload fairing splashed into the ocean. "
    "Telescopes in Hawaii followed the capsule while astronauts rehearsed docking, oxygen alarms and welding in orbit."
)
MONEY = "Economists expected higher inflation, cheaper mortgages and fewer savings accounts by next spring."
"""So that the stories of the same people are of different happenings."""
VERSIONS = (
    sighted(1, "meeting", "A meeting", "Elon Musk met Vladimir Putin in Geneva. " + LAKE),
    sighted(2, "meeting", "A meeting", "Elon Musk met Vladimir Putin in Geneva. " + LAKE, feed="b"),
    sighted(3, "meeting", "A meeting, again", "Elon Musk met Vladimir Putin in Oslo. " + LAKE, edited_h=2),
    sighted(4, "later", "A speech", "Musk gave a speech. " + ROCKETS),
    sighted(5, "later", "A speech", "Musk gave a speech. Elon Musk thanked Vladimir Putin. " + ROCKETS, edited_h=1),
    sighted(6, "dull", "Weather", "It rained in Lisbon on Monday."),
    sighted(7, None, "Without an address", "The Bank of Ruritania said nothing to Musk. " + MONEY),
    sighted(8, "odd", "Half a letter \ud83d", "\ud83d Putin. " * 3),
    sighted(9, "empty", "", ""),
)


class Sent(TakeUnfinished):
    """The batches that a test sends, once, and then what is not finished."""

    waiting: tuple[tuple[str, ...], ...] = ()
    now = NOW

    def process(self, tick: object) -> Iterator[tuple[str, ...]]:
        sent, Sent.waiting = Sent.waiting, ()
        yield from sent
        yield from super().process(tick)


def clock() -> datetime:
    return Sent.now


class Outcome(NamedTuple):
    """What is kept at the end, without the order in which it came about; stories and events go by a story's first version."""

    stories: dict[str, ReadStory]
    hits: set[tuple[str, str, bool]]
    """Of which story, by which watch, whether it was told."""
    alerts: set[tuple[str, str, frozenset[str]]]
    """By which watch, of which event, by which stories."""
    deliveries: set[tuple[str, str, str]]
    dead: set[str]


def outcome(store: Store) -> Outcome:
    reads = list(store.stories.all())
    named = {id: read.story.versions[0].id for read in reads for id in (read.story.id, *read.story.former_ids)}
    begun = {event_of(id): name for id, name in named.items()}
    alerts = {alert.id: alert for alert in store.outbox.alerts()}
    return Outcome(
        {named[read.story.id]: nameless(read, begun) for read in reads},
        {(named[hit.story_id], hit.watch, hit.alert_id is not None) for hit in store.outbox.hits()},
        {(alert.watch, begun[alert.event_id], frozenset(named[id] for id in alert.story_ids)) for alert in alerts.values()},
        {
            (each.webhook, alerts[each.alert_id].watch, begun[alerts[each.alert_id].event_id])
            for each in store.outbox.deliveries(list(alerts))
        },
        {letter.id for letter in store.dead_letters.list()},
    )


def nameless(read: ReadStory, begun: Mapping[str, str]) -> ReadStory:
    """A story but for its ids: an id says which of its sightings made it."""
    return read._replace(revision=0, story=read.story._replace(id="", event_id=begun[read.story.event_id], former_ids=()))


# ── the suite ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    close_pollers()
    close_stores()


@pytest.fixture(scope="module", autouse=True)
def _one_pool() -> Iterator[None]:
    yield
    close_pools()


def chain(runner: Runner) -> Job:
    return runner.job(
        lambda pipeline: (
            pipeline
            | beam.Create(["tick"], reshuffle=False)
            | "arrivals" >> beam.ParDo(Sent(address_of(SETTINGS), clock))
            | TellStories(SETTINGS, clock)
        )
    )


def after(job: Job, batches: Sequence[tuple[str, ...]], away: Mapping[int, When] | None = None) -> Outcome:
    """What is kept once `batches` went through `job` and all is finished, however often the store was away meanwhile."""
    memory = MemoryStore()
    memory.landing.land(VERSIONS, NOW)
    keep_open(address_of(SETTINGS), Faltering(memory, away or {}))
    Sent.now, Sent.waiting = NOW + timedelta(hours=1), tuple(batches)
    for _ in range(MOST_RUNS):
        try:
            job.run()
        except TransientError:
            pass
        else:
            if not memory.landing.unfinished_count():
                return outcome(memory)
        Sent.now += timedelta(minutes=5)
    raise AssertionError("it does not come to an end")


@pytest.fixture(scope="module")
def expected() -> Outcome:
    """What one batch after the other, in order and undisturbed, ends in."""
    try:
        return after(chain(Local()), [(version.id,) for version in VERSIONS])
    finally:
        close_stores()


@st.composite
def shuffled(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """Every version at least once, some more often, in any order and any batches; now and then an empty one."""
    ids = [version.id for version in VERSIONS]
    order = draw(st.permutations(ids + draw(st.lists(st.sampled_from(ids), max_size=6))))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=5)))
    return [tuple(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


def tried(runner: Runner, most: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The settings of a property: a job of a server takes a second."""
    examples = max(3, most // 15) if isinstance(runner, Portable) else most
    return settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def test_the_outcome_is_what_the_stories_say(expected: Outcome) -> None:
    """Five stories, two of them with a second wording; both watches, one of them told; what is no story is set aside."""
    assert sorted(len(read.story.versions) for read in expected.stories.values()) == [1, 1, 1, 2, 2]
    assert sorted(watch for _, watch, _ in expected.hits) == ["musk", "musk", "musk", "musk-putin", "musk-putin"]
    assert sorted((watch, len(stories)) for watch, _, stories in expected.alerts) == [
        *[("musk", 1)] * 3,
        *[("musk-putin", 1)] * 2,
    ]
    assert (len(expected.deliveries), len(expected.dead)) == (2, 1)


def test_order_batches_and_repetition_do_not_matter(runner: Runner, expected: Outcome) -> None:
    job = chain(runner)

    @tried(runner, 30)
    @given(shuffled())
    def any_way(batches: list[tuple[str, ...]]) -> None:
        assert after(job, batches) == expected

    any_way()


def test_a_store_that_goes_away_at_any_call_costs_nothing(runner: Runner, expected: Outcome) -> None:
    """Before the call or after it, up to four times; nothing is lost, nothing is told twice, nothing is set aside for it."""
    job = chain(runner)

    @tried(runner, 40)
    @given(shuffled(), st.dictionaries(st.integers(1, 90), st.sampled_from(["before", "after"]), min_size=1, max_size=4))
    def any_time(batches: list[tuple[str, ...]], away: dict[int, When]) -> None:
        assert after(job, batches, away) == expected

    any_time()


def test_what_is_done_is_counted(runner: Runner) -> None:
    """By the steps that do it, and read from the job in one way on every runner."""
    memory = MemoryStore()
    memory.landing.land(VERSIONS, NOW)
    keep_open(address_of(SETTINGS), memory)
    Sent.now, Sent.waiting = NOW + timedelta(hours=1), ()
    counts = chain(runner).run()
    times = {name: counts.pop(name) for name in ("store_us", "reading_us")}
    assert all(spent > 0 for spent in times.values()), times
    assert dict(counts) == {
        "stories_new": 5, "stories_read": 5, "batches_read": 1, "stories_indexed": 5, "stories_finished": 5,
        "hits": 5, "alerts": 5, "dead_letters": 1,
    }  # fmt: skip


def test_whom_a_story_names_helps_to_tell_its_event(runner: Runner) -> None:
    """A story is read before its event is looked for: what is remembered of it has the persons in it, as configured or not."""
    memory = MemoryStore()
    memory.landing.land(VERSIONS[:1], NOW)
    keep_open(address_of(SETTINGS), memory)
    Sent.now, Sent.waiting = NOW + timedelta(hours=1), ()
    chain(runner).run()
    (read,) = memory.stories.all()
    remembered = memory.events.of_stories([read.story.id])[read.story.id]
    assert remembered.terms == sketch_of(read.story, read.reading).terms != sketch_of(read.story).terms


# ── the tick ─────────────────────────────────────────────────────────────────────────────────────────────────────

RSS = b"""<rss version="2.0"><channel><title>News</title><link>https://news.example/</link>
<item><title>A meeting</title><guid>https://news.example/1</guid><description>Elon Musk met Vladimir Putin.</description></item>
<item><title>Weather</title><guid>https://news.example/2</guid><description>It rained in Lisbon.</description></item>
</channel></rss>"""


class Press(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/rss" else 410)
        self.send_header("Content-Length", str(len(RSS)))
        self.end_headers()
        self.wfile.write(RSS)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.enable_socket
def test_a_tick_brings_what_feeds_say_all_the_way(runner: Runner) -> None:
    """Polled, landed, read and indexed in one run; a feed that is gone costs the other nothing, and both polls are counted."""
    memory = MemoryStore()
    keep_open(address_of(SETTINGS), memory)
    with ThreadingHTTPServer(("127.0.0.1", 0), Press) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        urls = [f"http://127.0.0.1:{server.server_port}/{path}" for path in ("rss", "gone")]
        fed = SETTINGS.model_validate(
            SETTINGS.model_dump() | {"feeds": [{"url": url} for url in urls], "webhooks": {}, "watches": []}
        )
        memory.feeds.subscribe(urls, NOW)
        counts = runner.job(
            lambda pipeline: (
                pipeline | beam.Create(["tick"], reshuffle=False) | "arrivals" >> beam.ParDo(arrivals(fed, 20.0)) | TellStories(fed)
            )
        ).run()
        server.shutdown()
    assert sorted(read.story.title for read in memory.stories.all()) == ["A meeting", "Weather"]
    assert memory.landing.unfinished_count() == 0
    assert {state.url: (state.items, state.error is None) for state in memory.feeds.states()} == {
        urls[0]: (2, True),
        urls[1]: (0, False),
    }
    wanted = {"polls": 2, "polls_failed": 1, "items": 2, "items_landed": 2, "stories_finished": 2}
    found = {name: counts[name] for name in wanted}
    # Prism now and then passes over one of several reports of a counter by one stage; it makes none up.
    assert found == wanted if isinstance(runner, Local) else all(1 <= found[name] <= wanted[name] for name in wanted), found
