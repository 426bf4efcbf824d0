"""Exchanges and tables: what is sent is read, once, verified, whatever was spilled on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine import artefacts
from pipeline.engine.artefacts import Artefact, ExchangeWriter, Slice, conform, read_slice, write_table
from pipeline.engine.publication import TEMPORARY
from pipeline.errors import IntegrityError

SCHEMA = pa.schema(
    [
        pa.field("blob", pa.binary(3), nullable=False),
        pa.field("text", pa.large_string()),
        pa.field("numbers", pa.list_(pa.int64())),
    ]
)
Row = tuple[int, bytes, str | None, list[int] | None]
_rows = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.binary(min_size=3, max_size=3),
        st.none() | st.text(max_size=4),
        st.none() | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=2),
    ),
    max_size=8,
)


def _table(rows: list[Row]) -> pa.Table:
    return pa.table([[row[i] for row in rows] for i in (1, 2, 3)], schema=SCHEMA)


def _write(path: Path, batches: list[list[Row]]) -> Artefact:
    writer = ExchangeWriter(path, SCHEMA, "blob")
    for rows in batches:
        writer.send(_table(rows), np.array([row[0] for row in rows], np.int64))
    return writer.close()


def _slices(path: Path, artefact: Artefact) -> dict[int, Slice]:
    return {
        int(bucket): Slice(str(path), rows, sha256, offset, length)
        for bucket, (offset, length, rows, sha256) in artefact.slices.items()
    }


@settings(max_examples=15)
@given(batches=st.lists(_rows, max_size=5), spill=st.sampled_from([0, 40, 200]))
def test_every_row_reaches_its_bucket_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Row]], spill: int
) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    usual = _write(folder / "usual.exchange", batches)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artefacts, "SPILL_BYTES", spill)
        spilled = _write(folder / "spilled.exchange", batches)
    assert list(folder.glob(f"{TEMPORARY}*")) == []
    sent = [row for rows in batches for row in rows]
    assert usual.rows == spilled.rows == len(sent)
    for name, artefact in (("usual", usual), ("spilled", spilled)):
        slices = _slices(folder / f"{name}.exchange", artefact)
        assert set(slices) == {row[0] for row in sent}
        for bucket, piece in slices.items():
            assert read_slice(piece).equals(_table([row for row in sent if row[0] == bucket]))
    assert sum(length for _, length, _, _ in usual.slices.values()) == usual.bytes


@settings(max_examples=10)
@given(writers=st.lists(_rows, min_size=1, max_size=4))
def test_what_all_writers_send_is_what_all_readers_get(
    tmp_path_factory: pytest.TempPathFactory, writers: list[list[Row]]
) -> None:
    folder = tmp_path_factory.mktemp("writers")
    written = [(folder / f"{n}.exchange", _write(folder / f"{n}.exchange", [rows])) for n, rows in enumerate(writers)]
    read: list[tuple[bytes, str | None, list[int] | None]] = []
    for bucket in range(6):
        for path, artefact in written:
            if bucket in (slices := _slices(path, artefact)):
                read += [tuple(row.values()) for row in read_slice(slices[bucket]).to_pylist()]
    sent = [row[1:] for rows in writers for row in rows]
    assert sorted(map(repr, read)) == sorted(map(repr, sent))


def test_an_empty_exchange_is_an_empty_file(tmp_path: Path) -> None:
    artefact = _write(tmp_path / "none.exchange", [])
    assert (artefact.rows, artefact.bytes, artefact.slices) == (0, 0, {})
    assert (tmp_path / "none.exchange").exists()


ROWS: list[Row] = [(0, b"aaa", "one", [1]), (1, b"bbb", "two", None), (0, b"ccc", None, [])]


@pytest.mark.parametrize("bucket", [0, 1])
def test_a_reader_verifies_its_slice_alone(tmp_path: Path, bucket: int) -> None:
    path = tmp_path / "rows.exchange"
    slices = _slices(path, _write(path, [ROWS]))
    data = bytearray(path.read_bytes())
    data[slices[bucket].offset] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"rows\.exchange: damaged: sha256 .* --verify full"):
        read_slice(slices[bucket])
    assert read_slice(slices[1 - bucket]).num_rows == slices[1 - bucket].rows


def test_wrong_count_truncation_and_absence_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.exchange"
    piece = _slices(path, _write(path, [ROWS]))[1]
    with pytest.raises(IntegrityError, match="1 rows were read, its receipt says 5"):
        read_slice(Slice(piece.path, 5, piece.sha256, piece.offset, piece.length))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="damaged"):
        read_slice(piece)
    path.unlink()
    with pytest.raises(IntegrityError, match=r"rows\.exchange: cannot be read"):
        read_slice(piece)


def test_a_plain_table_is_written_and_verified(tmp_path: Path) -> None:
    artefact = write_table(tmp_path / "rows.parquet", _table(ROWS))
    piece = Slice(str(tmp_path / "rows.parquet"), artefact.rows, artefact.sha256)
    assert read_slice(piece).equals(_table(ROWS))
    data = bytearray((tmp_path / "rows.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "rows.parquet").write_bytes(data)
    with pytest.raises(IntegrityError, match=r"rows\.parquet: damaged"):
        read_slice(piece)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (_write(tmp_path / f"{n}.exchange", [ROWS, ROWS[::-1]]) for n in "ab")
    assert first.sha256 == second.sha256
    assert first.slices == second.slices
    parquet = [write_table(tmp_path / f"{n}.parquet", _table(ROWS)).sha256 for n in "ab"]
    assert parquet[0] == parquet[1]


SECRET = "hunter" + "2"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pa.table({"n": [1], "more": [2]}), r"columns are \['n', 'more'\], expected \['n'\]"),
        (pa.table({"m": [1]}), r"columns are \['m'\], expected \['n'\]"),
        (pa.table({"n": pa.array([1, None], pa.int64())}), "column n has nulls and must have none"),
        (pa.table({"n": [SECRET]}), "rows do not fit the schema: n is string, expected int8"),
        (pa.table({"n": [300]}), "rows do not fit the schema: n is int64, expected int8"),
        (pa.table({"n": [[1]]}), "rows do not fit the schema: n is list<.*>, expected int8"),
    ],
)
def test_conform_says_what_does_not_fit_and_quotes_nothing(table: pa.Table, words: str) -> None:
    schema = pa.schema([pa.field("n", pa.int8(), nullable=False)])
    with pytest.raises(IntegrityError, match=f"here: {words}") as caught:
        conform(table, schema, "here")
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__cause__ is None


def test_conform_makes_one_chunk_of_exactly_the_schema() -> None:
    schema = pa.schema([pa.field("n", pa.int8(), nullable=False)])
    table = pa.concat_tables([pa.table({"n": [1]}), pa.table({"n": [2]})]).replace_schema_metadata({"a": "b"})
    made = conform(table, schema, "here")
    assert made.schema.equals(schema, check_metadata=True)
    assert made.column("n").num_chunks == 1
