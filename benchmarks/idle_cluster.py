"""What a service in which nothing is due costs its Elasticsearch. Prints one JSON line.

    python benchmarks/idle_cluster.py [--seconds 30]

By turns a cluster with data and nobody on it, and `wirewatch run` with a feed that is due in an hour. Counted are the searches and
the refreshes that the cluster was asked for, and the processor time of its process. Exit 1 above 5 searches a second, or above 5%
of a core more than without the service.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from elasticsearch import Elasticsearch as Client
from loopback import Feeds, rss
from server import Elasticsearch, cluster

COMMAND = str(Path(sys.executable).with_name("wirewatch"))
WARM_S = 15.0
CONFIGURATION = """
store: {store}
feeds: [{{url: "{feed}", every: 1h}}]
"""


class Used(NamedTuple):
    """What a cluster has done since it was started."""

    searches: int
    refreshes: int
    cpu_s: float


def used(server: Elasticsearch, client: Client) -> Used:
    total = client.indices.stats(index="wirewatch-*", metric=["search", "refresh"])["_all"]["total"]
    return Used(total["search"]["query_total"], total["refresh"]["external_total"], server.cpu_s())


def in_a_second(server: Elasticsearch, client: Client, seconds: float) -> dict[str, float]:
    """What it does in a second, once it has come to rest."""
    time.sleep(WARM_S)
    before = used(server, client)
    time.sleep(seconds)
    after = used(server, client)
    return {
        "searches": round((after.searches - before.searches) / seconds, 2),
        "refreshes": round((after.refreshes - before.refreshes) / seconds, 2),
        "cpu_ms": round((after.cpu_s - before.cpu_s) / seconds * 1000, 1),
    }


def main() -> int:
    """Measure, print, and answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, cluster("512m") as server, Feeds() as feeds:
        client = Client(server.url)
        feeds.bodies["/feed"] = rss([("https://news.example/1", "A report", "Elon Musk met Vladimir Putin.")])
        config = Path(folder, "wirewatch.yaml")
        config.write_text(CONFIGURATION.format(store=server.url, feed=feeds.url("/feed")))
        command = [COMMAND, "run", "--json", "-c", str(config)]
        found: dict[str, list[dict[str, float]]] = {"alone": [], "with the service": []}
        for _ in range(2):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            found["with the service"].append(in_a_second(server, client, options.seconds))
            process.terminate()
            process.wait(30)
            found["alone"].append(in_a_second(server, client, options.seconds))
        client.close()
    cpu_ms = min(each["cpu_ms"] for each in found["with the service"]) - min(each["cpu_ms"] for each in found["alone"])
    searches = max(each["searches"] for each in found["with the service"])
    wanted = {"searches": 5, "cpu_ms": 50}
    print(json.dumps({"benchmark": "idle_cluster", "in_a_second": found, "service_cpu_ms": round(cpu_ms, 1), "wanted": wanted}))
    return 0 if searches <= wanted["searches"] and cpu_ms <= wanted["cpu_ms"] else 1


if __name__ == "__main__":
    sys.exit(main())
