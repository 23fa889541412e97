import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest
import yaml

from pipeline.alerts.sign import headers
from pipeline.demo.config import SECRET_VARIABLE
from pipeline.demo.play import Outcome, play
from pipeline.demo.programme import programme
from pipeline.errors import TransientError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ARTICLES = {article.id: article for article in programme().articles}


class ReaderService:
    """A small service that polls the feeds of the configuration, knows the stories by heart and tells what those it saw fire."""

    def __init__(self, webhook_id: Callable[[str, str], str] = "{}:{}".format, secret: str | None = None) -> None:
        self._webhook_id = webhook_id
        self._secret = secret
        self._told: set[str] = set()

    def __call__(self, path: Path, environment: Mapping[str, str], stop: threading.Event) -> None:
        settings = yaml.safe_load(path.read_text())
        secret = self._secret or environment[SECRET_VARIABLE]
        while not stop.wait(0.02):
            for feed in settings["feeds"]:
                for url, title in entries(feed["url"]):
                    self._tell(settings["webhooks"]["desk"]["url"], secret, url, title)

    def _tell(self, webhook: str, secret: str, url: str, title: str) -> None:
        for watch in fired(url, title):
            webhook_id = self._webhook_id(watch, url.partition("?")[0])
            if webhook_id not in self._told:
                self._told.add(webhook_id)
                post(webhook, secret, webhook_id, {"data": {"watch": watch, "story": {"url": url}}})


def entries(url: str) -> Iterator[tuple[str, str]]:
    """Link and title of what a feed shows; nothing where the poll goes wrong."""
    try:
        with urllib.request.urlopen(url, timeout=0.3) as response:
            body = response.read()
        found = json.loads(body)["items"] if url.endswith(".json") else feedparser.parse(body).entries
    except (OSError, ValueError, urllib.error.HTTPError):
        return
    for entry in found:
        yield entry.get("url") or entry.get("link", ""), entry.get("title", "")


def fired(url: str, title: str) -> Iterator[str]:
    """What the wordings of a story up to the one under `title` fire."""
    article = ARTICLES.get(re.sub(r".*/|\?.*", "", url))
    wordings = article.wordings if article else ()
    current = [number for number, wording in enumerate(wordings) if wording.title == title] or [0]
    for wording in wordings[: current[0] + 1]:
        yield from wording.fires


def post(url: str, secret: str, webhook_id: str, payload: object) -> None:
    body = json.dumps(payload).encode()
    request = urllib.request.Request(url, body, headers(secret, webhook_id, datetime.now(UTC), body))
    try:
        urllib.request.urlopen(request, timeout=2).close()
    except urllib.error.HTTPError as error:
        error.close()


def played(tmp_path: Path, service: object, **options: object) -> Outcome:
    """A play forty times as fast."""
    return play(tmp_path, service, **{"now": NOW, "speed": 40.0, "limit_s": 20.0, "quiet_s": 0.3, **options})  # type: ignore[arg-type]


def test_a_service_that_tells_all_is_right(tmp_path: Path):
    """Every story comes out, through every mishap, and an outcome is right where each expected alert came once."""
    outcome = played(tmp_path, ReaderService())
    assert outcome.is_right, outcome
    assert len(outcome.verdict.arrived) == 14
    assert {"error", "truncated", "entity", "page", "hang"} <= set(outcome.polls)


def test_a_service_that_tells_nothing_is_not(tmp_path: Path):
    """Time runs out, and every alert is missing."""
    outcome = played(tmp_path, lambda path, environment, stop: stop.wait(), limit_s=0.5)
    assert not outcome.is_right
    assert len(outcome.verdict.missing) == 14


def test_a_second_id_for_the_same_alert_is_not_right(tmp_path: Path):
    """A service that makes a new webhook-id at every poll is found out."""
    ids = iter(range(100_000))
    outcome = played(tmp_path, ReaderService(webhook_id=lambda watch, url: str(next(ids))), limit_s=1.0)
    assert outcome.verdict.repeated
    assert not outcome.is_right


def test_a_wrong_signature_is_refused(tmp_path: Path):
    """What is signed with another secret did not arrive."""
    outcome = played(tmp_path, ReaderService(secret="whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcg=="), limit_s=1.0)
    assert outcome.refused
    assert not outcome.verdict.arrived


def test_what_the_service_dies_of_is_raised(tmp_path: Path):
    """A play does not wait for a service that is dead."""

    def dying(path: Path, environment: Mapping[str, str], stop: threading.Event) -> None:
        raise TransientError("the store is away")

    with pytest.raises(TransientError, match="the store is away"):
        played(tmp_path, dying)


def test_a_play_can_be_stopped(tmp_path: Path):
    """Whoever sets the event gets the outcome so far."""
    stop = threading.Event()
    stop.set()
    assert not played(tmp_path, ReaderService(), stop=stop).is_right


def test_the_secret_is_not_written(tmp_path: Path):
    """The configuration names the variable that holds the secret, and the watchlist lies beside it."""
    seen: dict[str, str] = {}

    def noting(path: Path, environment: Mapping[str, str], stop: threading.Event) -> None:
        seen.update(environment)

    played(tmp_path, noting)
    text = (tmp_path / "wirewatch.yaml").read_text()
    assert "${WIREWATCH_DEMO_SECRET}" in text
    assert seen[SECRET_VARIABLE] not in text
    assert (tmp_path / "watchlist.yaml").exists()
