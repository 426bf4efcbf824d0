"""Receipts: whole or as good as none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engine.artefacts import Artefact
from pipeline.engine.receipts import Counts, Receipt, read_receipt

RECEIPT = Receipt(
    step="near.bands",
    part=3,
    key="ab" * 32,
    outputs={
        "rows": Artefact(
            "rows.exchange", 30, 3, "cd" * 32, {"0": (0, 10, 1, "ef" * 32), "2": (10, 20, 2, "01" * 32)}, "band"
        ),
        "edges": Artefact("edges.parquet", 5, 0, "23" * 32),
    },
    counts=Counts(taken=5, passed=3, merged=1, dropped={"near.near_duplicate": 1}),
    info={"messages": ["origin \udcff: odd"], "facts": {"reused": 1}},
    seconds=0.125,
    peak_memory=1 << 30,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    RECEIPT.write(tmp_path / "receipts" / "bands-00003.json")
    assert read_receipt(tmp_path / "receipts" / "bands-00003.json") == RECEIPT


def test_none_where_there_is_none(tmp_path: Path) -> None:
    assert read_receipt(tmp_path / "none.json") is None


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_makes_it_none(tmp_path_factory: pytest.TempPathFactory, place: float, bit: int) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.json"
    RECEIPT.write(path)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path.write_bytes(data)
    # A flip can turn one blank of JSON into another: then it says the same still.
    assert read_receipt(path) in (None, RECEIPT)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", '{"spec_version": 1}', '{"spec_version": 99, "sha256": ""}', "\xff"]
)
def test_nonsense_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_bytes(text.encode("latin-1"))
    assert read_receipt(tmp_path / "r.json") is None


def test_a_truncated_one_is_none(tmp_path: Path) -> None:
    RECEIPT.write(tmp_path / "r.json")
    data = (tmp_path / "r.json").read_bytes()
    for length in range(0, len(data), 7):
        (tmp_path / "r.json").write_bytes(data[:length])
        assert read_receipt(tmp_path / "r.json") is None


def test_counts_close_or_not() -> None:
    assert RECEIPT.counts.closes
    assert not dataclasses.replace(RECEIPT.counts, taken=6).closes
    total = Counts()
    total.add(RECEIPT.counts)
    total.add(RECEIPT.counts)
    assert total == Counts(10, 6, 2, {"near.near_duplicate": 2})


def test_pieces_of_an_exchange_and_of_a_table(tmp_path: Path) -> None:
    slice_of_0, slice_of_2 = RECEIPT.pieces("rows", tmp_path)
    assert (slice_of_0.bucket, slice_of_0.offset) == (0, 0)
    assert (slice_of_2.bucket, slice_of_2.offset, slice_of_2.length, slice_of_2.rows) == (2, 10, 20, 2)
    (whole,) = RECEIPT.pieces("edges", tmp_path)
    assert whole.length is None


def test_outputs_stand_by_size_and_in_full_by_digest(tmp_path: Path) -> None:
    from pipeline.engine.keys import file_sha256

    (tmp_path / "a").write_bytes(b"12345")
    receipt = dataclasses.replace(RECEIPT, outputs={"a": Artefact("a", 5, 0, file_sha256(tmp_path / "a"))})
    assert receipt.outputs_stand(tmp_path, full=True)
    (tmp_path / "a").write_bytes(b"12346")
    assert receipt.outputs_stand(tmp_path, full=False)
    assert not receipt.outputs_stand(tmp_path, full=True)
    (tmp_path / "a").write_bytes(b"1234")
    assert not receipt.outputs_stand(tmp_path, full=False)
    (tmp_path / "a").unlink()
    assert not receipt.outputs_stand(tmp_path, full=False)
