"""What is told: alerts, deliveries and the body of the webhook."""

from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts.compose import MAX_PAYLOAD_BYTES, alert_of, deliveries_of, payload
from pipeline.model import Alert, Entity, Evidence, Hit, Story

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
MUSK = Entity("musk", "Elon Musk", "person", 3)
PUTIN = Entity("putin", "Vladimir Putin", "person", 2)
SENTENCE = "Musk spoke with Putin."


def a_story(**changes: object) -> Story:
    story = Story(
        id="story-1",
        title="A call",
        text=f"Before. {SENTENCE}",
        url="https://example.org/a-call",
        source="example.org",
        feeds=("https://example.org/rss",),
        language="en",
        published_at=NOW - timedelta(hours=1),
        first_seen_at=NOW,
        versions=(),
        event_id="event-1",
    )
    return story._replace(**changes)


def a_hit(**changes: object) -> Hit:
    evidence = (Evidence("text", 8, 8 + len(SENTENCE), SENTENCE),)
    return Hit("hit-1", "story-1", "event-1", "musk-putin", (MUSK, PUTIN), evidence, NOW)._replace(**changes)


def an_alert(**changes: object) -> Alert:
    return alert_of(a_hit(), a_story(), NOW)._replace(**changes)


def test_hits_of_one_watch_on_one_event_make_one_alert():
    """Two stories of an event make the same alert id; another watch or another event makes another."""
    first = alert_of(a_hit(), a_story(), NOW)
    second = alert_of(a_hit(id="hit-2", story_id="story-2"), a_story(id="story-2"), NOW + timedelta(hours=1))
    assert first.id == second.id
    assert len({first.id, alert_of(a_hit(watch="w"), a_story(), NOW).id, alert_of(a_hit(event_id="e"), a_story(), NOW).id}) == 3


def test_an_alert_tells_its_first_story():
    """An alert carries the story that made it, and what the hit found in it."""
    alert = an_alert()
    assert alert.story_ids == ("story-1",)
    assert (alert.title, alert.url, alert.source) == ("A call", "https://example.org/a-call", "example.org")
    assert alert.entities == (MUSK, PUTIN)
    assert alert.evidence[0].text == SENTENCE
    assert alert.created_at == NOW


def test_a_webhook_named_twice_gets_one_delivery():
    """Each webhook gets one delivery, due at once, whose id is the same whenever it is made."""
    alert = an_alert()
    deliveries = deliveries_of(alert, ["desk", "night", "desk"], NOW)
    assert [delivery.webhook for delivery in deliveries] == ["desk", "night"]
    assert {(delivery.status, delivery.next_attempt_at, delivery.attempts) for delivery in deliveries} == {("waiting", NOW, ())}
    later = deliveries_of(alert, ["night"], NOW + timedelta(days=1))
    assert later[0].id == deliveries[1].id
    assert later[0].id.startswith("msg_")


def test_a_watch_without_webhooks_delivers_nothing():
    """An alert that nobody is to be called for has no deliveries."""
    assert deliveries_of(an_alert(), [], NOW) == []


def test_the_payload_of_an_alert():
    """The body is what docs/webhooks.md shows."""
    assert orjson.loads(payload(an_alert())) == {
        "type": "alert.created",
        "timestamp": "2026-03-01T12:00:00.250000Z",
        "data": {
            "alert_id": an_alert().id,
            "watch": "musk-putin",
            "event_id": "event-1",
            "story": {
                "id": "story-1",
                "title": "A call",
                "url": "https://example.org/a-call",
                "source": "example.org",
                "published_at": "2026-03-01T11:00:00.250000Z",
                "link": "https://example.org/a-call",
            },
            "entities": [
                {"key": "musk", "name": "Elon Musk", "kind": "person", "count": 3},
                {"key": "putin", "name": "Vladimir Putin", "kind": "person", "count": 2},
            ],
            "evidence": [{"field": "text", "start": 8, "end": 30, "text": SENTENCE}],
        },
    }


def test_stories_that_join_an_alert_do_not_change_what_is_sent():
    """A retry sends the bytes of the first attempt although other stories joined the alert in between."""
    assert payload(an_alert(story_ids=("story-1", "story-2"))) == payload(an_alert())


def test_long_evidence_is_cut_with_an_ellipsis():
    """A sentence without end is shortened; its offsets still say how long it is."""
    evidence = Evidence("text", 0, 50_000, "x" * 50_000)
    told = orjson.loads(payload(an_alert(evidence=(evidence,) * 40)))["data"]["evidence"]
    assert len(told) == 10
    assert told[0]["text"].endswith("x…")
    assert len(told[0]["text"]) == 1_000
    assert told[0]["end"] == 50_000


def test_an_address_that_is_not_of_the_web_is_not_passed_on():
    """Links are http or https, printable and of bearable length; everything else is left out."""
    for url in (
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://example.org/\x00",
        "https://example.org/" + "a" * 5_000,
        None,
    ):
        story = orjson.loads(payload(an_alert(url=url)))["data"]["story"]
        assert story["url"] is None
        assert story["link"] is None


def test_a_lone_surrogate_does_not_stop_an_alert():
    """Half a character, as broken feeds hold them, is sent as a question mark."""
    assert orjson.loads(payload(an_alert(title="broken \ud83d title")))["data"]["story"]["title"] == "broken ? title"


_TEXTS = st.text(st.characters(exclude_categories=()), max_size=50).flatmap(
    lambda text: st.sampled_from([1, 50, 400]).map(lambda times: text * times)
)


@given(
    watch=_TEXTS,
    title=_TEXTS,
    source=_TEXTS,
    url=st.one_of(st.none(), _TEXTS.map("https://example.org/".__add__), st.integers(0, 3000).map(lambda n: 'http://"\\/' * n)),
    names=st.lists(_TEXTS, max_size=12),
)
def test_any_alert_fits(watch: str, title: str, source: str, url: str | None, names: list[str]):
    """Whatever feeds and analysts write, the body is JSON, in UTF-8, under the limit."""
    alert = an_alert(
        watch=watch,
        title=title,
        source=source,
        url=url,
        entities=tuple(Entity(name, name, "other", 1) for name in names),
        evidence=tuple(Evidence("title", 0, len(name), name) for name in names),
    )
    body = payload(alert)
    assert len(body) <= MAX_PAYLOAD_BYTES
    assert orjson.loads(body)["type"] == "alert.created"


def test_the_worst_characters_fit():
    """Control characters, which JSON writes in six bytes, do not break the limit even where everything consists of them."""
    bad = "\x01" * 5_000
    everything = {"id": bad, "watch": bad, "event_id": bad, "story_ids": (bad,), "title": bad, "source": bad}
    entities = (Entity(bad, bad, "other", 1),) * 50
    evidence = (Evidence("text", 0, 5_000, bad),) * 50
    url = "https://example.org/" + '"' * 1_980
    assert len(payload(an_alert(**everything, url=url, entities=entities, evidence=evidence))) <= MAX_PAYLOAD_BYTES
