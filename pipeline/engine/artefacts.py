"""Files that steps hand to each other: Parquet tables, exchanges that are read slice by slice, and packs.

An exchange file is one Arrow IPC stream per bucket, one after another; where each lies, how many rows it has
and its sha256 stand in the writer's receipt. So a reader fetches only its slices, verifies just them, and its
key holds only their digests. Memory of a writer is bounded: rows beyond `SPILL_BYTES` go to disk by bucket.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine.keys import file_sha256
from pipeline.engine.packs import Pack, damaged, encoded, write_pack
from pipeline.engine.publication import TEMPORARY, publish
from pipeline.engine.rows import is_among
from pipeline.errors import IntegrityError

SPILL_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class Slice:
    """One readable piece: a whole Parquet file (`length` None), one bucket of an exchange file, or a pack's index."""

    path: str
    rows: int
    sha256: str
    offset: int = 0
    length: int | None = None
    bucket: int = -1
    packed: bool = False


@dataclass(frozen=True, slots=True)
class Artefact:
    """One output of one part, as its receipt records it."""

    file: str
    bytes: int
    rows: int
    sha256: str
    slices: dict[str, tuple[int, int, int, str]] = field(default_factory=dict)  # bucket: offset, length, rows, sha256
    to: str | None = None
    index: tuple[int, int, str] | None = None  # of a pack: offset, length, sha256

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def conform(table: pa.Table, schema: pa.Schema, what: str) -> pa.Table:
    """`table` in one chunk, with exactly `schema`. Raises IntegrityError where it does not fit."""
    if table.column_names != schema.names:
        raise IntegrityError(f"{what}: columns are {table.column_names}, expected {schema.names}")
    for name in (f.name for f in schema if not f.nullable):
        if table.column(name).null_count:
            raise IntegrityError(f"{what}: column {name} has nulls and must have none")
    try:
        table = table.cast(schema).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError):
        # Arrow's own words may quote the value that does not fit.
        unlike = [f"{f.name} is {table.schema.field(f.name).type}, expected {f.type}" for f in schema
                  if table.schema.field(f.name).type != f.type]  # fmt: skip
        raise IntegrityError(f"{what}: rows do not fit the schema: {'; '.join(unlike)}") from None
    return table.replace_schema_metadata(None)


def write_table(path: Path, table: pa.Table) -> Artefact:
    """Publish a plain table as Parquet with page checksums."""
    publish(path, lambda temporary: pq.write_table(table, temporary, compression="zstd", write_page_checksum=True))
    return Artefact(path.name, path.stat().st_size, table.num_rows, file_sha256(path))


def write_packed(path: Path, table: pa.Table, column: str) -> Artefact:
    """Publish a plain table with `column` packed, so that single rows can be read."""
    said: list[Any] = []
    publish(path, lambda temporary: said.extend(write_pack(temporary, table, column)))
    sha256, index = said
    return Artefact(path.name, path.stat().st_size, table.num_rows, sha256, index=index)


class ExchangeWriter:
    """Collects rows by bucket, then publishes one exchange file."""

    def __init__(self, path: Path, schema: pa.Schema, to: str) -> None:
        self._path, self._schema, self._to = path, schema, to
        self._pending: dict[int, list[pa.Table]] = {}
        self._pending_bytes = 0
        self._spills: list[tuple[Path, dict[int, tuple[int, int]]]] = []

    def send(self, table: pa.Table, buckets: np.ndarray[Any, Any]) -> None:
        """Add rows; `buckets[i]` is where row i goes."""
        table = conform(table, self._schema, f"exchange {self._path.name}")
        order = np.argsort(buckets, kind="stable")
        table, ordered = table.take(order), buckets[order]
        edges = [*np.flatnonzero(np.diff(ordered, prepend=-1)).tolist(), len(ordered)]
        for start, end in pairwise(edges):
            self._pending.setdefault(int(ordered[start]), []).append(table.slice(start, end - start))
        self._pending_bytes += table.nbytes
        if self._pending_bytes > SPILL_BYTES:
            self._spill()

    def _spill(self) -> None:
        path = self._path.with_name(f"{TEMPORARY}spill-{len(self._spills)}-{self._path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        places: dict[int, tuple[int, int]] = {}
        with path.open("wb") as file:
            for bucket in sorted(self._pending):
                start = file.tell()
                file.write(encoded(pa.concat_tables(self._pending[bucket])))
                places[bucket] = (start, file.tell() - start)
        self._spills.append((path, places))
        self._pending, self._pending_bytes = {}, 0

    def close(self) -> Artefact:
        """Publish the file."""
        slices: dict[str, tuple[int, int, int, str]] = {}
        whole = hashlib.sha256()

        def write(temporary: Path) -> None:
            with temporary.open("wb") as file:
                for bucket, table in self._merged():
                    data = encoded(table)
                    slices[str(bucket)] = (file.tell(), len(data), table.num_rows, hashlib.sha256(data).hexdigest())
                    whole.update(data)
                    file.write(data)

        publish(self._path, write)
        for spill, _ in self._spills:
            spill.unlink()
        rows = sum(s[2] for s in slices.values())
        return Artefact(self._path.name, self._path.stat().st_size, rows, whole.hexdigest(), slices, self._to)

    def _merged(self) -> Iterator[tuple[int, pa.Table]]:
        buckets = set(self._pending).union(*(places for _, places in self._spills))
        for bucket in sorted(buckets):
            pieces: list[pa.Table] = []
            for path, places in self._spills:
                if bucket in places:
                    offset, length = places[bucket]
                    with path.open("rb") as file:
                        file.seek(offset)
                        pieces.append(pa.ipc.open_stream(io.BytesIO(file.read(length))).read_all())
            pieces += self._pending.get(bucket, [])
            yield bucket, pa.concat_tables(pieces).combine_chunks()


def read_slice(piece: Slice, columns: list[str] | None = None, blobs: pa.ChunkedArray | None = None) -> pa.Table:
    """The rows of a slice (of some columns), or those of `blobs` alone, after what is read was verified.

    Raises IntegrityError where bytes or counts differ.
    """
    path = Path(piece.path)
    try:
        with path.open("rb") as file:
            file.seek(piece.offset)
            data = file.read(-1 if piece.length is None else piece.length)
    except OSError as error:
        raise IntegrityError(f"{path}: cannot be read ({error.strerror}); run again with --verify full") from error
    found = hashlib.sha256(data).hexdigest()
    if found != piece.sha256:
        raise damaged(path, f"sha256 {found} was found, its receipt says {piece.sha256}")
    if piece.packed:
        pack = Pack(path, data)
        _check_rows(piece, pack.rows)
        return pack.read(columns, blobs)
    if piece.length is None:
        wanted = columns if blobs is None or not columns else list(dict.fromkeys([*columns, "blob"]))
        table = pq.read_table(pa.BufferReader(data), columns=wanted, page_checksum_verification=True)
    else:
        table = pa.ipc.open_stream(data).read_all()
    _check_rows(piece, table.num_rows)
    if blobs is not None:
        table = table.filter(is_among(table.column("blob"), blobs))
    return table.select(columns) if columns else table


def _check_rows(piece: Slice, found: int) -> None:
    if found != piece.rows:
        raise IntegrityError(f"{piece.path}: {found} rows were read, its receipt says {piece.rows}")
