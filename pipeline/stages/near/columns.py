"""Arrow columns as numpy arrays without copying rows, whatever their chunks, slices and offsets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.schema import BLOB


class Ragged(NamedTuple):
    """Rows of unequal length: row `i` is `values[offsets[i] : offsets[i + 1]]`."""

    values: NDArray[Any]
    offsets: NDArray[np.int64]


def contiguous(column: pa.Array | pa.ChunkedArray, name: str) -> pa.Array:
    """The column as one array, possibly a slice. Raises InputError if it has nulls."""
    if column.null_count:
        raise InputError(
            f"near: column {name} needs values, but {column.null_count} of its {len(column)} are null; "
            "leave such documents out"
        )
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def require_pairs(blobs: pa.Array | pa.ChunkedArray, documents: pa.Array | pa.ChunkedArray) -> None:
    """Raises InputError unless there is one text for each blob."""
    if len(blobs) != len(documents):
        raise InputError(
            f"near: expected a text for each blob, found {len(blobs)} blobs and {len(documents)} texts; "
            "take both columns from one table"
        )


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    # numba would compile once more for arrays that may be written; some of Arrow's buffers may.
    values.setflags(write=False)
    return values


def numbers(column: pa.Array | pa.ChunkedArray, name: str) -> NDArray[Any]:
    """A column of numbers or booleans."""
    return _read_only(np.asarray(contiguous(column, name).to_numpy(zero_copy_only=False)))


def texts(column: pa.Array | pa.ChunkedArray) -> Ragged:
    """The UTF-8 bytes of a string column, as a view.

    Raises InputError for another type and for bytes that are not UTF-8: the kernel decodes without
    looking back, so that it must be able to trust them.
    """
    array = contiguous(column, "text")
    if not (pa.types.is_large_string(array.type) or pa.types.is_string(array.type)):
        raise InputError(f"near: column text must be of type large_string, but is {array.type}; cast it")
    array = array.cast(pa.large_string())
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InputError(f"near: column text must be UTF-8: {error}; decode documents before this stage") from None
    _, offset_buffer, data_buffer = array.buffers()
    offsets = np.frombuffer(offset_buffer or bytes(8), np.int64)
    return Ragged(
        _read_only(np.frombuffer(data_buffer or b"", np.uint8)),
        _read_only(offsets[array.offset : array.offset + len(array) + 1]),
    )


def lists(column: pa.Array | pa.ChunkedArray, name: str) -> Ragged:
    """The numbers of a list column, as a view."""
    array = contiguous(column, name)
    return Ragged(numbers(array.values, name), array.offsets.to_numpy().astype(np.int64))


def list_column(rows: Ragged) -> pa.Array:
    """The `list<uint64>` of these rows. Raises InputError beyond 2^31 - 1 values."""
    if rows.offsets[-1] > np.iinfo(np.int32).max:
        raise InputError(
            f"near: a part has {rows.offsets[-1]} shingles, a list column holds {np.iinfo(np.int32).max}; "
            "use more parts"
        )
    return pa.ListArray.from_arrays(pa.array(rows.offsets.astype(np.int32)), pa.array(rows.values, pa.uint64()))


def blob_ranks(*columns: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, list[NDArray[np.int64]]]:
    """All distinct blobs in ascending order, and each column's blobs as positions among them."""
    parts = [contiguous(column, "blob") for column in columns]
    coded = pa.concat_arrays([*parts, pa.array([], BLOB)]).dictionary_encode()
    ascending = pc.array_sort_indices(coded.dictionary)
    rank = np.empty(len(ascending), np.int64)
    rank[ascending.to_numpy()] = np.arange(len(ascending))
    ranks = rank[coded.indices.to_numpy()]
    return coded.dictionary.take(ascending), np.split(ranks, np.cumsum([len(part) for part in parts])[:-1])
