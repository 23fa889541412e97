"""Claims in SQLite: the primary key decides who was first."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from pipeline.store.sqlite.database import Database


class SqliteClaims:
    """`Claims`; a fingerprint is kept as 12 bytes of its BLAKE2b, which is all that deciding needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owners(self, fingerprints: Collection[str]) -> dict[str, str]:
        with self._database.reading() as connection:
            return {
                fingerprint: story_id
                for fingerprint in fingerprints
                for (story_id,) in connection.execute("SELECT story_id FROM claim WHERE fingerprint = ?", (_short(fingerprint),))
            }

    def claim(self, wanted: Mapping[str, str]) -> dict[str, str]:
        if not wanted:
            return {}
        rows = [(_short(fingerprint), story_id) for fingerprint, story_id in wanted.items()]
        with self._database.writing() as connection:
            connection.executemany("INSERT INTO claim VALUES(?, ?) ON CONFLICT DO NOTHING", rows)
        return self.owners(wanted)


def _short(fingerprint: str) -> bytes:
    return hashlib.blake2b(fingerprint.encode("utf-8", "surrogatepass"), digest_size=12).digest()
