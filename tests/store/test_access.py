"""How a cluster that is shut is entered, and what is said where it is not: the place and the remedy, and nothing secret."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from pipeline.config import load
from pipeline.errors import ConfigError
from pipeline.search.language import query_of
from pipeline.store.address import address_of, store_at
from pipeline.store.elasticsearch.client import Access, Cluster
from pipeline.store.elasticsearch.indices import GENERATIONS
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.search import SearchRequest
from tests.contract.conftest import ON_ELASTICSEARCH
from tests.contract.told import NOW, STORIES
from tests.servers.elasticsearch import Elasticsearch, start_or_skip

PASSWORD = "correct-horse"
DOCUMENTED = {
    "wirewatch": {
        "cluster": ["monitor", "manage_index_templates"],
        "indices": [{"names": ["wirewatch-*"], "privileges": ["manage", "read", "write"]}],
    }
}
READING = {"wirewatch": {"cluster": ["monitor"], "indices": [{"names": ["wirewatch-*"], "privileges": ["read"]}]}}


@pytest.fixture(scope="module")
def server() -> Iterator[Elasticsearch]:
    """A server that speaks TLS and knows one user."""
    with tempfile.TemporaryDirectory(prefix="wirewatch-es-") as folder:
        Path(folder).chmod(0o755)
        server = Elasticsearch(Path(folder), password=PASSWORD)
        start_or_skip(server)
        yield server
        server.stop()


def key(server: Elasticsearch, roles: object) -> str:
    """An API key with the rights of `roles`, as the server gives it encoded."""
    with server.asked("/_security/api_key", {"name": "wirewatch", "role_descriptors": roles}) as answer:
        return str(json.load(answer)["encoded"])


def access(server: Elasticsearch, **changed: object) -> Access:
    return Access(server.url, ca_file=str(server.ca_file))._replace(**changed)  # type: ignore[arg-type]


def without_user(server: Elasticsearch) -> str:
    return "https://" + server.url.rpartition("@")[2]


def refusal(of: Access) -> str:
    """What opening the store says."""
    with pytest.raises(ConfigError) as refused:
        ElasticsearchStore(of, "wirewatch")
    assert PASSWORD not in str(refused.value)
    assert PASSWORD not in repr(of)
    return str(refused.value)


class TestOnAServerThatIsShut:
    """A real one, with TLS and security."""

    pytestmark = ON_ELASTICSEARCH

    def test_user_and_password_in_the_url_let_us_in(self, server: Elasticsearch):
        """Over TLS, with the authority that is given; the versions of both sides are said."""
        store = ElasticsearchStore(access(server), "wirewatch")
        assert store.name.startswith("Elasticsearch 9.")
        assert ", client 9." in store.name
        store.close()

    def test_a_key_with_the_documented_rights_is_enough(self, server: Elasticsearch, tmp_path: Path):
        """From a configuration: everything that the store does."""
        config = tmp_path / "wirewatch.yaml"
        config.write_text(f'store: {without_user(server)}\nelasticsearch: {{api_key: "${{KEY}}", ca_file: {server.ca_file}}}\n')
        store = store_at(address_of(load(config, {"KEY": key(server, DOCUMENTED)})))
        for n in range(4):
            store.tend(NOW + n * GENERATIONS["claims"].age, GENERATIONS["claims"].age)
        store.stories.put(STORIES)
        assert store.claims.claim({"url:1": "a"}) == {"url:1": "a"}
        assert store.stories.search(SearchRequest(query_of("musk", NOW))).found
        assert store.stories.facets(query_of("musk", NOW)).stories == 5
        store.feeds.subscribe(["https://news.example/rss"], NOW)
        assert store.landing.unfinished_count() == 0

    def test_a_certificate_of_an_unknown_authority_is_said(self, server: Elasticsearch, tmp_path: Path):
        """Without its authority, and with another one."""
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(other)
        for ca_file in ("", str(other)):
            said = refusal(access(server, ca_file=ca_file))
            assert "127.0.0.1" in said
            assert "elasticsearch: {ca_file: PATH}" in said

    def test_a_wrong_password_and_a_wrong_key_are_said(self, server: Elasticsearch):
        """Neither is shown."""
        wrong = server.url.replace(PASSWORD, "wrong-horse")
        assert "wrong-horse" not in refusal(access(server, url=wrong))
        assert "does not know us" in refusal(access(server, url=wrong))
        for api_key in (base64.b64encode(b"nobody:secret-key").decode(), "no-key-at-all"):
            said = refusal(access(server, url=without_user(server), api_key=api_key))
            assert "does not know us" in said
            assert "api_key" in said
            assert api_key not in said
        assert "does not know us" in refusal(access(server, url=without_user(server)))

    def test_a_right_that_is_lacking_is_named_with_the_remedy(self, server: Elasticsearch):
        """Which, and where the rights that are needed are listed."""
        said = refusal(access(server, url=without_user(server), api_key=key(server, READING)))
        assert "docs/elasticsearch.md" in said
        assert "manage" in said


def test_a_file_that_is_no_authority_is_said(tmp_path: Path):
    """One that is not there, and one that is no certificate."""
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nothing")
    for path in (tmp_path / "missing.pem", nonsense):
        with pytest.raises(ConfigError, match=r"ca_file.*\.pem"):
            Cluster(Access("https://127.0.0.1:9", ca_file=str(path)))


def test_a_cloud_id_says_where_the_cluster_is():
    """The deployment's host; its name is what is shown, and nonsense is refused."""
    cloud_id = "news:" + base64.b64encode(b"eu.cloud.example:9243$abc$def").decode()
    cluster = Cluster(Access("", cloud_id, "key"))
    (node,) = cluster.client.transport.node_pool.all()
    assert (node.config.scheme, node.config.host, node.config.port) == ("https", "abc.eu.cloud.example", 9243)
    assert cluster.access.shown == "news"
    cluster.close()
    with pytest.raises(ConfigError, match="Cloud ID"):
        Cluster(Access("", "nonsense", "key"))
