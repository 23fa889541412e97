"""Alerts as a step of the chain: hits that are new go to the outbox, with an alert and its deliveries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import structlog

from pipeline.alerts.compose import alert_id, alert_of, deliveries_of
from pipeline.clock import Clock, utc_now
from pipeline.model import Alert, Hit, Passage, Story, hit_id
from pipeline.store.address import StoreAddress
from pipeline.store.beam import Step

log = structlog.get_logger()


class QueueAlerts(Step):
    """Passages with hits in, the same out once what they tell is in the outbox.

    A hit that was known before, told or not, tells nobody: an edit alerts only where a watch newly matches. Nor does one of an
    event that was told under the id of another, before they were merged. `webhooks` are the names each watch tells.
    """

    stage = "alerts"

    def __init__(self, store: StoreAddress | str, webhooks: Mapping[str, Sequence[str]], clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.webhooks = {watch: tuple(names) for watch, names in webhooks.items()}

    def process(self, passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
        yield tuple(self.together(passages, self._queued, self.of_passage))

    def _queued(self, passages: Sequence[Passage]) -> list[Passage]:
        found = {hit.id: (hit, passage) for passage in passages for hit in passage.hits}
        names = {id: {id, *_former_ids(hit, passage.story)} for id, (hit, passage) in found.items()}
        known = self.store.outbox.known_hits(set().union(*names.values())) if found else set()
        self._queue([(hit, passage) for id, (hit, passage) in found.items() if known.isdisjoint(names[id])])
        return list(passages)

    def _queue(self, fresh: Sequence[tuple[Hit, Passage]]) -> None:
        telling = [(hit, passage.story) for hit, passage in fresh if passage.tells]
        under = self._told_under([hit for hit, _ in telling])
        told = {hit.id: alert_of(hit._replace(event_id=under[hit.id]), story, self.clock()) for hit, story in telling}
        kept = [hit._replace(alert_id=told[hit.id].id if hit.id in told else None) for hit, _ in fresh]
        deliveries = [
            delivery
            for alert in told.values()
            for delivery in deliveries_of(alert, self.webhooks.get(alert.watch, ()), alert.created_at)
        ]
        new = set(self.store.outbox.tell(kept, list(told.values()), deliveries))
        self.count("hits", len(kept))
        self.count("alerts", len(new))
        for alert in {alert.id: alert for alert in reversed(told.values()) if alert.id in new}.values():
            _tell(alert)

    def _told_under(self, hits: Sequence[Hit]) -> dict[str, str]:
        """The event that each hit is told under, by hit: its own as it is now, or one merged into it that was told before."""
        if not hits:
            return {}
        now = {hit.event_id: hit.event_id for hit in hits} | self.store.events.current({hit.event_id for hit in hits})
        led = self.store.events.led_to(set(now.values()))
        asked = {hit.id: (now[hit.event_id], *led.get(now[hit.event_id], ())) for hit in hits}
        merged = {alert_id(hit.watch, event) for hit in hits for event in asked[hit.id] if len(asked[hit.id]) > 1}
        known = {alert.id for alert in self.store.outbox.alerts(merged)} if merged else set()
        return {
            hit.id: next((event for event in asked[hit.id] if alert_id(hit.watch, event) in known), now[hit.event_id])
            for hit in hits
        }


def _former_ids(hit: Hit, story: Story) -> set[str]:
    """The ids that a hit had while its story was kept under others: what was told then is not told again."""
    return {hit_id(former, hit.watch) for former in story.former_ids}


def _tell(alert: Alert) -> None:
    log.info(
        "alert.queued",
        alert=alert.id,
        watch=alert.watch,
        title=alert.title,
        source=alert.source,
        entities=[entity.name for entity in alert.entities],
        evidence=" … ".join(proof.text for proof in alert.evidence),
    )
