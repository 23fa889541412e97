"""Hits, alerts and deliveries in Elasticsearch, where no write spans two documents.

So the order makes it whole. An alert carries the deliveries it asks for; deliveries are made from what the *stored* alert says, so
that whoever tells it again completes them, and no other story of its event adds to them; hits come last, as a known hit is not told
again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from pipeline.errors import TransientError
from pipeline.model import Alert, Delivery, Hit
from pipeline.store.elasticsearch.bytes64 import decoded, encoded, microseconds, moment
from pipeline.store.elasticsearch.client import Cluster, Kept, Write, kept, refused
from pipeline.store.elasticsearch.indices import Indices

_MOST_TRIES = 8
_PAGE = 1_000


class ElasticsearchOutbox:
    """`Outbox`."""

    def __init__(self, cluster: Cluster, indices: Indices, catch_up: Callable[[], None]) -> None:
        """`catch_up` makes stories searchable: an alert leads to its story."""
        self._cluster = cluster
        self._catch_up = catch_up
        self._hits, self._alerts, self._deliveries = map(indices.name, ("hits", "alerts", "deliveries"))

    def known_hits(self, ids: Collection[str]) -> set[str]:
        return set(self._cluster.mget([(self._hits, id) for id in ids], source=False))

    def tell(self, hits: Sequence[Hit], alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> list[str]:
        if alerts:
            self._catch_up()
        new = self._tell_alerts(alerts, deliveries)
        self._create([Write("create", self._hits, hit.id, _hit(hit)) for hit in hits])
        return new

    def _tell_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> list[str]:
        asked = {alert.id: [each for each in deliveries if each.alert_id == alert.id] for alert in alerts}
        merged: dict[str, Alert] = {}
        for alert in alerts:
            merged[alert.id] = _joined(merged[alert.id], alert) if alert.id in merged else alert
        created = self._create([Write("create", self._alerts, id, _alert(alert, asked[id])) for id, alert in merged.items()])
        stored = self._joined_with([alert for id, alert in merged.items() if id not in created])
        wanted = [each for id in created for each in asked[id]] + [
            decoded(text, Delivery) for source in stored for text in source["deliveries"]
        ]
        # Those of alerts that are kept elsewhere, or of none that is told now.
        wanted += [each for each in deliveries if each.alert_id not in asked]
        self._create([Write("create", self._deliveries, each.id, _delivery(each)) for each in wanted])
        return [id for id in merged if id in created]

    def _joined_with(self, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
        """Let known alerts gain the stories they lack; answers their documents."""
        left = {alert.id: alert for alert in alerts}
        done: list[dict[str, Any]] = []
        for _ in range(_MOST_TRIES):
            known = self._cluster.mget([(self._alerts, id) for id in left])
            done += [dict(each.source) for each in known.values() if _adds_nothing(each, left[each.id])]
            writes = [_gain(self._alerts, each, left[each.id]) for each in known.values() if not _adds_nothing(each, left[each.id])]
            answers = self._cluster.bulk(writes)
            refused(answers, [write.id for write in writes])
            done += [dict(write.source or {}) for write, answer in zip(writes, answers, strict=True) if answer.is_done]
            left = {write.id: left[write.id] for write, answer in zip(writes, answers, strict=True) if not answer.is_done}
            if not left:
                return done
        raise TransientError("alerts are written by others all the time")

    def _create(self, writes: Sequence[Write]) -> set[str]:
        """Create documents; answers the ids of those that were not there."""
        answers = self._cluster.bulk(writes)
        refused(answers, [write.id for write in writes])
        return {write.id for write, answer in zip(writes, answers, strict=True) if answer.is_done}

    def lease(self, now: datetime, until: datetime, limit: int, without: Collection[str] = ()) -> list[Delivery]:
        query = {
            "bool": {
                "filter": [{"range": {"due_at": {"lte": microseconds(now)}}}],
                "must_not": [{"terms": {"webhook": list(without)}}],
            }
        }
        body = {"query": query, "sort": [{"due_at": "asc"}, {"delivery_id": "asc"}], "size": limit, "seq_no_primary_term": True}
        found = [kept(hit) for hit in self._cluster.search(self._deliveries, body, refresh=True)["hits"]["hits"]]
        answers = self._cluster.bulk(
            [Write("index", self._deliveries, each.id, {**each.source, "due_at": microseconds(until)}, each) for each in found]
        )
        refused(answers, [each.id for each in found])
        return [decoded(each.source["delivery"], Delivery) for each, answer in zip(found, answers, strict=True) if answer.is_done]

    def next_due_at(self) -> datetime | None:
        body = {"size": 0, "aggs": {"first": {"min": {"field": "due_at"}}}, "track_total_hits": False}
        first = self._cluster.search(self._deliveries, body, refresh=True)["aggregations"]["first"]["value"]
        return None if first is None else moment(int(first))

    def waiting_count(self) -> int:
        body = {"size": 0, "query": {"exists": {"field": "due_at"}}, "track_total_hits": True}
        return int(self._cluster.search(self._deliveries, body, refresh=True)["hits"]["total"]["value"])

    def record(self, deliveries: Sequence[Delivery]) -> None:
        writes = [Write("index", self._deliveries, each.id, _delivery(each)) for each in deliveries]
        refused(self._cluster.bulk(writes), [write.id for write in writes])

    def hits(self) -> Iterator[Hit]:
        found = self._cluster.pages(self._hits, {"match_all": {}}, [{"found_at": "asc"}, {"hit_id": "asc"}])
        return (decoded(each.source["hit"], Hit) for each in found)

    def alerts(self, ids: Collection[str] | None = None) -> Iterator[Alert]:
        if ids is not None:
            found = self._cluster.mget([(self._alerts, id) for id in ids]).values()
            chosen = [decoded(each.source["alert"], Alert) for each in found]
            return iter(sorted(chosen, key=lambda alert: (alert.created_at, alert.id), reverse=True))
        pages = self._cluster.pages(self._alerts, {"match_all": {}}, [{"created_at": "desc"}, {"alert_id": "desc"}])
        return (decoded(each.source["alert"], Alert) for each in pages)

    def deliveries(self, alert_ids: Collection[str]) -> list[Delivery]:
        of = {"terms": {"alert_id": list(alert_ids)}}
        pages = self._cluster.pages(self._deliveries, of, [{"webhook": "asc"}, {"delivery_id": "asc"}])
        return [decoded(each.source["delivery"], Delivery) for each in pages]

    def untold(self) -> list[Alert]:
        """The alerts with a delivery that waits."""
        waiting = self._cluster.pages(self._deliveries, {"exists": {"field": "due_at"}}, [{"delivery_id": "asc"}], _PAGE)
        return list(self.alerts({each.source["alert_id"] for each in waiting}))

    def drop(self, before: datetime, untold: Collection[str]) -> bool:
        """Drop a batch of the hits found and the alerts made before then, but for those of `untold`; whether there may be more."""
        alerts = self._old(self._alerts, "created_at", before, {"terms": {"alert_id": list(untold)}})
        deliveries = [each.id for each in self.deliveries(alerts)]
        hits = self._old(self._hits, "found_at", before)
        for index, ids in ((self._deliveries, deliveries), (self._alerts, alerts), (self._hits, hits)):
            self._cluster.bulk(Write("delete", index, id) for id in ids)
        return max(len(alerts), len(hits)) == _PAGE

    def _old(self, index: str, field: str, before: datetime, excepted: dict[str, Any] | None = None) -> list[str]:
        query = {"bool": {"filter": {"range": {field: {"lt": microseconds(before)}}}, "must_not": [excepted] if excepted else []}}
        body = {"query": query, "sort": [{field: "asc"}], "size": _PAGE, "_source": False, "track_total_hits": False}
        return [hit["_id"] for hit in self._cluster.search(index, body, refresh=True)["hits"]["hits"]]


def _hit(hit: Hit) -> dict[str, Any]:
    return {"hit_id": hit.id, "found_at": microseconds(hit.found_at), "watch": hit.watch, "hit": encoded(hit)}


def _alert(alert: Alert, deliveries: Sequence[Delivery]) -> dict[str, Any]:
    return {
        "alert_id": alert.id,
        "created_at": microseconds(alert.created_at),
        "watch": alert.watch,
        "alert": encoded(alert),
        "deliveries": [encoded(each) for each in deliveries],
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    waiting = delivery.status == "waiting" and delivery.next_attempt_at is not None
    return {
        "delivery_id": delivery.id,
        "alert_id": delivery.alert_id,
        "webhook": delivery.webhook,
        "status": delivery.status,
        "due_at": microseconds(delivery.next_attempt_at) if waiting and delivery.next_attempt_at else None,
        "delivery": encoded(delivery),
    }


def _joined(known: Alert, alert: Alert) -> Alert:
    return known._replace(story_ids=tuple(dict.fromkeys((*known.story_ids, *alert.story_ids))))


def _adds_nothing(known: Kept, alert: Alert) -> bool:
    return set(alert.story_ids) <= set(decoded(known.source["alert"], Alert).story_ids)


def _gain(index: str, known: Kept, alert: Alert) -> Write:
    joined = _joined(decoded(known.source["alert"], Alert), alert)
    return Write("index", index, known.id, {**known.source, "alert": encoded(joined)}, known)
