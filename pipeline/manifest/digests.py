"""Digests of rows and of Parquet files: what a manifest records of a shard."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from pipeline.engine.keys import canonical_json

_LARGE = ("content", "text")


def row_digests(table: pa.Table) -> Iterator[bytes]:
    """sha256 of each row's canonical JSON: bytes as hex, times as seconds, long texts by their sha256.

    Independent of codec, of the order of rows and of Parquet. One Python object per row.
    """
    columns = {}
    for field in table.schema:
        column = table.column(field.name)
        if field.name in _LARGE:
            columns[field.name] = [
                None if (raw := text.as_buffer()) is None else hashlib.sha256(raw).hexdigest()
                for text in column.cast(pa.large_binary())
            ]
        elif pa.types.is_timestamp(field.type):
            columns[field.name] = column.cast(pa.int64()).to_pylist()
        elif pa.types.is_binary(field.type) or pa.types.is_fixed_size_binary(field.type):
            columns[field.name] = [None if value is None else value.hex() for value in column.to_pylist()]
        else:
            columns[field.name] = column.to_pylist()
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        yield hashlib.sha256(canonical_json(dict(zip(names, values, strict=True)))).digest()


def content_root(digests: list[bytes]) -> str:
    """sha256, in hex, over the sorted row digests."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def body_sha256(path: Path) -> str:
    """sha256, in hex, of a Parquet file's bytes before its footer, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        left = max(0, size - 8 - int.from_bytes(file.read(4), "little"))
        file.seek(0)
        while left and (piece := file.read(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()
