"""The backfill: files on a disk and in object storage, one after the other and in parallel, end in the same stories."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.config import Settings
from pipeline.errors import ConfigError
from pipeline.feeds.files import Refused, pieces
from pipeline.jobs.backfill import Progress, ReadInParallel, backfill, parts
from pipeline.jobs.ingest import TellStories
from pipeline.jobs.places import Place, placed
from pipeline.language.pool import close_pools
from pipeline.model import ItemVersion
from pipeline.store.address import address_of, close_stores, keep_open
from pipeline.store.roles import Store
from tests.fakes import MemoryStore
from tests.jobs.runners import Runner
from tests.stories.happenings import story

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SETTINGS = Settings.model_validate(
    {
        "store": "sqlite:///in-memory-too",
        "processes": 1,
        "entities": {"musk": {"name": "Elon Musk", "kind": "person"}, "putin": {"name": "Vladimir Putin", "kind": "person"}},
        "watches": [{"name": "musk-putin", "all": ["musk", "putin"]}],
    }
)


class Shelf(FileSystem):
    """Object storage in this process's memory, as Beam asks of one: `shelf://bucket/name`, no folders."""

    objects: dict[str, bytes]
    broken: set[str]

    @classmethod
    def scheme(cls) -> str:
        return "shelf"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def has_dirs(self) -> bool:
        return False

    def mkdirs(self, path: str) -> None:
        """There are no folders."""

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        if "forbidden" in dir_or_prefix:
            raise BeamIOError("List operation failed", {dir_or_prefix: PermissionError("403: it is not yours")})
        return (FileMetadata(name, len(body)) for name, body in self.objects.items() if name.startswith(dir_or_prefix))

    def open(self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO) -> io.BytesIO:
        assert compression_type == CompressionTypes.UNCOMPRESSED
        if path in self.broken:
            raise ValueError("503: the shelf has fallen down")
        return io.BytesIO(self.objects[path])

    def exists(self, path: str) -> bool:
        return path in self.objects

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, len(self.objects[path]))

    def size(self, path: str) -> int:
        return len(self.objects[path])

    def create(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    copy = rename = delete = checksum = last_updated = create


@pytest.fixture(autouse=True)
def shelf() -> Iterator[type[Shelf]]:
    FileSystems.set_options(PipelineOptions([]))
    Shelf.objects, Shelf.broken = {}, set()
    yield Shelf
    close_stores()


@pytest.fixture(scope="module", autouse=True)
def _one_pool() -> Iterator[None]:
    yield
    close_pools()


@pytest.fixture
def store() -> MemoryStore:
    memory = MemoryStore()
    keep_open(address_of(SETTINGS), memory)
    return memory


def line(n: int, text: str = "It rained.", **said: str) -> bytes:
    story = {"ref": str(n), "guid": f"g{n}", "url": f"https://news.example/{n}", "title": f"Story {n}", "text": text}
    return json.dumps(story | said).encode() + b"\n"


def titles(store: Store) -> list[str]:
    return sorted(read.story.title for read in store.stories.all())


# ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("shelf://b/2026/a.jsonl", ["a.jsonl"]),
        ("shelf://b/2026", ["a.jsonl", "b.xml", "deep/c.jsonl.gz"]),
        ("shelf://b/2026/", ["a.jsonl", "b.xml", "deep/c.jsonl.gz"]),
        ("shelf://b/2026/*.jsonl", ["a.jsonl"]),
        ("shelf://b/2026/**.gz", ["deep/c.jsonl.gz"]),
        ("shelf://b", ["a.jsonl", "b.xml", "deep/c.jsonl.gz"]),
    ],
)
def test_a_url_is_a_file_a_folder_or_a_pattern(asked: str, names: list[str]) -> None:
    """In order of path, with sizes; hidden files, and the marks that tools leave for folders, are none."""
    for name in ("b.xml", "a.jsonl", "deep/c.jsonl.gz", ".hidden", ".old/a.jsonl", "deep/"):
        Shelf.objects[f"shelf://b/2026/{name}"] = b"12345"
    assert placed([asked]).places == tuple(Place(f"shelf://b/2026/{name}", 5) for name in names)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://bucket/stories", "pip install 'apache-beam[aws]'"),
        ("gs://bucket/stories", "pip install 'apache-beam[gcp]'"),
        ("ftp://host/stories", "a path, or gs://, s3://"),
        ("shelf://b/nothing", "there is no file at shelf://b/nothing"),
        ("shelf://forbidden/", "cannot be listed: 403: it is not yours"),
    ],
)
def test_what_cannot_be_reached_is_said_with_the_remedy(url: str, said: str) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigError) as raised:
        placed([url])
    assert said in str(raised.value)


def test_a_file_that_cannot_be_read_is_set_aside_and_the_others_are_read(store: MemoryStore) -> None:
    """Whatever its cloud's client raises; it is read once it can be."""
    Shelf.objects |= {"shelf://b/1.jsonl": line(1), "shelf://b/2.jsonl": line(2)}
    Shelf.broken = {"shelf://b/1.jsonl"}
    backfill(SETTINGS, ["shelf://b/"], Progress())
    (letter,) = store.dead_letters.list()
    assert (letter.about, letter.error) == ("shelf://b/1.jsonl", "cannot be read: 503: the shelf has fallen down")
    assert titles(store) == ["Story 2"]
    Shelf.broken = set()
    backfill(SETTINGS, ["shelf://b/"], Progress())
    assert titles(store) == ["Story 1", "Story 2"]


# ── one after the other ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_disk_and_object_storage_are_read_alike(store: MemoryStore, tmp_path: Path) -> None:
    """Lines and documents, gzipped or not, both in one run; the bar knows how much there is and what came of it."""
    (tmp_path / "1.jsonl").write_bytes(line(1))
    Shelf.objects |= {"shelf://b/2.jsonl.gz": gzip.compress(line(2) + b"no story\n"), "shelf://b/3.xml": RSS}
    progress = Progress()
    backfill(SETTINGS, [tmp_path, "shelf://b/"], progress)
    assert titles(store) == ["Story 1", "Story 2", "Story 3"]
    assert [letter.about for letter in store.dead_letters.list()] == ["shelf://b/2.jsonl.gz:2"]
    assert progress.bytes_read == progress.bytes_total == sum(map(len, [line(1), *Shelf.objects.values()]))
    assert (progress.read, progress.new, progress.refused) == (4, 3, 1)
    assert (progress.counts["items"], progress.counts["items_landed"], progress.counts["stories_new"]) == (3, 3, 3)


def test_what_a_dead_run_had_landed_is_finished_by_the_next(store: MemoryStore) -> None:
    """Whoever holds its leases: another process's worker may be the one that died, and they last for minutes."""
    Shelf.objects["shelf://b/1.jsonl"] = line(1) + line(2)
    landed = list(pieces(Place("shelf://b/1.jsonl", 0).open, "shelf://b/1.jsonl", NOW, tells=False))
    store.landing.land([piece for piece in landed[:1] if isinstance(piece, ItemVersion)], datetime(2100, 1, 1, tzinfo=UTC))
    progress = Progress()
    backfill(SETTINGS, ["shelf://b/"], progress)
    assert (titles(store), store.landing.unfinished_count()) == (["Story 1", "Story 2"], 0)
    assert (progress.read, progress.new) == (2, 1)


RSS = b"""<rss version="2.0"><channel><title>News</title><link>https://news.example/</link>
<item><title>Story 3</title><guid>https://news.example/3</guid></item></channel></rss>"""


@pytest.mark.parametrize(("window", "events"), [("1h", 2), ("72h", 1)])
def test_events_go_by_the_window_that_is_configured(store: MemoryStore, window: str, events: int) -> None:
    """When stories come, and when they are grouped again."""
    told = [story(name, "fire", at, 90 * at) for at, name in enumerate("ab")]
    Shelf.objects["shelf://b/1.jsonl"] = b"".join(
        line(at, each.text, published_at=each.published_at.isoformat(), url=f"https://{at}.example/")
        for at, each in enumerate(told)
    )
    backfill(Settings.model_validate(SETTINGS.model_dump() | {"events": {"window": window}}), ["shelf://b/"], Progress())
    assert len({read.story.event_id for read in store.stories.all()}) == events


# ── in parallel ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ends", [b"\n", b""])
def test_a_file_in_parts_is_read_whole(ends: bytes) -> None:
    """Wherever it is cut: every line once, in order, each sighted after the one before; also a last one that does not end."""
    body = (line(1) + b"\n" + line(2, "x") + b"\n\n" + line(3)).rstrip() + ends
    place = Place("shelf://b/1.jsonl", len(body))
    Shelf.objects[place.path] = body
    for part_bytes in range(1, len(body) + 2):
        cut = [
            piece
            for part in parts([place], NOW, part_bytes)
            for piece in pieces(place.open, place.name, part.seen_at, tells=False, start=part.start, end=part.end)
        ]
        assert [piece.item.title for piece in cut if isinstance(piece, ItemVersion)] == ["Story 1", "Story 2", "Story 3"]
        sighted = [piece.seen_at for piece in cut if isinstance(piece, ItemVersion)]
        assert sighted == sorted(set(sighted))
        assert all(moment <= NOW for moment in sighted)


def test_what_is_refused_in_a_part_says_at_which_byte() -> None:
    """Its number is not known to whoever reads from the middle."""
    Shelf.objects["shelf://b/1.jsonl"] = line(1) + b"no story\n"
    (place,) = placed(["shelf://b/1.jsonl"]).places
    (refused,) = pieces(place.open, place.name, NOW, tells=False, start=1, end=None)
    assert isinstance(refused, Refused)
    assert refused.about == f"shelf://b/1.jsonl:byte {len(line(1))}"


def test_what_a_dead_worker_had_landed_is_finished(runner: Runner, store: MemoryStore) -> None:
    """The runner reads its part again: what has landed is not new then, and nobody else would take it up before its lease ends."""
    Shelf.objects["shelf://b/1.jsonl"] = line(1) + line(2)
    landed = list(pieces(Place("shelf://b/1.jsonl", 0).open, "shelf://b/1.jsonl", NOW, tells=False))
    store.landing.land([piece for piece in landed[:1] if isinstance(piece, ItemVersion)], datetime(2100, 1, 1, tzinfo=UTC))
    runner.job(lambda pipeline: pipeline | ReadInParallel(address_of(SETTINGS), ["shelf://b/"], NOW) | TellStories(SETTINGS)).run()
    assert titles(store) == ["Story 1", "Story 2"]
    assert store.landing.unfinished_count() == 0


def test_files_read_in_parallel_end_in_the_same_stories(runner: Runner, store: MemoryStore) -> None:
    """What the files say last is the current wording, whoever read it first; run again, nothing is done twice."""
    Shelf.objects |= {
        "shelf://b/1.jsonl": b"".join(line(n, "Elon Musk met Vladimir Putin.") for n in range(20)),
        "shelf://b/2.jsonl": b"".join(line(n, "Elon Musk met Vladimir Putin again.") for n in range(10)) + b"no story\n",
    }
    job = runner.job(
        lambda pipeline: (
            pipeline | ReadInParallel(address_of(SETTINGS), ["shelf://b/"], NOW, tells=True, part_bytes=300) | TellStories(SETTINGS)
        )
    )
    counts = job.run()
    texts = {int(read.story.ref or 0): read.story.text for read in store.stories.all()}
    assert texts == {n: f"Elon Musk met Vladimir Putin{' again' if n < 10 else ''}." for n in range(20)}
    assert all(read.story.first_seen_at <= NOW + timedelta(0) for read in store.stories.all())
    alerts = list(store.outbox.alerts())
    # All tell one happening: one alert, or one of each worker that met it before it knew of the others.
    assert len(list(store.outbox.hits())) == len({id for alert in alerts for id in alert.story_ids}) == 20
    assert (counts["items"], counts["items_landed"], counts["dead_letters"]) == (30, 30, 1)
    # Of steps that several bundles run at once Prism now and then answers less than was counted.
    assert 0 < counts["alerts"] <= len(alerts)
    again = job.run()
    assert (again["items_landed"], again["stories_read"], again["hits"]) == (0, 0, 0)
