"""A graph export as it lies: one folder per table, in ORC or Parquet, read stripe by stripe with the needed columns.

Columns are found by name; what newer exports add is ignored, and what older ones lack becomes null where the schema
says that it may (swh.export's relational schema, versions 2019 to 1.12). Ids leave here as raw bytes, dates as
microseconds since 1970, whatever the format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.orc as orc
import pyarrow.parquet as pq

from pipeline.engine.storage import Location, StoredFile
from pipeline.errors import EnvironmentalError, InputError

_THREADS = 16
_BYTES_BY_DIGITS = np.full(1 << 16, -1, np.int16)  # two characters as a little-endian number
for _byte in range(256):
    for _digits in (b"%02x" % _byte, b"%02X" % _byte):
        _BYTES_BY_DIGITS[int.from_bytes(_digits, "little")] = _byte
_MICROSECONDS_OF_YEARS = (-62_135_596_800_000_000, 253_402_300_800_000_000)  # 0001-01-01 to 9999-12-31

Kind = str
"""id: 20 bytes from hex; id32: 32 bytes from hex; text; bytes; int; time. A final ? : may be missing, then null."""

SCHEMA: Mapping[str, Mapping[str, Kind]] = {
    "origin": {"url": "text"},
    "origin_visit": {"origin": "text", "visit": "int", "date": "time", "type": "text"},
    "origin_visit_status": {
        "origin": "text", "visit": "int", "date": "time", "status": "text", "snapshot": "id", "type": "text?",
    },
    "snapshot": {"id": "id"},
    "snapshot_branch": {"snapshot_id": "id", "name": "bytes", "target": "text", "target_type": "text"},
    "release": {"id": "id", "target": "id", "target_type": "text"},
    "revision": {
        "id": "id", "message": "bytes", "author": "bytes", "date": "time", "date_offset": "int",
        "date_raw_offset_bytes": "bytes?", "committer": "bytes", "committer_date": "time", "committer_offset": "int",
        "committer_date_raw_offset_bytes": "bytes?", "directory": "id", "type": "text",
    },
    "revision_history": {"id": "id", "parent_id": "id", "parent_rank": "int"},
    "directory": {"id": "id", "raw_manifest": "bytes?"},
    "directory_entry": {"directory_id": "id", "name": "bytes", "target": "id", "perms": "int"},
    "content": {
        "sha1": "id", "sha1_git": "id", "sha256": "id32", "blake2s256": "id32?", "length": "int", "status": "text",
        "data": "bytes?",
    },
    "skipped_content": {
        "sha1": "id?", "sha1_git": "id", "sha256": "id32?", "blake2s256": "id32?", "length": "int?", "reason": "text?",
    },
}  # fmt: skip
"""What is read of each table, and as what."""

_ARROW = {"id": pa.binary(20), "id32": pa.binary(32), "text": pa.string(), "bytes": pa.binary(), "int": pa.int64(),
          "time": pa.int64()}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableFile:
    """One file of a table. A unit is an ORC stripe or a Parquet row group."""

    table: str
    path: str
    size: int
    rows: int
    units: int
    digest: str
    """See Location.digest."""
    version: str | None
    """The storage's own mark, which another storage would not give the same file."""
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class GraphExport:
    """An export at a location. Picklable; what `tables` finds is kept."""

    location: Location

    @cached_property
    def tables(self) -> dict[str, list[TableFile]]:
        """The files of every known table, from their footers. Raises InputError where this is no export."""
        listed = [
            (table, file)
            for table in SCHEMA
            for file in self.location.files(table)
            if file.path.endswith((".orc", ".parquet")) and file.path.startswith(f"{table}/")
        ]
        with ThreadPoolExecutor(_THREADS) as pool:
            files = list(pool.map(lambda both: self._inspected(*both), listed))
        if len({file.path.rpartition(".")[2] for file in files}) > 1:
            raise InputError(
                f"{self.location.url}: holds ORC and Parquet files. Expected the tables of one export in one format: "
                "point at its folder orc or parquet"
            )
        tables: dict[str, list[TableFile]] = {}
        for file in files:
            tables.setdefault(file.table, []).append(file)
        missing = sorted(
            {"origin", "origin_visit_status", "snapshot_branch", "directory_entry", "content"} - set(tables)
        )
        if missing:
            raise InputError(
                f"{self.location.url}: is no graph export: expected a folder per table with .orc or .parquet files, "
                f"found none for {', '.join(missing)}"
            )
        return tables

    def _inspected(self, table: str, file: StoredFile) -> TableFile:
        with OpenTable(self.location, table, file.path) as opened:
            return TableFile(
                table,
                file.path,
                file.size,
                opened.rows,
                opened.units,
                self.location.digest(file),
                file.version,
                opened.metadata,
            )

    def read(self, table: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Every row of a table, stripe by stripe; nothing where the export has no such table."""
        for file in self.tables.get(table, []):
            with OpenTable(self.location, table, file.path) as opened:
                for unit in range(file.units):
                    yield opened.read(unit, columns)

    def described(self) -> dict[str, Any]:
        """What a manifest says of the export: versions, and of each table its size and a digest over its files."""
        stated: dict[str, set[str]] = {}
        for files in self.tables.values():
            for file in files:
                for name, value in file.metadata:
                    stated.setdefault(name, set()).add(value)
        stated.pop("swh_object_type", None)
        return {
            "metadata": {name: sorted(values) for name, values in sorted(stated.items())},
            "tables": {
                table: {
                    "files": len(files),
                    "rows": sum(f.rows for f in files),
                    "bytes": sum(f.size for f in files),
                    "digest": digest_of_files(files),
                }
                for table, files in sorted(self.tables.items())
            },
        }


def digest_of_files(files: Sequence[TableFile]) -> str:
    """One digest over several files of a table, whatever their names and order."""
    digests = sorted(file.digest for file in files)
    return f"sha256:{hashlib.sha256(''.join(digests).encode()).hexdigest()}"


class OpenTable:
    """A file of a table, opened to be read unit by unit. A context manager."""

    def __init__(self, location: Location, table: str, path: str) -> None:
        self._table, self._path = table, path
        self._name = f"{location.url}/{path}"
        self._remote = "://" in location.url
        try:
            self._stream = location.open(path)
        except FileNotFoundError as error:
            raise InputError(
                f"{self._name}: is not there any more; run again when nothing changes the export"
            ) from error
        self._orc: Any = None
        self._parquet: Any = None
        try:
            if path.endswith(".orc"):
                self._orc = orc.ORCFile(self._stream)
            else:
                self._parquet = pq.ParquetFile(self._stream)
        except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
            self._stream.close()
            raise InputError(
                f"{self._name}: is damaged or no {path.rpartition('.')[2]} file ({_first_line(error)}); fetch it anew"
            ) from error

    def __enter__(self) -> OpenTable:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    @property
    def rows(self) -> int:
        return int(self._orc.nrows if self._orc else self._parquet.metadata.num_rows)

    @property
    def units(self) -> int:
        return int(self._orc.nstripes if self._orc else self._parquet.num_row_groups)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What the exporter wrote about the file: swh_uuid, swh_model_version, swh_export_version."""
        found = (self._orc.metadata if self._orc else self._parquet.metadata.metadata) or {}
        pairs = [(_text(name), _text(value)) for name, value in found.items()]
        return tuple(sorted((n, v) for n, v in pairs if n.startswith("swh_")))

    def read(self, unit: int, columns: Sequence[str]) -> pa.Table:
        """One unit's rows with `columns` of SCHEMA, normalised. Raises InputError for what does not fit the schema."""
        kinds = {name: SCHEMA[self._table][name] for name in columns}
        schema = self._orc.schema if self._orc else self._parquet.schema_arrow
        missing = [name for name, kind in kinds.items() if name not in schema.names and not kind.endswith("?")]
        if missing:
            raise InputError(
                f"{self._name}: table {self._table} has no column {', '.join(missing)}; expected "
                f"{', '.join(SCHEMA[self._table])}, found {', '.join(schema.names)}"
            )
        there = [name for name in columns if name in schema.names]
        try:
            raw = self._raw(unit, there)
        except (pa.ArrowException, OSError) as error:
            if self._remote:
                raise EnvironmentalError(
                    f"{self._name}: unit {unit} cannot be read ({_first_line(error)}): the network failed, or the file "
                    "is damaged; run again"
                ) from error
            raise InputError(
                f"{self._name}: unit {unit} cannot be read ({_first_line(error)}): the file is damaged; fetch it anew"
            ) from error
        rows = raw.num_rows
        made = {}
        for name, kind in kinds.items():
            kind = kind.rstrip("?")
            if name not in there:
                made[name] = pa.nulls(rows, _ARROW[kind])
                continue
            try:
                made[name] = _normalised(_one(raw.column(name)), kind)
            except ValueError as error:
                raise InputError(f"{self._name}: unit {unit}, column {name}: {error}") from error
        return pa.table(made) if made else pa.table({"": pa.nulls(rows)})

    def _raw(self, unit: int, columns: list[str]) -> pa.Table:
        if self._parquet:
            return self._parquet.read_row_group(unit, columns=columns)
        try:
            return pa.Table.from_batches([self._orc.read_stripe(unit, columns=columns)])
        except pa.ArrowInvalid as error:
            # Arrow holds ORC's dates as nanoseconds, which end in 2262; the archive has commits of the year 5000.
            times = [name for name in columns if pa.types.is_timestamp(self._orc.schema.field(name).type)]
            if not times or "out of range" not in str(error):
                raise
            others = [name for name in columns if name not in times]
            table = (
                pa.Table.from_batches([self._orc.read_stripe(unit, columns=others or columns[:0])]) if others else None
            )
            made = {name: table.column(name) for name in others} if table is not None else {}
            made |= self._distant_times(unit, times)
            return pa.table({name: made[name] for name in columns})

    def _distant_times(self, unit: int, columns: list[str]) -> dict[str, pa.Array]:
        """Dates of one stripe row by row, as microseconds."""
        import pyorc

        class Microseconds(pyorc.converters.ORCConverter):
            @staticmethod
            def from_orc(*args: Any) -> int:
                return int(args[0]) * 1_000_000 + int(args[1]) // 1000

            @staticmethod
            def to_orc(*args: Any) -> tuple[int, int]:
                raise NotImplementedError

        self._stream.seek(0)
        reader = pyorc.Reader(
            self._stream, column_names=columns, converters={pyorc.TypeKind.TIMESTAMP: Microseconds},
            struct_repr=pyorc.StructRepr.DICT,
        )  # fmt: skip
        rows = list(reader.read_stripe(unit))
        return {name: pa.array([row[name] for row in rows], pa.int64()) for name in columns}


def _normalised(column: pa.Array, kind: Kind) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kind in ("id", "id32"):
        return unhex(column, 20 if kind == "id" else 32)
    if kind == "time":
        return _microseconds(column)
    return column.cast(_ARROW[kind])


def unhex(column: pa.Array, size: int) -> pa.Array:
    """Hex digits as bytes, `size` of them each; nulls stay. Raises ValueError naming the row that is none."""
    if pa.types.is_fixed_size_binary(column.type):
        return column.cast(pa.binary(size))
    column = column.cast(pa.large_binary())
    valid = pc.is_valid(column)
    present = column if not column.null_count else column.drop_null()
    lengths = pc.binary_length(present)
    if len(present) and (pc.min(lengths).as_py(), pc.max(lengths).as_py()) != (2 * size, 2 * size):
        row = pc.index(pc.fill_null(pc.not_equal(pc.binary_length(column), 2 * size), False), True).as_py()
        raise ValueError(f"row {row}: expected {2 * size} hex digits, found {_quoted(column[row].as_py())}")
    if not len(present):
        return pa.nulls(len(column), pa.binary(size))
    _, offsets, data = present.buffers()
    start = int(np.frombuffer(offsets, np.int64)[present.offset])
    found_bytes = _BYTES_BY_DIGITS[np.frombuffer(data, "<u2", len(present) * size, start)]
    if found_bytes.min() < 0:
        row = int(np.flatnonzero(found_bytes < 0)[0]) // size
        raise ValueError(f"row {row}: expected hex digits, found {_quoted(present[row].as_py())}")
    packed = pa.py_buffer(found_bytes.astype(np.uint8).tobytes())
    found = pa.Array.from_buffers(pa.binary(size), len(present), [None, packed])
    if not column.null_count:
        return found
    places = pc.subtract(pc.cumulative_sum(valid.cast(pa.int64())), 1)
    return found.take(pc.if_else(valid, places, pa.scalar(None, pa.int64())))


def _microseconds(column: pa.Array) -> pa.Array:
    """Dates as microseconds since 1970; null outside the years 1 to 9999."""
    if pa.types.is_struct(column.type):  # Parquet exports: {seconds, microseconds}
        seconds, micros = column.flatten()
        low, high = (bound // 1_000_000 for bound in _MICROSECONDS_OF_YEARS)
        inside = pc.and_(pc.greater_equal(seconds, low), pc.less(seconds, high))
        seconds = pc.if_else(inside, seconds, pa.scalar(None, pa.int64()))
        return pc.add(pc.multiply(seconds, 1_000_000), micros.cast(pa.int64()))
    if pa.types.is_timestamp(column.type):
        column = pc.floor_temporal(column, unit="microsecond") if column.type.unit == "ns" else column
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
    low, high = _MICROSECONDS_OF_YEARS
    inside = pc.and_(pc.greater_equal(column, low), pc.less(column, high))
    return pc.if_else(inside, column, pa.scalar(None, pa.int64()))


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(column.chunks)


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _quoted(value: bytes) -> str:
    return repr(value[:80])


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
