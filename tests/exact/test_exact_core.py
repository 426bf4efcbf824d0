"""One occurrence of each blob is kept, and every other one becomes a copy of it."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema import COPIES, KEPT
from pipeline.stages.exact.core import keep_one
from pipeline.swhid import content_id
from tests.exact.rows import Row, python_key, rows, table

ONE, TWO = content_id(b"1"), content_id(b"2")


def test_nothing() -> None:
    kept, copies = keep_one(table([]))
    assert kept.num_rows == copies.num_rows == 0
    assert kept.schema == KEPT
    assert copies.schema == COPIES


def test_a_tiny_case() -> None:
    first, copy = Row("b", b"x", ONE, stars=5), Row("a", b"y", ONE)
    alone = Row("a", b"x", TWO, license_type="no_license")
    kept, copies = keep_one(table([copy, alone, first]))
    found = {row["blob"]: (row["origin"], row["path"], row["n_copies"]) for row in kept.to_pylist()}
    assert found == {ONE: ("b", b"x", 1), TWO: ("a", b"x", 0)}
    (row,) = copies.to_pylist()
    assert (row["origin"], row["path"], row["kept_origin"], row["kept_path"]) == ("a", b"y", "b", b"x")


@given(rows())
def test_the_kept_is_the_minimum_and_the_rest_are_its_copies(given_rows: list[Row]) -> None:
    by_blob: defaultdict[bytes, list[Row]] = defaultdict(list)
    for row in given_rows:
        by_blob[row.blob].append(row)
    kept, copies = keep_one(table(given_rows))
    assert kept.schema == KEPT
    assert copies.schema == COPIES
    assert kept.column("blob").to_pylist() == sorted(by_blob)
    for found in kept.to_pylist():
        best = min(by_blob[found["blob"]], key=python_key)
        assert (found["origin"], found["path"]) == (best.origin, best.path)
        assert found["license_type"] == best.license_type
        assert found["n_copies"] == len(by_blob[found["blob"]]) - 1
    expected = [
        (row.origin, row.path, row.blob, best.origin, best.path)
        for blob in sorted(by_blob)
        for best, *others in [sorted(by_blob[blob], key=python_key)]
        for row in others
    ]
    names = ("origin", "path", "blob", "kept_origin", "kept_path")
    assert list(zip(*(copies.column(name).to_pylist() for name in names), strict=True)) == expected


@given(rows(), st.data())
def test_the_order_of_rows_and_their_chunks_have_no_say(given_rows: list[Row], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(given_rows))
    chunked = pa.concat_tables([table([row]) for row in shuffled] or [table([])])
    for one, other in zip(keep_one(table(given_rows)), keep_one(chunked), strict=True):
        assert one.combine_chunks().equals(other.combine_chunks())
