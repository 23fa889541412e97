"""Alerts as a step of the chain: hits that are new go to the outbox, with an alert and its deliveries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import structlog

from pipeline.alerts.compose import alert_of, deliveries_of
from pipeline.clock import Clock, utc_now
from pipeline.model import Alert, Hit, Passage, Story, hit_id
from pipeline.store.address import StoreAddress
from pipeline.store.beam import Step

log = structlog.get_logger()


class QueueAlerts(Step):
    """Passages with hits in, the same out once what they tell is in the outbox.

    A hit that was known before, told or not, tells nobody: an edit alerts only where a watch newly matches. `webhooks` are the
    names each watch tells.
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
        told = {hit.id: self._alert(hit, passage.story) for hit, passage in fresh if passage.tells}
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

    def _alert(self, hit: Hit, story: Story) -> Alert:
        return alert_of(hit, story, self.clock())


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
