"""Claims in SQLite: the primary key decides who was first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pipeline.store.fingerprint import digest
from pipeline.store.sqlite.database import Database

_PAGE = 5_000


class SqliteClaims:
    """`Claims`; a fingerprint is kept as its `digest`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owners(self, fingerprints: Collection[str]) -> dict[str, str]:
        if not fingerprints:
            return {}
        asked = {digest(fingerprint): fingerprint for fingerprint in fingerprints}
        with self._database.reading() as connection:
            rows = connection.executemany(
                "SELECT fingerprint, story_id FROM claim WHERE fingerprint = ?", ((name,) for name in asked)
            )
            return {asked[name]: story_id for name, story_id in rows}

    def claim(self, wanted: Mapping[str, str]) -> dict[str, str]:
        if not wanted:
            return {}
        self.keep({digest(fingerprint): story_id for fingerprint, story_id in wanted.items()})
        return self.owners(wanted)

    def all(self) -> Iterator[tuple[bytes, str]]:
        last, page = b"", [(b"", "")]
        while page:
            with self._database.reading() as connection:
                page = connection.execute(
                    "SELECT fingerprint, story_id FROM claim WHERE fingerprint > ? ORDER BY fingerprint LIMIT ?", (last, _PAGE)
                ).fetchall()
            yield from page
            last = page[-1][0] if page else last

    def keep(self, owners: Mapping[bytes, str]) -> None:
        if owners:
            with self._database.writing() as connection:
                connection.executemany("INSERT INTO claim VALUES(?, ?) ON CONFLICT DO NOTHING", owners.items())
