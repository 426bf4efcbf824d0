"""Columns as datasets write them (dictionary-encoded, large, hex, floats with holes ...) as the types that we use.

What a single value cannot be is null; what a whole column cannot be raises InputError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError

TIME = pa.timestamp("ms", tz="UTC")
LICENSES = pa.list_(pa.field("element", pa.string()))

_HEX_ID = re.compile(rb"(?:swh:1:[a-z]{3}:)?([0-9a-fA-F]{40})")
_YEARS = (-62_135_596_800, 253_402_300_800)  # Unix seconds at which the years 1 and 10000 begin
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def as_bytes(column: pa.Array, name: str) -> pa.Array:
    """Text or bytes as large_binary."""
    plain = _decoded(column)
    if not _is_text(plain.type) and not _is_binary(plain.type):
        raise _unfit(name, "text or bytes", column)
    if pa.types.is_fixed_size_binary(plain.type) or pa.types.is_binary_view(plain.type):
        plain = plain.cast(pa.binary())
    elif _is_text(plain.type):
        plain = plain.cast(pa.large_string())
    return plain.cast(pa.large_binary())


def as_text(column: pa.Array, name: str) -> pa.Array:
    """Text as large_string; what is not UTF-8 becomes null. For columns of few distinct values."""
    return _mapped(as_bytes(column, name), _utf8, pa.large_string())


def as_ids(column: pa.Array, name: str) -> pa.Array:
    """Ids as binary(20), from 40 digits, SWHIDs or 20 bytes; anything else becomes null."""
    return pa.array([_id(value) for value in as_bytes(column, name).to_pylist()], pa.binary(20))


def as_integers(column: pa.Array, name: str) -> pa.Array:
    """Numbers that are whole, not negative and fit; others become null, as floats do that stand for missing values."""
    plain = _decoded(column)
    kind = plain.type
    if pa.types.is_null(kind):
        return pa.nulls(len(plain), pa.int64())
    if pa.types.is_floating(kind):
        wide = plain.cast(pa.float64())
        whole = pc.and_(pc.equal(pc.floor(wide), wide), pc.less(wide, 2.0**63))
        fits = pc.and_(whole, pc.greater_equal(wide, 0.0))
        return pc.if_else(fits, wide, pa.scalar(None, pa.float64())).cast(pa.int64())
    if not pa.types.is_integer(kind):
        raise _unfit(name, "numbers", column)
    if kind == pa.uint64():
        plain = pc.if_else(pc.less(plain, pa.scalar(2**63, pa.uint64())), plain, pa.scalar(None, pa.uint64()))
    signed = plain.cast(pa.int64())
    return pc.if_else(pc.greater_equal(signed, 0), signed, pa.scalar(None, pa.int64()))


def as_times(column: pa.Array, name: str) -> pa.Array:
    """Timestamps (UTC where they say nothing), days, Unix seconds or ISO 8601 texts; what lies outside the years 1 to
    9999 or cannot be read becomes null."""
    plain = _decoded(column)
    kind = plain.type
    if pa.types.is_null(kind):
        return pa.nulls(len(plain), TIME)
    if _is_text(kind):
        return _milliseconds(_mapped(as_bytes(plain, name), _parsed, pa.int64()), 1_000)
    if pa.types.is_date(kind):
        plain = plain.cast(pa.date32()).cast(pa.timestamp("s"))
        kind = plain.type
    if pa.types.is_timestamp(kind):
        return _milliseconds(plain.cast(pa.int64()), _PER_SECOND[kind.unit])
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return _milliseconds(plain.cast(pa.int64()), 1)
    raise _unfit(name, "dates: timestamps, Unix seconds or ISO 8601 texts", column)


def as_lists(columns: Sequence[tuple[str, pa.Array]], rows: int) -> pa.Array:
    """Texts and lists of texts of each row as one sorted list without doubles; nulls and empty texts are left out."""
    gathered: list[set[str]] = [set() for _ in range(rows)]
    for name, column in columns:
        plain = _decoded(column)
        if pa.types.is_null(plain.type):
            continue
        is_list = pa.types.is_list(plain.type) or pa.types.is_large_list(plain.type)
        values = _decoded(pc.list_flatten(plain)) if is_list else plain
        if not _is_text(values.type) and not pa.types.is_null(values.type):
            raise _unfit(name, "texts or lists of texts", column)
        places = pc.list_parent_indices(plain).to_pylist() if is_list else range(rows)
        for place, text in zip(places, as_text(values, name).to_pylist(), strict=True):
            if text:
                gathered[place].add(text)
    return pa.array([sorted(texts) for texts in gathered], LICENSES)


def _decoded(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def is_text(column: pa.Array) -> bool:
    """Whether its values are text rather than bytes."""
    return _is_text(_decoded(column).type)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_null(kind)
    )


def _mapped(column: pa.Array, convert: Callable[[bytes], Any], kind: pa.DataType) -> pa.Array:
    """`convert` of each distinct value."""
    encoded = column.dictionary_encode()
    return pa.array([convert(v) for v in encoded.dictionary.to_pylist()], kind).take(encoded.indices)


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _id(value: bytes | None) -> bytes | None:
    if value is None or len(value) == 20:
        return value
    found = _HEX_ID.fullmatch(value)
    return bytes.fromhex(found[1].decode()) if found else None


def _parsed(value: bytes) -> int | None:
    try:
        when = datetime.fromisoformat(value.decode().strip())
    except ValueError:
        return None
    since = when.replace(tzinfo=when.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def _milliseconds(ticks: pa.Array, per_second: int) -> pa.Array:
    values = ticks.fill_null(0).to_numpy(zero_copy_only=False)
    first, last = max(_YEARS[0] * per_second, -(2**63)), min(_YEARS[1] * per_second - 1, 2**63 - 1)
    lost = (values < first) | (values > last) | ticks.is_null().to_numpy(zero_copy_only=False)
    kept = np.where(lost, 0, values)
    whole = kept * 1_000 if per_second == 1 else kept // (per_second // 1_000)
    return pa.array(whole, pa.int64(), mask=lost).cast(TIME)


def _unfit(name: str, expected: str, column: pa.Array) -> InputError:
    return InputError(
        f"expected the column {name} to hold {expected}, found {column.type}; name another column, or leave it out"
    )
