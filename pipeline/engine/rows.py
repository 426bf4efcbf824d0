"""Joins by blob, and the arithmetic of Arrow tables that steps share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def positions(wanted: pa.ChunkedArray, among: pa.ChunkedArray) -> pa.Array:
    """For each of `wanted` its row in `among`, null where it is not there."""
    return _one(pc.index_in(wanted, value_set=_one(among)))


def is_among(values: pa.ChunkedArray, among: pa.ChunkedArray) -> pa.Array:
    return pc.is_valid(positions(values, among))


def ids(column: pa.ChunkedArray, width: int = 20) -> np.ndarray[Any, Any]:
    """A column of ids of `width` bytes as numpy voids, without a copy of the bytes."""
    array = _one(column)
    if not len(array):
        return np.zeros(0, f"V{width}")
    return np.frombuffer(array.buffers()[1], f"V{width}")[array.offset : array.offset + len(array)]


def distinct(table: pa.Table, column: str = "blob") -> pa.Table:
    """The first row of each value of a 20-byte column, sorted by it."""
    _, first = np.unique(ids(table.column(column)), return_index=True)
    return table.take(first)


def constant(value: object, rows: int, kind: pa.DataType) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), rows)


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        combined = column.combine_chunks()
        return combined if isinstance(combined, pa.Array) else pa.concat_arrays(column.chunks)
    return column


def stack(tables: list[pa.Table]) -> pa.Table:
    """Tables of like columns one under another, whether or not they promise to have no nulls."""
    return pa.concat_tables(tables, promote_options="default")
