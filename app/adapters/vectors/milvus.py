"""Vectors in Milvus: a server, or a Milvus Lite file for one process.

Each index release has a collection of its own, named after it, whose key is the row number: a release that is in use is
never changed, and switching or going back needs no copying. The collection is whole when it holds every row, which is
compared when it is opened. Inverted lists, and not Milvus' automatic index: under a filter that has little to do with
the question its graph found half of the ten nearest, lists find them all once more of them are read.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.adapters.vectors.milvus_parameters import expression, index_type, probes
from app.domain.models import Vectors
from app.errors import DependencyFailed, DependencyUnreachable, IndexCorrupt, IndexMissing, SettingsInvalid

log = logging.getLogger(__name__)

Progress: TypeAlias = Callable[[int, int], None]

VARIABLE = "VECTOR_URL"
MOST = 16_384
"""Milvus returns no more rows to one call."""
FEW = 1_000
"""So many allowed rows, or fewer, are fetched and all compared."""
BATCH = 1_000
_PREFIX = "it_support_"
ROW, _VECTOR = "row", "vector"
_REBUILD = "python -m app index --force"


class MilvusVectors:
    """The collections of one Milvus database. A call blocks for `timeout_s` at most, ten times that for a write."""

    def __init__(self, url: str, *, token: str = "", timeout_s: float = 5.0) -> None:
        """Connect; raises SettingsInvalid, DependencyUnreachable."""
        if not is_milvus(url):
            raise SettingsInvalid(VARIABLE, "must be http://..., https://... or a file whose name ends in .db")
        self._url = url
        self._timeout_s = timeout_s
        self._client = _connect(url, token, timeout_s)

    def publish(self, release: str, vectors: Vectors, progress: Progress | None = None) -> None:
        """Upload a release's vectors, row by row number; what a crash left of an earlier attempt is replaced.

        `progress` hears of rows done and rows in all. Raises DependencyFailed.
        """
        name = _collection(release)
        with _translated(), self._undone(name):
            self._create(name, *vectors.shape)
            for start in range(0, len(vectors), BATCH):
                block = np.ascontiguousarray(vectors[start : start + BATCH], dtype=np.float32)
                rows = [{ROW: start + at, _VECTOR: vector} for at, vector in enumerate(block)]
                self._client.insert(name, rows, timeout=self._patience)
                if progress:
                    progress(start + len(rows), len(vectors))
            self._client.flush(name, timeout=self._patience)
        log.info("vectors uploaded", extra={"release": release, "rows": len(vectors)})

    def open(self, release: str, count: int, dimension: int) -> "MilvusIndex":
        """Return a release's vectors; raises IndexMissing, IndexCorrupt where they are not whole, DependencyFailed."""
        name = _collection(release)
        with _translated():
            if not self._client.has_collection(name, timeout=self._timeout_s):
                raise IndexMissing(f"there are no vectors of release {release} in Milvus", _REBUILD)
            held = self._dimension(name)
            self._client.load_collection(name, timeout=self._patience)
            stored = self._count(name)
        if (stored, held) != (count, dimension):
            what = f"{stored} vectors of dimension {held}, not {count} of {dimension}"
            raise IndexCorrupt(f"release {release} has {what}, in Milvus", _REBUILD)
        return MilvusIndex(self._client, name, count, dimension, self._timeout_s)

    def drop(self, release: str) -> None:
        """Remove a release's vectors, if there are any; raises DependencyFailed."""
        with _translated():
            self._client.drop_collection(_collection(release), timeout=self._timeout_s)

    def clean(self, keep: Collection[str]) -> int:
        """Remove all releases but these; return how many were removed. Raises DependencyFailed."""
        kept = {_collection(release) for release in keep}
        with _translated():
            names = self._client.list_collections(timeout=self._timeout_s)
            old = [name for name in names if name.startswith(_PREFIX) and name not in kept]
            for name in old:
                self._client.drop_collection(name, timeout=self._timeout_s)
        return len(old)

    def ping(self) -> None:
        """Raise DependencyFailed where the engine does not answer."""
        with _translated():
            self._client.list_collections(timeout=self._timeout_s)

    def close(self) -> None:
        """Let go of the connection, and of the file where there is one."""
        self._client.close()
        if self._url.endswith(".db"):
            from milvus_lite.server_manager import server_manager_instance  # noqa: PLC0415

            server_manager_instance.release_server(self._url)

    @property
    def _patience(self) -> float:
        return 10 * self._timeout_s

    @contextmanager
    def _undone(self, name: str) -> Iterator[None]:
        """Begin without the collection, and leave none behind that is half full."""
        self._client.drop_collection(name, timeout=self._timeout_s)
        try:
            yield
        except BaseException:
            with _translated():
                self._client.drop_collection(name, timeout=self._timeout_s)
            raise

    def _create(self, name: str, count: int, dimension: int) -> None:
        from pymilvus import DataType, MilvusClient  # noqa: PLC0415

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(ROW, DataType.INT64, is_primary=True)
        schema.add_field(_VECTOR, DataType.FLOAT_VECTOR, dim=dimension)
        index = MilvusClient.prepare_index_params()
        index.add_index(_VECTOR, metric_type="IP", **index_type(count))
        self._client.create_collection(
            name, schema=schema, index_params=index, consistency_level="Strong", timeout=self._patience
        )

    def _dimension(self, name: str) -> int:
        fields = self._client.describe_collection(name, timeout=self._timeout_s)["fields"]
        return next((int(field["params"]["dim"]) for field in fields if field["name"] == _VECTOR), 0)

    def _count(self, name: str) -> int:
        answer = self._client.query(name, filter="", output_fields=["count(*)"], timeout=self._timeout_s)
        return int(answer[0]["count(*)"])


class MilvusIndex:
    """The VectorIndex port over one collection; may be searched from several threads at once.

    Every method may raise DependencyFailed. `search` returns at most 16,384 rows, which is Milvus' limit.
    """

    def __init__(self, client: Any, name: str, count: int, dimension: int, timeout_s: float) -> None:
        self._client = client
        self._name = name
        self._timeout_s = timeout_s
        self.count = count
        self.dimension = dimension

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return at most k rows and their inner products, best first; equal ones by row."""
        k = min(k, MOST, self.count if allowed is None else len(allowed))
        if k < 1 or not np.isfinite(vector).all():
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if allowed is not None and len(allowed) <= FEW:
            return _ordered(allowed, self.similarities(vector, allowed.tolist()), k)
        with _translated():
            found = self._client.search(
                self._name,
                [np.asarray(vector, np.float32)],
                filter=expression(ROW, allowed, self.count),
                limit=k,
                search_params={"params": {"nprobe": probes(self.count, k, allowed)}},
                output_fields=[ROW],
                timeout=self._timeout_s,
            )
        hits = [(hit[ROW], hit["distance"]) for hit in found[0]]
        rows, scores = zip(*hits, strict=True) if hits else ((), ())
        return _ordered(np.array(rows, np.int64), np.array(scores, np.float32), k)

    def similarities(self, vector: NDArray[np.float32], rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the inner products of chosen rows, in their order."""
        return np.asarray(self.stored(rows) @ vector, dtype=np.float32)

    def stored(self, rows: Sequence[int]) -> Vectors:
        """Return the vectors of chosen rows, in their order."""
        wanted, places = np.unique(np.asarray(rows, dtype=np.int64), return_inverse=True)
        held = np.empty((len(wanted), self.dimension), np.float32)
        for start in range(0, len(wanted), BATCH):
            keys = wanted[start : start + BATCH].tolist()
            with _translated():
                answer = self._client.get(self._name, keys, output_fields=[ROW, _VECTOR], timeout=self._timeout_s)
            by_row = {int(entry[ROW]): entry[_VECTOR] for entry in answer}
            if len(by_row) != len(keys):
                raise DependencyFailed("milvus", f"{len(keys) - len(by_row)} rows are not there")
            held[start : start + len(keys)] = [by_row[key] for key in keys]
        return held[places]


def is_milvus(url: str) -> bool:
    """Tell whether a URL names a Milvus server or a Milvus Lite file."""
    return url.startswith(("http://", "https://")) or url.endswith(".db")


def _connect(url: str, token: str, timeout_s: float) -> Any:
    try:
        from pymilvus import MilvusClient  # noqa: PLC0415
    except ImportError as error:
        raise DependencyUnreachable(VARIABLE, "pymilvus is not installed (pip install pymilvus==3.0.2)") from error
    # Its errors reach us as exceptions; it would log each of them too, with a stack.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    try:
        with _translated():
            return MilvusClient(url, token=token, timeout=timeout_s)
    except DependencyFailed as error:
        raise DependencyUnreachable(VARIABLE, str(error)) from error


@contextmanager
def _translated() -> Iterator[None]:
    """Tell of what Milvus raises as DependencyFailed."""
    from grpc import RpcError  # noqa: PLC0415
    from pymilvus import MilvusException  # noqa: PLC0415

    try:
        yield
    except MilvusException as error:
        raise DependencyFailed("milvus", error.message or type(error).__name__) from error
    except RpcError as error:
        raise DependencyFailed("milvus", type(error).__name__) from error


def _collection(release: str) -> str:
    """Milvus allows letters, digits and underscores."""
    return _PREFIX + "".join(letter if letter.isalnum() else "_" for letter in release)


def _ordered(
    rows: NDArray[np.int64], scores: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    order = np.lexsort((rows, -scores))[:k]
    return np.asarray(rows[order], np.int64), scores[order]
