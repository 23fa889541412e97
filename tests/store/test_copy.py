"""A copy holds what its original does, however often it was killed, and does nothing twice."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.errors import ConfigError
from pipeline.model import (
    Alert,
    Attempt,
    DeadLetter,
    Delivery,
    Event,
    FeedState,
    Habit,
    Hit,
    Item,
    ItemVersion,
    ReadStory,
    Sketch,
)
from pipeline.store.copy import KINDS, copy
from pipeline.store.elasticsearch.client import Access
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.roles import Merger, Place, Store
from pipeline.store.sqlite.store import SqliteStore
from tests.contract.conftest import ON_ELASTICSEARCH, on_elasticsearch
from tests.contract.told import NOW, STORIES
from tests.fakes import MemoryStore

S = TypeVar("S", bound=Store)

LATER = NOW + timedelta(minutes=5)
FEED = "https://news.example/rss"


class Killed(Exception):
    """The process ended here."""


def version(name: str) -> ItemVersion:
    return ItemVersion(name, Item(FEED, name, None, name, "Words.", is_html=False), NOW)


def alert(name: str) -> Alert:
    return Alert(name, "musk-putin", name, ("a",), "Title", None, "news.example", NOW, (), (), NOW)


def filled(store: S) -> S:
    """A store with something of every kind, some of it under way."""
    store.feeds.subscribe([FEED, FEED + "/old"], NOW)
    store.feeds.subscribe([FEED], NOW)
    store.landing.land([version(f"v{n}") for n in range(9)], LATER, [FeedState(FEED, LATER, etag='"1"', last_polled_at=NOW)])
    store.landing.finish([f"v{n}" for n in range(6)])
    store.claims.claim({f"url:{n}": f"story-{n % 5}" for n in range(30)})
    store.stories.put(STORIES)
    store.stories.merge([Merger("younger", 0, STORIES[0].story.id)])
    store.habits.put([Habit("news.example", {7: ("a", "b")}), Habit("other.example", {2**32 - 1: ("c",)})])
    store.bands.keep({"a": [1, 2, 3], "b": [2, 3, 2**32 - 1]})
    store.bands.keep({"a": [1, 2, 4]})
    store.events.keep([_sketch(read) for read in STORIES[:5]], NOW)
    store.events.redirect({"e-old": "e-new"})
    store.events.record([Event("e-new", "Headline", 2, ("news.example",), NOW, NOW, 1)])
    attempt = Attempt(NOW, 0.1, 500, "no")
    store.outbox.tell(
        [Hit(f"h{n}", "a", "e", "musk-putin", (), (), NOW + timedelta(seconds=n)) for n in range(4)],
        [alert("one"), alert("two")],
        [Delivery("msg_1", "one", "desk", "waiting", NOW), Delivery("msg_2", "two", "desk", "waiting", NOW)],
    )
    store.outbox.record([Delivery("msg_1", "one", "desk", "delivered", None, (attempt, attempt))])
    store.outbox.lease(NOW, LATER, 10)
    store.dead_letters.add([DeadLetter("d", "feeds", "not XML", b"<", "line", NOW, "a.jsonl:1")])
    return store


def _sketch(read: ReadStory) -> Sketch:
    story = read.story
    return Sketch(story.id, story.event_id, story.source, story.published_at, (1, 2, 3), b"terms", story.duplicate_of)


def held(store: Store) -> dict[str, list[object]]:
    """All that a store holds, but for the revisions of stories, which each store counts by itself."""
    found = {kind.name: list(kind.read(store)) for kind in KINDS}
    for what in ("stories", "habits"):
        found[what] = [each._replace(revision=0) for each in found[what]]
    return {what: sorted(all, key=repr) for what, all in found.items()}


@pytest.fixture(params=["sqlite", pytest.param("elasticsearch", marks=ON_ELASTICSEARCH)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "elasticsearch":
        yield from on_elasticsearch(request.getfixturevalue("elasticsearch_url"))
        return
    store = SqliteStore(tmp_path / "target.db")
    yield store
    store.close()


def test_a_copy_there_and_back_holds_all_that_the_original_does(target: Store, tmp_path: Path):
    """Both ways between SQLite and the target: every kind, as many and the same; what was leased is free."""
    source, back = filled(SqliteStore(tmp_path / "source.db")), SqliteStore(tmp_path / "back.db")
    copied = copy(source, target, lambda what, done: None)
    assert all(each.is_whole and each.source for each in copied)
    assert held(target) == held(source)
    copy(target, back, lambda what, done: None)
    assert held(back) == held(source)
    assert len(back.landing.unfinished(NOW, LATER, 10)) == 3
    assert [each.id for each in back.outbox.lease(NOW, LATER, 10)] == ["msg_2"]
    assert back.landing.land([version("v1")], LATER) == []
    source.close()
    back.close()


def test_a_copy_that_was_killed_goes_on(target: Store, tmp_path: Path):
    """Wherever it was: it is the same in the end, and no story was written twice."""
    source = filled(SqliteStore(tmp_path / "source.db"))
    for kind in KINDS:

        def killed(what: str, done: int, at: str = kind.name) -> None:
            if what == at and done:
                raise Killed

        with pytest.raises(Killed):
            copy(source, target, killed)
    copy(source, target, lambda what, done: None)
    assert held(target) == held(source)
    assert {read.revision for read in target.stories.all()} == {1}
    source.close()


def test_a_later_copy_brings_what_changed_since(target: Store, tmp_path: Path):
    """What was finished is finished, what was delivered is not delivered again, an edit is there; what the copy has newer stays."""
    source = filled(SqliteStore(tmp_path / "source.db"))
    copy(source, target, lambda what, done: None)
    source.landing.finish(["v7"])
    source.outbox.record([Delivery("msg_2", "two", "desk", "delivered", None)])
    edited = STORIES[0]._replace(story=STORIES[0].story._replace(title="Corrected"), revision=1)
    source.stories.put([edited])
    seen = STORIES[1].story.versions[0]._replace(seen_at=LATER)
    newer = STORIES[1]._replace(story=STORIES[1].story._replace(title="Newer", versions=(seen,)), revision=1)
    target.stories.put([newer])
    copied = copy(source, target, lambda what, done: None)
    assert all(each.is_whole for each in copied)
    assert target.landing.unfinished_count() == 2
    assert target.outbox.waiting_count() == 0
    assert [read.story.title for read in target.stories.get([STORIES[0].story.id]).values()] == ["Corrected"]
    assert [read.story.title for read in target.stories.get([STORIES[1].story.id]).values()] == ["Newer"]
    source.close()


def test_stories_and_events_that_became_one_since_are_one_in_the_copy(target: Store, tmp_path: Path):
    """The younger story leads to the older, though the copy had it as a story; sketches are placed as their stories are."""
    source = filled(SqliteStore(tmp_path / "source.db"))
    copy(source, target, lambda what, done: None)
    older, younger, third = (read.story.id for read in STORIES[:3])
    source.stories.merge([Merger(younger, 1, older)])
    moved = source.stories.get([third])[third]
    source.stories.put([moved._replace(story=moved.story._replace(event_id="e-new", duplicate_of=older))])
    source.events.move({third: Place("e-new", older)})
    source.events.withdraw([younger])
    source.events.redirect({"e-new": "e-newest"})
    assert all(each.is_whole for each in copy(source, target, lambda what, done: None) if each.what != "sketches")
    assert target.stories.current_ids([younger]) == {younger: older}
    assert target.events.of_stories([third])[third] == source.events.of_stories([third])[third]
    assert target.events.current(["e-old", "e-new"]) == {"e-old": "e-newest", "e-new": "e-newest"}
    assert held(target)["stories"] == held(source)["stories"]
    source.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(kills=st.lists(st.tuples(st.sampled_from([kind.name for kind in KINDS]), st.integers(0, 1)), max_size=6))
def test_no_order_of_kills_makes_a_difference(kills: list[tuple[str, int]]):
    """Into a store in memory, killed anywhere any number of times."""
    source, target = filled(MemoryStore()), MemoryStore()
    for at, least in kills:

        def killed(what: str, done: int, at: str = at, least: int = least) -> None:
            if what == at and done >= least:
                raise Killed

        with pytest.raises(Killed):
            copy(source, target, killed)
    copy(source, target, lambda what, done: None)
    assert held(target) == held(source)


def test_a_target_that_a_service_works_on_is_refused(tmp_path: Path):
    """Before anything is written."""
    source, target = filled(SqliteStore(tmp_path / "source.db")), SqliteStore(tmp_path / "target.db")
    at_work = SqliteStore(tmp_path / "target.db")
    at_work.take_over()
    with pytest.raises(ConfigError, match="another process works on TO"):
        copy(source, target, lambda what, done: None)
    assert target.stories.count() == 0
    for store in (source, target, at_work):
        store.close()


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("sqlite:///a.db", "sqlite:///a.db", "are one store"),
        ("sqlite:///missing.db", "sqlite:///b.db", "no database at sqlite:///missing.db"),
        ("mysql://me:secret@host/a", "sqlite:///b.db", "expected sqlite:///PATH or the"),
        ("sqlite:///", "sqlite:///b.db", "expected sqlite:///PATH or the"),
    ],
)
def test_addresses_that_cannot_be_copied_are_said(source: str, target: str, why: str):
    """Before anything is opened, so that a misspelt file is not made; no password is shown."""
    done = CliRunner().invoke(app, ["store", "copy", source, target])
    assert why in str(done.exception)
    assert "secret" not in str(done.exception)
    assert not Path("missing.db").exists()


def wirewatch(*arguments: str) -> subprocess.Popen[str]:
    """The command, in a process of its own."""
    script = "from pipeline.cli.main import run; run()"
    return subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.elasticsearch
@pytest.mark.enable_socket
@pytest.mark.xdist_group("elasticsearch")
@pytest.mark.timeout(300)
def test_the_command_killed_in_the_middle_goes_on_and_compares(elasticsearch_url: str, tmp_path: Path):
    """SIGKILL while stories are written, then again to its end: exit code 0 and a line a kind."""
    source = filled(SqliteStore(tmp_path / "source.db"))
    story = STORIES[0].story
    source.stories.put([STORIES[0]._replace(story=story._replace(id=f"s{n}", event_id=f"e{n}")) for n in range(3_000)])
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    config = tmp_path / "wirewatch.yaml"
    config.write_text(f"elasticsearch: {{index_prefix: {prefix}}}\n")
    arguments = ("store", "copy", f"sqlite:///{tmp_path}/source.db", elasticsearch_url, "-c", str(config))
    watched = ElasticsearchStore(Access(elasticsearch_url), prefix)
    with wirewatch(*arguments) as first:
        while first.poll() is None and watched.stories.count() < 200:
            time.sleep(0.02)
        first.kill()
    assert 0 < watched.stories.count() < 3_000 + len(STORIES)
    with wirewatch(*arguments) as second:
        said, errors = second.communicate(timeout=200)
    assert second.returncode == 0, errors
    assert said.split()[-3:] == ["letters", "1", "1"]
    assert held(watched) == held(source)
    watched.wipe()
    watched.close()
    source.close()
