"""An older version's indices of stories, brought up to date behind their alias while stories arrive.

Each index is copied, document by document, into one of the newest mapping: what is derived is made again from the story. Then the
old one takes no writes, what changed meanwhile is copied after it, and the alias moves from the one to the other in one step; a
writer that was refused looks again and finds the new one. It may be stopped, or killed, and run again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline.store.elasticsearch.client import Access, Cluster, Kept, Write, refused
from pipeline.store.elasticsearch.documents import document, read_story
from pipeline.store.elasticsearch.indices import MAPPINGS, VERSION, Indices

_BATCH = 200


def migrate(access: Access, prefix: str, progress: Callable[[int, int], None] | None = None) -> int:
    """Bring the indices of `prefix` to the newest mappings; answers how many stories were indexed again.

    `progress` hears how many are done, and of how many. Raises as opening the store does.
    """
    cluster = Cluster(access)
    try:
        cluster.version()
        indices = Indices(cluster, prefix)
        old = [name for name, version in indices.versions("stories").items() if version < VERSION]
        for role in MAPPINGS:
            indices.put_template(role)
        total, done = sum(map(cluster.count, old)), 0
        for name in old:
            for copied in _replaced(indices, name):
                done += copied
                if progress:
                    progress(min(done, total), total)
        return total
    finally:
        cluster.close()


def _replaced(indices: Indices, old: str) -> Iterator[int]:
    """Put an index of the newest mapping in the place of `old`; yields how many documents each step copied."""
    cluster, new = indices.cluster, f"{re.sub(r'-v[0-9]+$', '', old)}-v{VERSION}"
    indices.create(new, "stories", indices.began(old), aliased=False)
    reached = -1
    # Twice while stories arrive, so that little is left to copy while none can be written.
    for _ in range(2):
        behind, reached = reached, _complete_to(cluster, old)
        for batch in _changed_since(cluster, old, behind):
            _copy(cluster, batch, new)
            yield len(batch)
    with cluster.our_words():
        cluster.client.indices.add_block(index=old, block="write")
    for batch in _changed_since(cluster, old, reached):
        _copy(cluster, batch, new)
    alias = indices.name("stories")
    with cluster.our_words():
        cluster.client.indices.refresh(index=new)
        cluster.client.indices.update_aliases(actions=[{"add": {"index": new, "alias": alias}}, {"remove_index": {"index": old}}])


def _complete_to(cluster: Cluster, index: str) -> int:
    """The sequence number up to which every write has ended: the highest that is found may have lower ones still under way."""
    with cluster.our_words():
        stats = cluster.client.indices.stats(index=index, level="shards").body
    (copies,) = stats["indices"][index]["shards"].values()
    return min(int(copy["seq_no"]["global_checkpoint"]) for copy in copies)


def _changed_since(cluster: Cluster, index: str, seq_no: int) -> Iterator[list[Kept]]:
    """Batches of the documents that were written after `seq_no`, in the order of their writing; each in its newest state."""
    batch: list[Kept] = []
    for kept in cluster.pages(index, {"range": {"_seq_no": {"gt": seq_no}}}, [{"_seq_no": "asc"}], _BATCH):
        batch.append(kept)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _copy(cluster: Cluster, batch: list[Kept], new: str) -> None:
    """Write documents again into `new`."""
    writes = [Write("index", new, kept.id, _made_anew(kept)) for kept in batch]
    refused(cluster.bulk(writes), [write.id for write in writes])


def _made_anew(kept: Kept) -> Mapping[str, Any]:
    """A story's document by today's mapping; what leads to another story stays as it is."""
    return document(read_story(kept.source)) if "rest" in kept.source else kept.source
