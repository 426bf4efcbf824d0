"""Packs: any rows can be read without the rest, and no damaged byte is ever used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engine import packs
from pipeline.engine.artefacts import Slice, read_slice, write_packed
from pipeline.engine.keys import file_sha256
from pipeline.errors import IntegrityError

SCHEMA = pa.schema(
    [
        pa.field("blob", pa.binary(2), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("encoding", pa.string()),
    ]
)


def _table(texts: list[str]) -> pa.Table:
    blobs = [number.to_bytes(2, "big") for number in range(len(texts))]
    return pa.table([blobs, texts, [text[:1] or None for text in texts]], schema=SCHEMA)


def _packed(path: Path, table: pa.Table) -> Slice:
    artefact = write_packed(path, table, "text")
    assert artefact.sha256 == file_sha256(path)
    assert artefact.bytes == path.stat().st_size
    assert artefact.index is not None
    offset, length, sha256 = artefact.index
    return Slice(str(path), artefact.rows, sha256, offset, length, packed=True)


@settings(max_examples=40)
@given(
    texts=st.lists(st.text(max_size=12), max_size=12),
    frame=st.sampled_from([1, 5, 40]),
    wanted=st.lists(st.integers(0, 13), max_size=8),
    columns=st.sampled_from([None, ["blob"], ["text"], ["text", "blob"], ["encoding"]]),
)
def test_what_is_read_is_what_a_filter_would_leave(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], frame: int, wanted: list[int], columns: list[str] | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "FRAME_BYTES", frame)
        table = _table(texts)
        piece = _packed(tmp_path_factory.mktemp("pack") / "contents.pack", table)
    blobs = pa.chunked_array([pa.array([number.to_bytes(2, "big") for number in wanted], pa.binary(2))])
    expected = table.filter(pc.is_in(table.column("blob"), value_set=blobs.combine_chunks()))
    for found, whole in ((read_slice(piece, columns), table), (read_slice(piece, columns, blobs), expected)):
        found.validate(full=True)
        assert found.equals(whole.select(columns) if columns else whole)


def test_a_slice_of_a_longer_table_is_packed_alone(tmp_path: Path) -> None:
    table = _table(["a", "bc", "", "def", "é"]).slice(1, 3)
    assert read_slice(_packed(tmp_path / "contents.pack", table)).equals(table)


def test_a_flipped_bit_is_found_by_whoever_reads_it_and_by_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "FRAME_BYTES", 1)
    table = _table(["first text", "second text"])
    piece = _packed(tmp_path / "contents.pack", table)
    whole = Path(piece.path).read_bytes()
    first, second = (table.column("blob").slice(row, 1) for row in (0, 1))
    for place in range(len(whole)):
        Path(piece.path).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(IntegrityError, match=r"contents\.pack: damaged: .* Run again with --verify full"):
            read_slice(piece)
        read = []
        for blobs in (first, second):
            try:
                read.append(read_slice(piece, blobs=blobs).column("text").to_pylist())
            except IntegrityError:
                read.append(None)
        assert None in read, "somebody read it"
        assert place >= piece.offset or read in ([None, ["second text"]], [["first text"], None])


def test_a_pack_of_another_number_of_rows_is_refused(tmp_path: Path) -> None:
    piece = _packed(tmp_path / "contents.pack", _table(["a", "b"]))
    with pytest.raises(IntegrityError, match="2 rows were read, its receipt says 3"):
        read_slice(Slice(piece.path, 3, piece.sha256, piece.offset, piece.length, packed=True))


def test_equal_rows_make_equal_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        _packed(tmp_path / name, _table(["a" * 9000, "b" * 9000, "c"]))
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
