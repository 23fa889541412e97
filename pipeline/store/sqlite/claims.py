"""Claims in SQLite: the primary key decides who was first."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from pipeline.store.sqlite.database import Database

_OWNER = "SELECT fingerprint, story_id FROM claim WHERE fingerprint = ?"


class SqliteClaims:
    """`Claims`; a fingerprint is kept as 12 bytes of its BLAKE2b, which is all that deciding needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owners(self, fingerprints: Collection[str]) -> dict[str, str]:
        if not fingerprints:
            return {}
        asked = {_short(fingerprint): fingerprint for fingerprint in fingerprints}
        with self._database.reading() as connection:
            rows = connection.executemany(
                "SELECT fingerprint, story_id FROM claim WHERE fingerprint = ?", ((name,) for name in asked)
            )
            return {asked[name]: story_id for name, story_id in rows}

    def claim(self, wanted: Mapping[str, str]) -> dict[str, str]:
        if not wanted:
            return {}
        rows = [(_short(fingerprint), story_id) for fingerprint, story_id in wanted.items()]
        with self._database.writing() as connection:
            connection.executemany("INSERT INTO claim VALUES(?, ?) ON CONFLICT DO NOTHING", rows)
        return self.owners(wanted)


def _short(fingerprint: str) -> bytes:
    return hashlib.blake2b(fingerprint.encode("utf-8", "surrogatepass"), digest_size=12).digest()
