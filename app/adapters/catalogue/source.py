"""What the catalogue holds, as a source of knowledge."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.adapters.catalogue.database import Database
from app.adapters.catalogue.rows import documents_of
from app.domain.knowledge import Document
from app.ports import KnowledgeSource

_LIVE = """
SELECT f.id, f.live, v.extracted_digest FROM files f JOIN versions v ON v.file_id = f.id AND v.revision = f.live
WHERE f.deleted = 0 ORDER BY f.seq
"""
_TEXTS = """
SELECT f.seq, f.id, f.origin, e.documents FROM files f JOIN extracts e ON e.file_id = f.id AND e.revision = f.live
WHERE f.deleted = 0 AND f.seq > ? ORDER BY f.seq LIMIT 200
"""


class _Nothing:
    """What a catalogue holds that nobody has begun; says the same as an empty one."""

    def fingerprint(self) -> str:
        return hashlib.sha256().hexdigest()

    def documents(self) -> Iterator[Document]:
        yield from ()


@contextmanager
def open_source(path: Path) -> Iterator[KnowledgeSource]:
    """Open what a catalogue's file holds; where there is none, none is made. Raises StartRefused."""
    if not path.exists():
        yield _Nothing()
        return
    database = Database(path)
    try:
        yield CatalogueSource(database)
    finally:
        database.close()


class CatalogueSource:
    """The documents of every file that was read and is not deleted; the KnowledgeSource port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fingerprint(self) -> str:
        """Return a digest over the digests of what was read out of each file; the texts are not read for it."""
        whole = hashlib.sha256()
        with self._database.reading() as connection:
            for file_id, _, digest in connection.execute(_LIVE):
                whole.update(f"{file_id}\0{digest}\0".encode())
        return whole.hexdigest()

    def documents(self) -> Iterator[Document]:
        """Yield the documents in the order their files came; raises StoreFailed."""
        after = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(_TEXTS, (after,)).fetchall()
            if not rows:
                return
            for seq, file_id, origin, text in rows:
                after = seq
                yield from documents_of(file_id, origin, text)
