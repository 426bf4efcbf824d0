"""Digests of rows and files: what they depend on, and what not."""

from __future__ import annotations

import datetime
import hashlib
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.digests import body_sha256, content_root, row_digests

Row = dict[str, object]
_SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("blob", pa.binary(2)),
        ("raw", pa.binary()),
        ("time", pa.timestamp("ms", tz="UTC")),
        ("list", pa.list_(pa.string())),
        ("score", pa.float64()),
        ("content", pa.large_string()),
    ]
)
_ROWS = st.fixed_dictionaries(
    {
        "name": st.none() | st.text(max_size=3),
        "blob": st.none() | st.binary(min_size=2, max_size=2),
        "raw": st.none() | st.binary(max_size=3),
        "time": st.none()
        | st.integers(0, 10**12).map(lambda n: datetime.datetime.fromtimestamp(n // 1000, datetime.UTC)),
        "list": st.none() | st.lists(st.text(max_size=2), max_size=2),
        "score": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "content": st.none() | st.text(max_size=5),
    }
)


def _table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


@settings(max_examples=30)
@given(st.lists(_ROWS, max_size=6), st.randoms(use_true_random=False))
def test_neither_order_nor_chunks_nor_codec_count(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], chance: random.Random
) -> None:
    root = content_root(list(row_digests(_table(rows))))
    shuffled = list(rows)
    chance.shuffle(shuffled)
    chunked = pa.concat_tables([_SCHEMA.empty_table(), *(_table([row]) for row in shuffled)])
    assert content_root(list(row_digests(chunked))) == root
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    for codec in ("zstd", "snappy"):
        pq.write_table(chunked, path, compression=codec, row_group_size=2)
        assert content_root(list(row_digests(pq.read_table(path, schema=_SCHEMA)))) == root


_BASE = {
    "name": "a",
    "blob": b"ab",
    "raw": b"a",
    "time": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    "list": ["x"],
    "score": 0.5,
    "content": "text",
}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "b"}, {"name": None}, {"blob": b"ac"}, {"raw": b""}, {"raw": None}, {"list": []}, {"list": ["x", "x"]},
        {"time": datetime.datetime(2020, 1, 1, 0, 0, 1, tzinfo=datetime.UTC)}, {"score": 0.25}, {"content": "texts"},
        {"content": None}, {"name": None, "content": "a"},
    ],
    ids=str,
)  # fmt: skip
def test_every_value_counts(change: dict[str, object]) -> None:
    (before,), (after,) = (list(row_digests(_table([row]))) for row in (_BASE, _BASE | change))
    assert before != after


def test_names_of_columns_count() -> None:
    (one,) = row_digests(pa.table({"a": ["x"]}))
    (two,) = row_digests(pa.table({"b": ["x"]}))
    assert one != two


def test_a_slice_has_the_digests_of_its_rows() -> None:
    rows = [_BASE | {"content": str(number)} for number in range(5)]
    assert list(row_digests(_table(rows).slice(2, 2))) == list(row_digests(_table(rows)))[2:4]


def test_how_often_a_row_stands_counts() -> None:
    (digest,) = row_digests(_table([_BASE]))
    assert content_root([digest]) != content_root([digest, digest])
    assert content_root([]) == hashlib.sha256().hexdigest()


def test_the_body_is_what_stands_before_the_footer(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(_table([_BASE]), path)
    data = path.read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    body = body_sha256(path)
    assert body == hashlib.sha256(data[: len(data) - 8 - size]).hexdigest()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    assert body_sha256(path) == body
    path.write_bytes(data[:10] + bytes([data[10] ^ 1]) + data[11:])
    assert body_sha256(path) != body


@pytest.mark.parametrize("data", [b"", b"PAR1", b"\xff" * 20], ids=["empty", "short", "long-footer"])
def test_what_is_no_parquet_has_a_body_too(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(data)
    assert body_sha256(path) == hashlib.sha256().hexdigest()
