"""The cluster, through its official client: requests with a limit, and errors in our words.

A cluster that is away, busy or not yet ready is a `TransientError`: the work waits. What it will never take is said at once.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import elasticsearch
import orjson
from elastic_transport import ObjectApiResponse
from elasticsearch import Elasticsearch
from elasticsearch.serializer import OrjsonSerializer

from pipeline.errors import BadElement, ConfigError, TransientError

LARGEST_BULK = 5_000_000
"""Bytes of a bulk request; what is more goes in several."""
_MOST_TRIES = 8
_MOST_GOT = 1_000
_FIRST_REST_S = 0.1

Document = Mapping[str, Any]


class Access(NamedTuple):
    """How a cluster is reached; what is secret stays out of `repr`."""

    url: str
    """With user and password in it where it asks for them so; empty with a cloud id."""
    cloud_id: str = ""
    api_key: str = ""
    ca_file: str = ""
    timeout_s: float = 30.0

    def __repr__(self) -> str:
        return f"Access({self.shown!r})"

    @property
    def shown(self) -> str:
        """The address as people may see it."""
        return self.cloud_id.partition(":")[0] or self.url.rpartition("@")[2].removeprefix("https://").removeprefix("http://")


class Kept(NamedTuple):
    """A document as it is stored."""

    id: str
    index: str  # type: ignore[assignment]  # shadows tuple.index, which nobody calls on it
    source: Mapping[str, Any]
    seq_no: int
    primary_term: int


class Answer(NamedTuple):
    """What became of one operation of a bulk request."""

    status: int
    error: str = ""

    @property
    def is_done(self) -> bool:
        return self.status < 300


class Write(NamedTuple):
    """One operation of a bulk request. With `over`, only over that very version of the document."""

    kind: str
    """create, index or delete."""
    index: str  # type: ignore[assignment]  # shadows tuple.index, which nobody calls on it
    id: str
    source: Document | None = None
    over: Kept | None = None

    def lines(self) -> bytes:
        action: dict[str, object] = {"_index": self.index, "_id": self.id}
        if self.over:
            action |= {"if_seq_no": self.over.seq_no, "if_primary_term": self.over.primary_term}
        head = orjson.dumps({self.kind: action}) + b"\n"
        return head if self.source is None else head + orjson.dumps(self.source) + b"\n"


class Cluster:
    """One cluster. Safe to use from several threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        where: dict[str, Any] = {"cloud_id": access.cloud_id} if access.cloud_id else {"hosts": access.url}
        if access.api_key:
            where["api_key"] = access.api_key
        if access.ca_file:
            _check_authority(access.ca_file)
            where["ca_certs"] = access.ca_file
        try:
            self.client = Elasticsearch(
                **where,
                request_timeout=access.timeout_s,
                max_retries=0,
                http_compress=False,
                # Reading answers by Python's own takes longer than all else that is done with them.
                serializers={"application/json": OrjsonSerializer()},
            )
        except (ValueError, OSError) as error:
            raise ConfigError(f"store: {access.shown} cannot be used as an Elasticsearch: {error}") from None

    def version(self) -> str:
        """The server's version. Raises `ConfigError` where this client cannot speak with it."""
        with self.our_words():
            try:
                found = str(self.client.info()["version"]["number"])
            except elasticsearch.BadRequestError:
                # A newer client's media type is what an older server does not know.
                raise self._mismatch("of an earlier major version") from None
            except elasticsearch.UnsupportedProductError:
                raise ConfigError(f"store: {self.access.shown} is no Elasticsearch") from None
        if int(found.partition(".")[0]) != elasticsearch.__version__[0]:
            raise self._mismatch(found)
        return found

    def _mismatch(self, found: str) -> ConfigError:
        major = elasticsearch.__version__[0]
        wanted = found.partition(".")[0] if found[0].isdigit() else "8"
        return ConfigError(
            f"store: {self.access.shown} runs Elasticsearch {found}, and the client here is {major}. Install the client of the "
            f"server's major version: pip install 'elasticsearch>={wanted},<{int(wanted) + 1}'"
        )

    # ── documents ──

    def bulk(self, writes: Iterable[Write], *, refresh: bool = False) -> list[Answer]:
        """Write, in requests of a bounded size; answers what became of each, in order.

        What the cluster is too busy or unable to take is tried again with growing rests, then raised as `TransientError`. A
        conflict (409) and a missing or blocked index (404, 403) are the caller's; `refused` makes an error of the rest.
        """
        # Made once: a story's are dear to make, and are looked at for their size as well as sent.
        asked = [write.lines() for write in writes]
        answers: list[Answer] = [Answer(429)] * len(asked)
        waiting = list(range(len(asked)))
        for attempt in range(_MOST_TRIES):
            if attempt:
                time.sleep(_FIRST_REST_S * 2 ** (attempt - 1))
            for chunk in _chunks(waiting, asked):
                for at, answer in zip(chunk, self._bulk([asked[at] for at in chunk], refresh=refresh), strict=True):
                    answers[at] = answer
            # A node that is about to close answers 500 for what it takes no more.
            waiting = [at for at in waiting if answers[at].status == 429 or answers[at].status >= 500]
            if not waiting:
                return answers
        raise TransientError(f"{self.access.shown} is too busy: {answers[waiting[0]].error or 'it refuses writes for now'}")

    def _bulk(self, lines: Sequence[bytes], *, refresh: bool) -> list[Answer]:
        with self.our_words():
            answer = self.client.perform_request(
                "POST",
                "/_bulk",
                # What it would tell of shards and sequence takes longer to read than the rest, and nobody does.
                params={"filter_path": "items.*.status,items.*.error"} | ({"refresh": "true"} if refresh else {}),
                headers={"content-type": "application/x-ndjson", "accept": "application/json"},
                body=b"".join(lines),
            )
        found = (next(iter(item.values())) for item in _body(answer)["items"])
        return [Answer(int(each["status"]), _reason(each.get("error"))) for each in found]

    def mget(self, wanted: Sequence[tuple[str, str]], *, source: bool | Sequence[str] = True) -> dict[str, Kept]:
        """The documents among `wanted` (index, id) that there are, by id; the newest state, refreshed or not.

        Of one id in several indices, the one that was asked for last. Raises `MissingIndexError` where an index is gone.
        """
        found: dict[str, Kept] = {}
        for at in range(0, len(wanted), _MOST_GOT):
            with self.our_words():
                docs = [{"_index": index, "_id": id} for index, id in wanted[at : at + _MOST_GOT]]
                answer = self.client.mget(docs=docs, source=source if isinstance(source, bool) else list(source))
            for each in _body(answer)["docs"]:
                if "error" in each:
                    raise MissingIndexError(_reason(each["error"]))
                if each.get("found"):
                    found[each["_id"]] = Kept(
                        each["_id"], each["_index"], each.get("_source", {}), each["_seq_no"], each["_primary_term"]
                    )
        return found

    def search(self, index: str, body: Document, *, refresh: bool = False) -> dict[str, Any]:
        """A search's answer; with `refresh`, over everything written before."""
        with self.our_words():
            if refresh:
                self.refresh(index)
            answer = self.client.perform_request(
                "POST",
                f"/{index}/_search",
                # Else an index that has not come up yet after a restart is passed over in silence.
                params={"allow_partial_search_results": "false"},
                headers={"content-type": "application/json", "accept": "application/json"},
                body=orjson.loads(orjson.dumps(body)),
            )
        return _body(answer)

    def searches(self, index: str, bodies: Sequence[Document]) -> list[dict[str, Any]]:
        """The answers of several searches of one index, in one request."""
        if not bodies:
            return []
        with self.our_words():
            answer = self.client.perform_request(
                "POST",
                f"/{index}/_msearch",
                headers={"content-type": "application/x-ndjson", "accept": "application/json"},
                body=b"".join(b"{}\n" + orjson.dumps(body) + b"\n" for body in bodies),
            )
        found: list[dict[str, Any]] = _body(answer)["responses"]
        for each in found:
            if "error" in each:
                raise TransientError(f"{self.access.shown}: {_reason(each['error'])}")
        return found

    def pages(self, index: str, query: Document, sort: Sequence[Document], size: int = 500) -> Iterator[Kept]:
        """Every document that meets `query`, in the order of `sort`, which no two share."""
        after: list[Any] | None = None
        while True:
            body = {"query": query, "sort": sort, "size": size, "seq_no_primary_term": True, "track_total_hits": False}
            hits = self.search(index, body | ({"search_after": after} if after else {}), refresh=after is None)["hits"]["hits"]
            yield from map(kept, hits)
            if len(hits) < size:
                return
            after = hits[-1]["sort"]

    def written(self, index: str, *, source: bool = True, size: int = 1_000) -> Iterator[list[Kept]]:
        """Every document of one index of one shard, a page at a time, in the order of their writing."""
        after: list[Any] = [-1]
        while True:
            body = {"size": size, "sort": [{"_seq_no": "asc"}], "search_after": after, "_source": source, "track_total_hits": False}
            hits = self.search(index, body, refresh=after == [-1])["hits"]["hits"]
            if hits:
                yield [kept(hit) for hit in hits]
            if len(hits) < size:
                return
            after = hits[-1]["sort"]

    def count(self, index: str, query: Document | None = None) -> int:
        """How many documents there are (that meet `query`), those just written included."""
        with self.our_words():
            self.client.indices.refresh(index=index)
            answer = self.client.count(index=index, query=query)
        if answer["_shards"]["failed"]:
            raise TransientError(f"{self.access.shown} has not all of {index} at hand")
        return int(answer["count"])

    def refresh(self, index: str) -> None:
        """Make everything that was written to an index searchable."""
        with self.our_words():
            self.client.indices.refresh(index=index)

    def close(self) -> None:
        self.client.close()

    # ── errors ──

    @contextmanager
    def our_words(self) -> Iterator[None]:
        """The client's errors as ours; none names a password."""
        try:
            yield
        except (elasticsearch.ConnectionError, elasticsearch.ConnectionTimeout) as error:
            if isinstance(error, elasticsearch.SSLError):
                raise ConfigError(
                    f"store: {self.access.shown} cannot be trusted: {_said(error)}. Give its CA: elasticsearch: {{ca_file: PATH}}"
                ) from None
            raise TransientError(f"{self.access.shown} does not answer ({type(error).__name__})") from error
        except elasticsearch.SerializationError as error:
            raise TransientError(f"{self.access.shown} broke off its answer") from error
        except elasticsearch.AuthenticationException:
            raise ConfigError(
                f"store: {self.access.shown} does not know us: give user and password in its URL, or elasticsearch: "
                '{api_key: "${NAME}"}'
            ) from None
        except elasticsearch.AuthorizationException as error:
            if "cluster_block" in str(error):
                raise BlockedError(f"{self.access.shown} is read-only for now: {_said(error)}") from error
            raise ConfigError(
                f"store: {self.access.shown} does not allow it: {_said(error)}. docs/elasticsearch.md lists the rights it takes"
            ) from None
        except elasticsearch.NotFoundError as error:
            raise MissingIndexError(f"{self.access.shown}: {_said(error)}") from error
        except elasticsearch.ApiError as error:
            if error.status_code in (408, 429) or error.status_code >= 500:
                raise TransientError(f"{self.access.shown} answers {error.status_code}: {_said(error)}") from error
            raise BadElement(f"{self.access.shown} refuses this: {_said(error)}") from error


class MissingIndexError(TransientError):
    """An index is not there: it was dropped by its age, or another process is about to make it."""


class BlockedError(TransientError):
    """An index takes no writes: a newer one does, or the disk is full."""


def refused(answers: Iterable[Answer], about: Sequence[str]) -> None:
    """Raise what is wrong with the first answer that is neither done nor a conflict: blocked, missing, or never to be taken."""
    for answer, what in zip(answers, about, strict=True):
        if answer.status == 403:
            raise BlockedError(answer.error)
        if answer.status == 404:
            raise MissingIndexError(answer.error)
        if not answer.is_done and answer.status != 409:
            raise BadElement(f"Elasticsearch refuses {what}: {answer.error}")


def kept(hit: Mapping[str, Any]) -> Kept:
    """A search's hit as a document."""
    return Kept(hit["_id"], hit["_index"], hit.get("_source", {}), hit.get("_seq_no", -1), hit.get("_primary_term", -1))


def _check_authority(path: str) -> None:
    """Raise `ConfigError` where there is no certificate in a file: the client would say so at its first request, and not which."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ConfigError(f"elasticsearch.ca_file: {path} is no certificate (PEM) that can be read: {error}") from None


def _chunks(waiting: Sequence[int], asked: Sequence[bytes]) -> Iterator[list[int]]:
    chunk: list[int] = []
    size = 0
    for at in waiting:
        chunk.append(at)
        size += len(asked[at])
        if size > LARGEST_BULK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _body(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = answer.body if isinstance(answer, ObjectApiResponse) else answer
    return body


def _reason(error: object) -> str:
    if isinstance(error, Mapping):
        cause = error.get("caused_by")
        return f"{error.get('type')}: {error.get('reason')}" + (f" ({_reason(cause)})" if cause else "")
    return str(error or "")


def _said(error: Exception) -> str:
    info = getattr(error, "info", None)
    if isinstance(info, Mapping):
        return _reason(info.get("error"))[:500]
    return str(getattr(error, "message", None) or error)[:500]
