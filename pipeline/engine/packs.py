"""Packs: tables with one large column, of which single rows are read without the others.

A pack file holds the large column in frames of consecutive rows, each compressed on its own, and then its index: two
Arrow IPC streams, the rows' other columns with each value's place in its frame, and the frames' places, lengths and
checksums. The receipt says where the index lies, and its sha256. So a reader fetches and verifies the index and the
frames of the rows that it wants, and the cost of a run that follows another grows with what is new.
"""

from __future__ import annotations

import hashlib
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from pipeline.engine.rows import ids, is_among
from pipeline.errors import IntegrityError

FRAME_BYTES = 16 << 10
"""A frame ends with the row that brings it here. Smaller ones take more disk, larger ones more time for one row."""

_ZSTD = pa.Codec("zstd", 1)
_IPC = pa.ipc.IpcWriteOptions(compression="zstd")
_PLACES = ("_frame", "_start", "_length")
_FRAMES = pa.schema([("offset", pa.int64()), ("stored", pa.int64()), ("size", pa.int64()), ("xxh3_128", pa.binary(16))])
_COLUMN = b"packed column, and its place"

Integers = NDArray[np.int64]


def write_pack(path: Path, table: pa.Table, column: str) -> tuple[str, tuple[int, int, str]]:
    """Write `table` with `column` (large_string, no nulls) in frames. The sha256 of the file; of its index the offset,
    the length and the sha256.

    Memory: a frame, and the index, beside the table.
    """
    values = table.column(column).combine_chunks()
    ends = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
    data = memoryview(values.buffers()[2] or b"")
    lengths = np.diff(ends)
    frame = _frames_of(lengths)
    first = np.flatnonzero(np.diff(frame, prepend=-1))
    frames: list[tuple[int, int, int, bytes]] = []
    whole = hashlib.sha256()
    with path.open("wb") as file:
        for start, end in pairwise([*ends[first].tolist(), *ends[-1:].tolist()]):
            stored = _ZSTD.compress(data[start:end], asbytes=True)
            frames.append((file.tell(), len(stored), end - start, xxhash.xxh3_128_digest(stored)))
            file.write(stored)
            whole.update(stored)
        place = {_COLUMN: f"{column} {table.schema.get_field_index(column)}".encode()}
        rows = table.drop_columns(column).replace_schema_metadata(place)
        for name, numbers in zip(_PLACES, (frame, ends[:-1] - ends[first][frame], lengths), strict=True):
            rows = rows.append_column(name, pa.array(numbers))
        columns = list(zip(*frames, strict=True)) or [()] * len(_FRAMES)
        index = encoded(rows) + encoded(
            pa.table([pa.array(c, t) for c, t in zip(columns, _FRAMES.types, strict=True)], schema=_FRAMES)
        )
        offset = file.tell()
        file.write(index)
        whole.update(index)
    return whole.hexdigest(), (offset, len(index), hashlib.sha256(index).hexdigest())


class Pack:
    """A pack file by its index, whose bytes the caller has verified."""

    def __init__(self, path: Path, index: bytes) -> None:
        self._path = path
        stream = pa.BufferReader(index)
        self._index = pa.ipc.open_stream(stream).read_all()
        self._frames = pa.ipc.open_stream(stream).read_all()
        self.rows = self._index.num_rows

    def read(self, columns: list[str] | None, blobs: pa.ChunkedArray | None) -> pa.Table:
        """Its rows (of some columns), or those of `blobs` alone, in the order of the file.

        Raises IntegrityError where a frame is damaged. Memory: what is read, and a frame.
        """
        index = self._index
        if blobs is not None:
            index = index.filter(is_among(index.column("blob"), blobs))
        column, place = index.schema.metadata[_COLUMN].decode().rsplit(" ", 1)
        table = index.drop_columns(list(_PLACES)).replace_schema_metadata(None)
        if columns is None or column in columns:
            field = pa.field(column, pa.large_string(), nullable=False)
            table = table.add_column(int(place), field, self._values(index))
        return table.select(columns) if columns else table

    def _values(self, index: pa.Table) -> pa.Array:
        frame, start, length = (index.column(name).to_numpy() for name in _PLACES)
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(length)])
        data = np.empty(ends[-1], np.uint8)
        frames = [self._frames.column(name).to_numpy() for name in _FRAMES.names[:3]]
        digests = ids(self._frames.column("xxh3_128"), 16)
        known, opened = -1, np.empty(0, np.uint8)
        with self._path.open("rb") as file:
            for row, number in enumerate(frame.tolist()):
                if number != known:
                    offset, stored, size = (int(column[number]) for column in frames)
                    packed = os.pread(file.fileno(), stored, offset)
                    if xxhash.xxh3_128_digest(packed) != digests[number].tobytes():
                        raise damaged(self._path, f"the frame at byte {offset} is not what its index says")
                    known, opened = number, np.frombuffer(_ZSTD.decompress(packed, size), np.uint8)
                data[ends[row] : ends[row + 1]] = opened[start[row] : start[row] + length[row]]
        return pa.LargeStringArray.from_buffers(len(index), pa.py_buffer(ends), pa.py_buffer(data))


def damaged(path: Path, how: str) -> IntegrityError:
    """What to raise where the bytes of a file of a run are not those that were written."""
    return IntegrityError(
        f"{path}: damaged: {how}. Run again with --verify full: it finds every damaged file and makes it anew."
    )


def encoded(table: pa.Table) -> bytes:
    """A table as an Arrow IPC stream of one batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_IPC) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def _frames_of(lengths: Integers) -> Integers:
    """The number of each row's frame."""
    frames = np.empty(len(lengths), np.int64)
    number, filled = 0, 0
    for row, length in enumerate(lengths.tolist()):
        if filled >= FRAME_BYTES:
            number, filled = number + 1, 0
        frames[row] = number
        filled += length
    return frames
