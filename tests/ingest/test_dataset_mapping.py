"""Values as datasets write them, and the bytes behind texts."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.stages.ingest.dataset.columns import as_bytes, as_ids, as_integers, as_lists, as_text, as_times
from pipeline.stages.ingest.dataset.config import ColumnNames
from pipeline.stages.ingest.dataset.contents import Identified, identify
from pipeline.stages.ingest.dataset.mapping import Mapping
from pipeline.swhid import content_id

ID = bytes(range(20))


def sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()],
)
@pytest.mark.parametrize("dictionary", [False, True])
def test_every_kind_of_text_and_bytes(kind: pa.DataType, dictionary: bool) -> None:
    column = pa.array(["a", None, "", "a"], pa.string()).cast(pa.large_binary() if "bin" in str(kind) else kind)
    column = column.cast(kind)
    if dictionary and "view" not in str(kind):
        column = column.dictionary_encode()
    assert as_bytes(column, "c").to_pylist() == [b"a", None, b"", b"a"]
    assert as_bytes(column, "c").type == pa.large_binary()
    assert as_text(column, "c").to_pylist() == ["a", None, "", "a"]


def test_a_text_column_that_is_not_utf8_is_null_and_no_error() -> None:
    column = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"ok"]).buffers())
    assert as_text(column, "c").to_pylist() == [None, "ok"]
    assert as_bytes(column, "c").to_pylist() == [b"\xff", b"ok"]
    assert as_ids(column, "c").to_pylist() == [None, None]
    assert as_lists([("c", column)], 2).to_pylist() == [[], ["ok"]]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([ID.hex(), ID.hex().upper(), f"swh:1:cnt:{ID.hex()}", None, "", "beef", ID.hex() + "\n"]),
        pa.array([ID, ID, ID, None, b"", b"beef", ID + b"x"], pa.binary()),
    ],
)
def test_ids(column: pa.Array) -> None:
    assert as_ids(column, "c").to_pylist() == [ID, ID, ID, None, None, None, None]
    assert as_ids(pa.array([ID, None], pa.binary(20)), "c").to_pylist() == [ID, None]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, None, -1], pa.int32()), [1, None, None]),
        (pa.array([2**63, 2**63 - 1], pa.uint64()), [None, 2**63 - 1]),
        (pa.array([1.0, 1.5, float("nan"), float("inf"), -1.0, 2.0**63, None]), [1, *[None] * 6]),
        (pa.array([1.0, 1e30], pa.float32()), [1, None]),
        (pa.nulls(2), [None, None]),
        (pa.array([7, 7]).dictionary_encode(), [7, 7]),
    ],
)
def test_integers(column: pa.Array, expected: list[int | None]) -> None:
    assert as_integers(column, "c").to_pylist() == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1_500], pa.timestamp("ms")), [1_500]),
        (pa.array([1_999_999, -1], pa.timestamp("us", "Europe/Paris")), [1_999, -1]),
        (pa.array([-(2**63) + 1, 2**63 - 1], pa.timestamp("ns")), [-9_223_372_036_855, 9_223_372_036_854]),
        (pa.array([2**62, 1, None], pa.timestamp("s")), [None, 1_000, None]),
        (pa.array([253_402_300_799, 253_402_300_800, -62_135_596_801]), [253_402_300_799_000, None, None]),
        (pa.array([date(1970, 1, 2)]), [86_400_000]),
        (pa.array(["1970-01-01T00:00:01.5Z", "1970-01-01", "x", "0001-01-01T00:00:00+14:00"]), [1_500, 0, None, None]),
        (pa.nulls(1), [None]),
    ],
)
def test_times_as_unix_milliseconds(column: pa.Array, expected: list[int | None]) -> None:
    assert as_times(column, "c").cast(pa.int64()).to_pylist() == expected


def test_licences_of_several_columns_are_one_sorted_list() -> None:
    lists = pa.array([["MIT", None, "MIT"], None, [], ["ISC", ""]])
    texts = pa.array(["Apache-2.0", "MIT", None, ""]).dictionary_encode()
    found = as_lists([("a", lists), ("b", texts), ("c", pa.nulls(4))], 4).to_pylist()
    assert found == [["Apache-2.0", "MIT"], ["MIT"], [], ["ISC"]]


@pytest.mark.parametrize(
    ("convert", "column"),
    [
        (as_bytes, pa.array([1])), (as_text, pa.array([[1]])), (as_ids, pa.array([1.5])),
        (as_integers, pa.array(["1"])), (as_integers, pa.array([True])), (as_times, pa.array([1.5])),
    ],
)  # fmt: skip
def test_unfit_columns_are_named(convert: Any, column: pa.Array) -> None:
    with pytest.raises(InputError, match=r"expected the column stars to hold .* found"):
        convert(column, "stars")


def found(data: bytes, stated: str | None = None, git: bytes | None = None, plain: bytes | None = None) -> Identified:
    return identify(memoryview(data), True, stated, git, plain)


def test_the_ids_decide_what_the_bytes_were() -> None:
    text = "caf\u00e9".encode()
    latin = "caf\u00e9".encode("latin-1")
    assert found(text, git=content_id(text)) == Identified(content_id(text), 5, "checked", "utf-8")
    assert found(text, plain=sha1(latin)).data == latin
    assert found(text, "ISO-8859-1", content_id(latin), sha1(latin)).encoding == "iso8859-1"
    # What is stated is wrong, and the ids know better.
    assert found(text, "ISO-8859-1", content_id(text)) == Identified(content_id(text), 5, "checked", "utf-8")
    # One id agrees, one does not: that is no proof.
    both = found(text, None, content_id(text), sha1(b"other"))
    assert (both.proof, both.wrong, both.blob) == ("altered", ("sha1",), content_id(text))
    neither = found(text, None, content_id(b"x"), sha1(b"x"))
    assert neither.wrong == ("sha1_git", "sha1")


def test_without_an_id_the_stated_encoding_is_taken_where_it_can_be() -> None:
    text = "caf\u00e9".encode()
    assert found(text) == Identified(content_id(text), 5, "unchecked", "utf-8")
    assert found(text, "latin-1").data == b"caf\xe9"
    assert found(text, "utf-16").data == b"\xff\xfe" + "caf\u00e9".encode("utf-16-le")
    assert found(text, "ascii") == Identified(content_id(text), 5, "unchecked", "utf-8")
    for impossible in ("koi8-r", "punycode", "hex", "no such", "\0", "x" * 1000, "unicode_escape", "idna"):
        assert found("\u65e5".encode(), impossible) == Identified(content_id("\u65e5".encode()), 3, "not_encoded", None)


def test_bytes_are_never_encoded_anew() -> None:
    data = "caf\u00e9".encode()
    kept = identify(memoryview(data), False, "latin-1", content_id("caf\u00e9".encode("latin-1")), None)
    assert (kept.proof, kept.encoding, kept.data) == ("altered", None, None)
    assert identify(memoryview(data), False, "latin-1", None, None).proof == "unchecked"


@given(st.text(max_size=20), st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "cp1251", "shift_jis", "gb18030"]))
def test_what_a_dataset_decoded_is_found_again(text: str, encoding: str) -> None:
    try:
        data = text.encode(encoding)
        if data.decode(encoding) != text:
            return
    except UnicodeError:
        return
    again = found(text.encode(), encoding, content_id(data), sha1(data))
    assert (again.blob, again.proof, again.length) == (content_id(data), "checked", len(data))
    assert (text.encode() if again.data is None else again.data) == data


@given(st.binary(max_size=30), st.text(max_size=12), st.booleans())
def test_nothing_that_a_row_can_hold_is_an_exception(data: bytes, stated: str, given_id: bool) -> None:
    result = found(data, stated, content_id(b"other") if given_id else None)
    assert result.blob == content_id(data if result.data is None else result.data)


def test_lists_of_files_keep_their_order_beside_repositories_without() -> None:
    names = ColumnNames(files="f", path="f.p", repo="r", content="f.c", stars="m.s", licenses=("f.l", "g"))
    struct = pa.struct([("p", pa.string()), ("c", pa.string()), ("l", pa.list_(pa.string()))])
    files = [[{"p": "1", "c": "a", "l": ["X"]}, {"p": "2", "c": None, "l": None}], [], None, [{"p": "3"}]]
    table = pa.table(
        {
            "r": ["a", "b", "c", "d"],
            "f": pa.array(files, pa.large_list(struct)),
            "m": pa.array([{"s": 1}, {"s": 2}, None, {"s": 4}], pa.struct([("s", pa.int16())])),
            "g": ["G", "G", "G", None],
        }
    )
    per_file = Mapping(names, "{repo}").per_file(table.slice(0, 4))
    assert [
        (r["repo"], r["path"], r["content"], r["stars"], r["licenses"], r["no_files"]) for r in per_file.to_pylist()
    ] == [
        ("a", b"1", b"a", 1, ["G", "X"], False),
        ("a", b"2", None, 1, ["G"], False),
        ("b", None, None, 2, ["G"], True),
        ("c", None, None, None, ["G"], True),
        ("d", b"3", None, 4, [], False),
    ]
    # The same rows as two chunks and as a slice.
    pieces = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    assert Mapping(names, "{repo}").per_file(pieces).equals(per_file)
    assert Mapping(names, "{repo}").per_file(table.slice(3)).to_pylist() == per_file.slice(4).to_pylist()


def test_dates_become_milliseconds_in_utc() -> None:
    assert as_times(pa.array([0]), "c").to_pylist() == [datetime(1970, 1, 1, tzinfo=UTC)]
