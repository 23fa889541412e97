import pickle
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import ValidationError

from pipeline.config import EntitySettings, FeedSettings, PollingSettings, Settings, WebhookSettings

WHOLE = """
store: https://elastic:p4ssword@search.example.org:9200
feeds:
  - {url: https://example.org/world.xml, name: Example World, every: 90s, tags: [world]}
  - {url: "https://reader:p4ssword@Example.com:8080/a?b=c"}
entities:
  musk:  {name: Elon Musk, kind: person, aliases: [Musk], never: [Kimbal Musk, Errol Musk]}
  putin: {name: Vladimir Putin, aliases: [Putin, the Russian president], case: exact}
watches:
  - {name: musk-putin, all: [musk, putin], within: paragraph, alert: [desk]}
  - {name: putin, all: [putin]}
webhooks:
  desk: {url: https://example.org/T0KEN, secret: ${DESK_SECRET}, timeout: 10s}
processes: 2
polling: {timeout: 5s, max_body: 1 MiB, concurrency: 8, user_agent: "me (+mailto:me@example.org)"}
"""


def test_a_whole_configuration_is_read(settings_of: Callable[..., Settings], secret: str) -> None:
    """Every key says what it says."""
    settings = settings_of(WHOLE)
    assert settings.feeds[0] == FeedSettings(
        url="https://example.org/world.xml", name="Example World", every=timedelta(seconds=90), tags=("world",)
    )
    assert settings.entities["musk"] == EntitySettings(
        name="Elon Musk", kind="person", aliases=("Musk",), never=("Kimbal Musk", "Errol Musk"), case="any"
    )
    assert [(watch.name, watch.all, watch.within, watch.alert) for watch in settings.watches] == [
        ("musk-putin", ("musk", "putin"), "paragraph", ("desk",)),
        ("putin", ("putin",), "sentence", ()),
    ]
    assert settings.webhooks["desk"].secret.get_secret_value() == secret
    assert settings.polling.max_body == 1_048_576
    assert settings.processes == 2


def test_what_is_not_said_has_a_default(settings_of: Callable[..., Settings]) -> None:
    """One feed is a configuration."""
    settings = settings_of("feeds: [{url: 'https://News.example.org:8080/a'}]\nwatches:\n")
    assert settings == Settings(feeds=(FeedSettings(url="https://News.example.org:8080/a", name="news.example.org"),))
    assert settings.store == "sqlite:///var/wirewatch.db"
    assert settings.feeds[0].every == timedelta(minutes=5)
    assert settings.polling == PollingSettings(timeout=timedelta(seconds=20), max_body=20_000_000, concurrency=64)


def test_settings_never_change(settings_of: Callable[..., Settings]) -> None:
    """They are handed to every thread."""
    settings = settings_of(WHOLE)
    with pytest.raises(ValidationError):
        settings.feeds[0].name = "other"  # type: ignore[misc]  # what is forbidden is tried


def test_settings_cross_to_another_process(settings_of: Callable[..., Settings]) -> None:
    """A pickle holds all, the secret too."""
    settings = settings_of(WHOLE)
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_repr_shows_no_secret(settings_of: Callable[..., Settings], secret: str) -> None:
    """Neither a webhook's secret and the token of its URL, nor the password of a store or a feed."""
    shown = f"{settings_of(WHOLE)!r} {settings_of(WHOLE)}"
    assert not any(hidden in shown for hidden in (secret, secret.removeprefix("whsec_"), "T0KEN", "p4ssword"))
    assert "search.example.org:9200" in shown


def test_pydantics_own_errors_show_no_secret() -> None:
    """For those who build settings in code."""
    with pytest.raises(ValidationError) as refused:
        WebhookSettings(url="https://example.org", secret="hunter2")  # type: ignore[arg-type]  # what is no secret is tried
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("store: postgres://me:p4ss@h/db", "main.yaml:1: store: expected sqlite:///PATH"),
        ("store: sqlite://var/x.db", "(got 'sqlite://var/x.db')"),
        ("store: 'sqlite:///'", "main.yaml:1: store: expected sqlite:///PATH"),
        ("store: [x]", "main.yaml:1: store: expected a text (got a list)"),
        ("processes: 0", "main.yaml:1: processes: expected at least 1 (got '0')"),
        ("processes: two", "main.yaml:1: processes: expected a whole number (got 'two')"),
        ("polling: 5", "main.yaml:1: polling: expected a mapping of keys to values (got '5')"),
        ("polling: {timeout: 1h}", "main.yaml:1: polling.timeout: expected 1s to 10m (got '1h')"),
        ("polling: {max_body: much}", "polling.max_body: expected a size such as 500KB, 20MB or 20MiB (got 'much')"),
        ("polling: {max_body: 2GB}", "polling.max_body: expected at most 1,000,000,000 (got '2GB')"),
        ('polling: {user_agent: "a\\r\\nX: y"}', "polling.user_agent: expected one line of text"),
        ("polling: {agent: x}", "polling.agent: unknown key; did you mean `user_agent`?"),
        ("feeds: [x]", "main.yaml:1: feeds[0]: expected a mapping of keys to values (got 'x')"),
        ("feeds: [{name: x}]", "main.yaml:1: feeds[0].url: is required: the address of the feed"),
        ("feeds: [{url: 'http://x/', every: 0s}]", "feeds[0].every: expected 1s to 30d (got '0s')"),
        ("feeds: [{url: 'http://x/', every: 300}]", "feeds[0].every: expected a duration such as 30s"),
        ("feeds: [{url: 'http://x/', tags: world}]", "feeds[0].tags: expected a list, such as [one, two] (got 'world')"),
        ("feeds: [{url: 'http://x/', nmae: X}]", "feeds[0].nmae: unknown key; did you mean `name`?"),
        ("feeds: [{url: 'http://x/', zzz: X}]", "feeds[0].zzz: unknown key; expected one of url, name, every, tags"),
        ("entities: {x: }", "entities.x: expected a mapping of keys to values (got nothing)"),
        ("entities: {x: {name: X, kind: preson}}", "work, law or other (got 'preson'); did you mean `person`?"),
        ("entities: {x: {name: X, case: lower}}", "entities.x.case: expected any or exact (got 'lower')"),
        ("entities: {x: {name: ' '}}", "entities.x.name: expected a text that is not empty"),
        ("entities: {x: {name: X, aliases: [[a]]}}", "entities.x.aliases[0]: expected a text (got a list)"),
        ("entities: {'person:x': {name: X}}", "expected letters, digits, - and _ only (got 'person:x')"),
        ("watches: [{name: a b, all: [x]}]", "watches[0].name: expected letters, digits, . - and _ only (got 'a b')"),
        ("watches: [{name: w, all: []}]", "watches[0].all: expected at least one entry"),
        ("watches: [{name: w, all: [x], within: page}]", "watches[0].within: expected sentence, paragraph or story (got 'page')"),
    ],
)
def test_a_wrong_value_says_what_was_expected(written: str, says: str, complaints: Callable[..., list[str]]) -> None:
    """And what is there, and what may be meant."""
    text = "\n".join(complaints(written))
    assert says in text
    assert "p4ss" not in text


@pytest.mark.parametrize(
    "url",
    [
        "x",
        "ftp://x/",
        "http://",
        "https:///a",
        "http://x y/",
        "http://x/\x85y",
        "http://[x/",
        "http://x:99999/",
        "javascript:alert(1)",
        "http://x/" + "a" * 5_000,
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    """A feed is fetched over http or https, from a host."""
    with pytest.raises(ValidationError, match="expected a URL such as"):
        FeedSettings(url=url)


def test_an_error_hides_the_password_of_a_broken_url(complaints: Callable[..., list[str]]) -> None:
    """Also where a slash in it makes the URL another."""
    (line,) = complaints("feeds: [{url: 'https://me:p4/ss@x y/'}]")
    assert "ss" not in line.partition("(got")[2]
