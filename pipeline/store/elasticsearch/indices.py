"""The indices: their names, what they are made of, and generations, of which the newest is written.

Everything is `dynamic: false`: a field that is not named here is kept and not indexed. An index is made before it is written to,
and carries the version of its mapping.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import quote

import elasticsearch
import structlog

from pipeline.errors import ConfigError
from pipeline.store.elasticsearch.client import Cluster, Kept

log = structlog.get_logger()

VERSION = 2
"""Of the mappings; what an earlier version wrote is brought up to date by `wirewatch store migrate`."""

_LONG = {"type": "long"}
_KEYWORD = {"type": "keyword"}
_FILTER = {"type": "keyword", "doc_values": False, "norms": False}
_FACET = {"type": "keyword", "index": False}
_WORDS = {"type": "text", "analyzer": "words"}

DERIVED = ("title_words", "text_words", "terms", "entity_names", "pair_names", "topic_names")
"""Fields of a story that are searched and not kept: they are made again from the story."""

MAPPINGS: Mapping[str, Mapping[str, Any]] = {
    "feeds": {"url": _KEYWORD, "subscribed": {"type": "boolean"}, "next_poll_at": _LONG},
    "landed": {},
    "pending": {"version_id": _KEYWORD, "landed_at": _LONG, "leased_until": _LONG},
    "claims": {},
    "stories": {
        "title_words": _WORDS,
        "text_words": _WORDS,
        "terms": _FILTER,
        "second": _LONG,
        "story_id": _KEYWORD,
        "event": _KEYWORD,
        "source": _FACET,
        "day": _FACET,
        "entity_names": _FACET,
        "pair_names": _FACET,
        "topic_names": _FACET,
    },
    "bands": {"bands": {"type": "long", "doc_values": False}},
    "habits": {},
    "sketches": {"telling": _FILTER, "event": _KEYWORD, "story_id": _KEYWORD, "published_at": _LONG, "kept_at": _LONG},
    "events": {"event_id": _KEYWORD, "last_published_at": _LONG},
    "redirects": {"old": _KEYWORD, "new": _KEYWORD},
    "hits": {"found_at": _LONG, "hit_id": _KEYWORD},
    "alerts": {"created_at": _LONG, "alert_id": _KEYWORD},
    "deliveries": {"alert_id": _KEYWORD, "webhook": _KEYWORD, "due_at": _LONG, "delivery_id": _KEYWORD},
    "dead-letters": {"at": _LONG, "letter_id": _KEYWORD},
}
_SELDOM = "30s"
"""How often an index refreshes by itself, but the stories': whoever searches it asks for that first, or did so when writing, and of
all that the server does nothing is dearer."""
_SETTLED_AFTER = timedelta(hours=1)
"""A worker's leases end within minutes: by then whoever knew only the index before is done."""


class Age(NamedTuple):
    """How long a generation is written, and how many are kept behind it."""

    age: timedelta
    older: int


GENERATIONS = {
    # An item that stays in its feed is copied forward each time it is seen, so that only what left long ago is forgotten.
    "landed": Age(timedelta(days=30), 2),
    "claims": Age(timedelta(days=30), 2),
    "stories": Age(timedelta(days=30), 2**31),
    "bands": Age(timedelta(days=30), 1),
}


class Indices:
    """The indices of one Wirewatch in a cluster: those whose names begin with its prefix."""

    def __init__(self, cluster: Cluster, prefix: str, ilm_policy: str = "") -> None:
        """With `ilm_policy`, the server's ILM begins and drops the generations of stories, and not we."""
        self.cluster = cluster
        self.prefix = prefix
        self.ilm_policy = ilm_policy

    def name(self, role: str) -> str:
        """A role's index; of one with generations, the alias of them all."""
        return f"{self.prefix}-{role}"

    def ensure(self) -> None:
        """Make the templates and the indices that are not there. Raises `ConfigError` for those of a newer version.

        Those of an older one go on being read and written; what their stories lack is searched for in vain until they are migrated.
        """
        if self.ilm_policy:
            self._check_policy()
        versions = self.versions()
        for index, version in versions.items():
            if version > VERSION:
                raise ConfigError(f"store: {index} was written by a newer Wirewatch. Update Wirewatch.")
            if version < VERSION:
                log.warning("index.outdated", index=index, version=version, remedy="run wirewatch store migrate")
        there = set(map(self._role_of, versions))
        with self.cluster.our_words():
            templates = self.cluster.client.options(ignore_status=404).indices.get_index_template(name=f"{self.prefix}-*").body
        templated = {each["name"] for each in templates.get("index_templates", [])}
        for role in MAPPINGS:
            if self.name(role) not in templated:
                self.put_template(role)
            if role not in there:
                self.create(f"{self.name(role)}-000001" if role in GENERATIONS else self.name(role), role)
        if self.ilm_policy:
            self._hand_over()

    def _check_policy(self) -> None:
        """Raise `ConfigError` where the server has no ILM, or no such policy."""
        with self.cluster.our_words():
            answer = self.cluster.client.options(ignore_status=(400, 404, 405)).perform_request(
                "GET", f"/_ilm/policy/{quote(self.ilm_policy, safe='')}", headers={"accept": "application/json"}
            )
        if answer.meta.status != 200:
            lacks = f"no ILM policy {self.ilm_policy}" if answer.meta.status == 404 else "no ILM (_ilm does not answer)"
            raise ConfigError(
                f"store: {self.cluster.access.shown} has {lacks}. Leave out elasticsearch: {{ilm_policy: …}}: Wirewatch begins "
                "generations by itself, and `retention` drops them"
            )

    def _hand_over(self) -> None:
        """Leave the stories' indices to the policy."""
        client = self.cluster.client
        self.put_template("stories")
        *older, newest = self.generations("stories")
        self.make_write_index(newest)
        lifecycle = self._lifecycle("stories")
        with self.cluster.our_words():
            client.indices.put_settings(index=newest, settings=lifecycle)
            if older:
                client.indices.put_settings(index=older, settings={**lifecycle, "index.lifecycle.indexing_complete": True})

    def make_write_index(self, index: str) -> None:
        """Make `index` the one of its alias that `_rollover` begins a new one after."""
        alias = self.name(self._role_of(index))
        with self.cluster.our_words():
            self.cluster.client.indices.update_aliases(actions=[{"add": {"index": index, "alias": alias, "is_write_index": True}}])

    def generations(self, role: str) -> tuple[str, ...]:
        """The indices of a role, oldest first."""
        with self.cluster.our_words():
            return tuple(sorted(self.cluster.client.indices.get_alias(name=self.name(role)).body))

    def versions(self, role: str = "") -> dict[str, int]:
        """The version of each index's mapping; of one role, or all."""
        with self.cluster.our_words():
            there = self.cluster.client.indices.get_mapping(index=f"{self.prefix}-*", allow_no_indices=True).body
        return {
            name: int(each["mappings"].get("_meta", {}).get("version", 1))
            for name, each in sorted(there.items())
            if not role or self._role_of(name) == role
        }

    def put_template(self, role: str) -> None:
        """Make the template that the indices of a role are made from."""
        pattern = f"{self.name(role)}-*" if role in GENERATIONS else self.name(role)
        with self.cluster.our_words():
            self.cluster.client.indices.put_index_template(
                name=self.name(role),
                index_patterns=[pattern],
                priority=500,
                # Else a write to an index that was dropped would make it again, behind no alias.
                allow_auto_create=False,
                template={"settings": {**settings(role), **self._lifecycle(role)}, "mappings": mappings(role)},
                meta={"version": VERSION},
            )

    def _lifecycle(self, role: str) -> dict[str, str]:
        if role != "stories" or not self.ilm_policy:
            return {}
        return {"index.lifecycle.name": self.ilm_policy, "index.lifecycle.rollover_alias": self.name(role)}

    def create(self, index: str, role: str, created_at: datetime | None = None, *, aliased: bool = True) -> None:
        """Make an index of a role, behind the role's alias where it has generations; one that is there stays as it is."""
        aliases: dict[str, dict[str, Any]] = {self.name(role): {}} if role in GENERATIONS and aliased else {}
        meta = {"version": VERSION, "created_at": created_at.isoformat() if created_at else None}
        with self.cluster.our_words():
            try:
                self.cluster.client.indices.create(
                    index=index, settings=settings(role), mappings={**mappings(role), "_meta": meta}, aliases=aliases
                )
            except elasticsearch.BadRequestError as error:
                if "resource_already_exists" not in str(error):
                    raise

    def began(self, index: str) -> datetime | None:
        """When an index was begun by our own clock, where it says so."""
        with self.cluster.our_words():
            meta = self.cluster.client.indices.get_mapping(index=index).body[index]["mappings"].get("_meta", {})
        return datetime.fromisoformat(meta["created_at"]) if meta.get("created_at") else None

    def drop(self, names: Sequence[str]) -> None:
        """Forget indices; those that are gone already are."""
        if names:
            with self.cluster.our_words():
                self.cluster.client.indices.delete(index=list(names), ignore_unavailable=True)

    def wipe(self) -> None:
        """Drop everything of this prefix."""
        with self.cluster.our_words():
            names = self.cluster.client.indices.get(index=f"{self.prefix}-*", allow_no_indices=True).body
            self.drop(list(names))
            for role in MAPPINGS:
                self.cluster.client.options(ignore_status=404).indices.delete_index_template(name=self.name(role))

    def _role_of(self, index: str) -> str:
        return re.sub(r"-\d{6}(-v\d+)?$", "", index.removeprefix(f"{self.prefix}-"))


class Generations:
    """The indices of a role, oldest first, of which the last is written. What is remembered of them is looked up again in time."""

    def __init__(self, indices: Indices, role: str) -> None:
        self._indices = indices
        self._role = role
        self._lock = threading.RLock()
        self._known: tuple[str, ...] = ()
        self._settled = ""

    @property
    def is_settled(self) -> bool:
        """Whether nobody is left who would still create what another has put into an earlier index: none was begun of late."""
        with self._lock:
            names = self.all()
            return len(names) == 1 or names[-1] == self._settled

    def all(self) -> tuple[str, ...]:
        """Every generation."""
        with self._lock:
            return self._known or self._look()

    def refresh(self) -> None:
        """Look up the generations: others begin some."""
        with self._lock:
            self._look()

    def look_again(self) -> None:
        """Look up the generations, after one was found blocked or gone; where the newest takes no writes, make the next."""
        with self._lock:
            newest = self._look()[-1]
            if self._is_blocked(newest):
                self._block(newest)
                self._indices.create(_next(newest), self._role)
                self._look()

    def roll(self, now: datetime, *, blocking: bool, rescue: Callable[[Sequence[str]], None] | None = None) -> bool:
        """Begin a generation where the newest is old enough, and drop what is too old; whether one began.

        With `blocking` the one before takes no writes from here on, so that nobody writes to it who has not heard. `rescue` is
        given the indices that are about to go.
        """
        kept = GENERATIONS[self._role]
        with self._lock:
            names = self._look()
            began = self._began(names[-1], now)
            if now - began >= _SETTLED_AFTER:
                self._settled = names[-1]
            if now - began < kept.age:
                return False
            if blocking:
                self._block(names[-1])
            self._indices.create(_next(names[-1]), self._role, now)
            dropped = self._look()[: -1 - kept.older]
            if dropped and rescue:
                rescue(dropped)
            self._indices.drop(dropped)
            self._look()
            return True

    def drop(self, before: datetime, held: Collection[str]) -> None:
        """Drop the generations that took nothing new since before then, and hold no document of `held`; never the newest."""
        with self._lock:
            names = self._look()
            ends = {name: self._indices.began(following) for name, following in pairwise(names)}
            old = [name for name, ended in ends.items() if ended and ended < before]
            holding = {kept.index for kept in self._indices.cluster.mget([(name, id) for name in old for id in held]).values()}
            self._indices.drop([name for name in old if name not in holding])
            self._look()

    def documents(self, *, source: bool = True) -> Iterator[Kept]:
        """Every document of every generation, newest generation first; one that was copied forward once, as it is there."""
        names = self.all()
        for at, index in reversed(list(enumerate(names))):
            for page in self._indices.cluster.written(index, source=source):
                newer = self._indices.cluster.mget([(name, each.id) for name in names[at + 1 :] for each in page], source=False)
                yield from (each for each in page if each.id not in newer)

    def _look(self) -> tuple[str, ...]:
        self._known = self._indices.generations(self._role)
        return self._known

    def _block(self, index: str) -> None:
        """Let an index take no writes; returns once those under way have ended, whoever blocked it first."""
        with self._indices.cluster.our_words():
            self._indices.cluster.client.indices.add_block(index=index, block="write")

    def _is_blocked(self, index: str) -> bool:
        cluster = self._indices.cluster
        with cluster.our_words():
            found = cluster.client.indices.get_settings(index=index, name="index.blocks.write", flat_settings=True).body
        return bool(found) and found[index]["settings"].get("index.blocks.write") == "true"

    def _began(self, index: str, now: datetime) -> datetime:
        """When an index was begun by our own clock; the first one, when it is first asked."""
        cluster = self._indices.cluster
        if began := self._indices.began(index):
            return began
        with cluster.our_words():
            cluster.client.indices.put_mapping(index=index, meta={"version": VERSION, "created_at": now.isoformat()})
        return now


def settings(role: str) -> dict[str, Any]:
    """The settings of a role's indices."""
    chosen: dict[str, Any] = {
        "number_of_shards": 1,
        "auto_expand_replicas": "0-1",
        "refresh_interval": "1s" if role == "stories" else _SELDOM,
    }
    if role == "stories":
        chosen["codec"] = "best_compression"
        chosen["analysis"] = {"analyzer": {"words": {"type": "custom", "tokenizer": "whitespace"}}}
    return chosen


def mappings(role: str) -> dict[str, Any]:
    """The mappings of a role's indices."""
    chosen: dict[str, Any] = {"dynamic": False, "_meta": {"version": VERSION}, "properties": MAPPINGS[role]}
    if role == "stories":
        chosen["_source"] = {"excludes": list(DERIVED)}
    return chosen


def _next(index: str) -> str:
    stem, _, number = re.sub(r"-v\d+$", "", index).rpartition("-")
    return f"{stem}-{int(number) + 1:06d}"
