"""Reading an export: ORC and Parquet alike, columns by name, dates of any year; what is no export says so."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.build import build
from pipeline.config import make_config
from pipeline.engine.storage import Location, StorageConfig, located
from pipeline.errors import ConfigError, EnvironmentalError, InputError
from pipeline.stages.ingest.swh.errata import warnings_of
from pipeline.stages.ingest.swh.export import SCHEMA, GraphExport, OpenTable, unhex
from tests.conftest import EXPORT

FAR = 95_617_584_000  # 5000-01-01


def as_parquet(folder: Path) -> Path:
    """The committed export in Parquet, with dates as the archive's Parquet exports have them."""
    import pyorc

    for path in (EXPORT / "orc").rglob("*.orc"):
        source = orc.ORCFile(path)
        columns: dict[str, Any] = {}
        times = [f.name for f in source.schema if pa.types.is_timestamp(f.type)]
        others = [name for name in source.schema.names if name not in times]
        table = source.read(columns=others) if source.nrows else source.schema.empty_table()
        columns = {name: table.column(name) for name in others}

        class Raw(pyorc.converters.ORCConverter):
            @staticmethod
            def from_orc(*args: Any) -> tuple[int, int]:
                return int(args[0]), int(args[1]) // 1000

            @staticmethod
            def to_orc(*args: Any) -> tuple[int, int]:
                raise NotImplementedError

        if times:
            with path.open("rb") as file:
                reader = pyorc.Reader(file, column_names=times, converters={pyorc.TypeKind.TIMESTAMP: Raw})
                rows = list(reader)
            for place, name in enumerate(times):
                kind = pa.struct([("seconds", pa.int64()), ("microseconds", pa.uint32())])
                values = [r[place] and {"seconds": r[place][0], "microseconds": r[place][1]} for r in rows]
                columns[name] = pa.array(values, kind)
        target = folder / path.parent.name / f"{path.stem}.parquet"
        target.parent.mkdir(parents=True)
        pq.write_table(pa.table({n: columns[n] for n in source.schema.names}), target, row_group_size=5)
    return folder


def rows(export: GraphExport, table: str) -> list[dict[str, Any]]:
    return [row for part in export.read(table, list(SCHEMA[table])) for row in part.to_pylist()]


def test_parquet_gives_what_orc_gives(tmp_path: Path) -> None:
    first, second = GraphExport(Location(str(EXPORT / "orc"))), GraphExport(Location(str(as_parquet(tmp_path))))
    for table in SCHEMA:
        assert rows(first, table) == rows(second, table)
    assert len(rows(first, "directory_entry")) > 100


def test_dates_of_any_year_are_read() -> None:
    dates = {row["committer_date"] for row in rows(GraphExport(Location(str(EXPORT / "orc"))), "revision")}
    assert FAR * 1_000_000 in dates
    assert -1000 * 1_000_000 in dates


def test_an_export_in_memory(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    for path in (EXPORT / "orc").rglob("*.orc"):
        memory.pipe(f"/exports/small/{path.relative_to(EXPORT / 'orc')}", path.read_bytes())
    there = GraphExport(Location("memory://exports/small"))
    here = GraphExport(Location(str(EXPORT / "orc")))
    assert there.described() == here.described()
    assert rows(there, "snapshot_branch") == rows(here, "snapshot_branch")


def test_several_stripes_and_files(tmp_path: Path) -> None:
    shutil.copytree(EXPORT / "orc", tmp_path / "orc")
    (folder,) = (tmp_path / "orc").glob("directory_entry")
    whole = orc.read_table(next(folder.iterdir()))
    shutil.rmtree(folder)
    folder.mkdir()
    for number, start in enumerate(range(0, whole.num_rows, 50)):
        orc.write_table(whole.slice(start, 50), folder / f"part-{number}.orc", stripe_size=1, batch_size=10)
    export = GraphExport(Location(str(tmp_path / "orc")))
    assert len(export.tables["directory_entry"]) > 2
    assert rows(export, "directory_entry") == rows(GraphExport(Location(str(EXPORT / "orc"))), "directory_entry")


def test_older_and_newer_columns(tmp_path: Path) -> None:
    path = tmp_path / "content" / "x.orc"
    path.parent.mkdir()
    row = {"sha1": ["a" * 40], "sha1_git": ["B" * 40], "sha256": ["c" * 64], "length": [3], "status": ["visible"]}
    orc.write_table(pa.table(row | {"mood": ["sunny"]}), path)
    with OpenTable(Location(str(tmp_path)), "content", "content/x.orc") as opened:
        (found,) = opened.read(0, list(SCHEMA["content"])).to_pylist()
    assert found["sha1_git"] == b"\xbb" * 20
    assert found["blake2s256"] is None
    assert found["data"] is None
    assert "mood" not in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha1": None}, "has no column sha1"),
        ({"sha1": ["a" * 39]}, "column sha1: row 0: expected 40 hex digits, found"),
        ({"sha1": ["g" * 40]}, "column sha1: row 0: expected hex digits, found"),
    ],
)
def test_what_does_not_fit_the_schema_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "content" / "x.orc"
    path.parent.mkdir()
    row: dict[str, Any] = {"sha1": ["a" * 40], "sha1_git": ["b" * 40], "sha256": ["c" * 64], "length": [3]}
    row = {name: value for name, value in (row | {"status": ["visible"]} | change).items() if value}
    orc.write_table(pa.table(row), path)
    with (
        OpenTable(Location(str(tmp_path)), "content", "content/x.orc") as opened,
        pytest.raises(InputError, match=words) as caught,
    ):
        opened.read(0, ["sha1"])
    assert "content/x.orc" in str(caught.value)


def test_what_is_no_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no graph export: expected a folder per table"):
        GraphExport(Location(str(tmp_path))).tables  # noqa: B018
    (tmp_path / "origin").mkdir()
    (tmp_path / "origin" / "x.orc").write_bytes(b"ORC nothing else")
    with pytest.raises(InputError, match=r"origin/x.orc: is damaged or no orc file"):
        GraphExport(Location(str(tmp_path))).tables  # noqa: B018


def damaged(folder: Path, zeroed: slice) -> GraphExport:
    shutil.copytree(EXPORT / "orc", folder / "orc")
    (path,) = (folder / "orc" / "directory_entry").iterdir()
    data = bytearray(path.read_bytes())
    data[zeroed] = bytes(len(data[zeroed]))
    path.write_bytes(data)
    return GraphExport(Location(str(folder / "orc")))


def test_a_damaged_stripe_is_told(tmp_path: Path) -> None:
    export = damaged(tmp_path, slice(3000, 5000))
    with pytest.raises(InputError, match=r"directory_entry.*(damaged|hex digits)"):
        rows(export, "directory_entry")


@pytest.mark.fault
def test_a_damaged_stripe_that_may_crash_the_decoder_is_told(tmp_path: Path) -> None:
    """Arrow's ORC reader dies of some damage, if memory lies so; Dask's workers die with it, and the message names the
    file. If it does not die, it says so itself."""
    export = damaged(tmp_path, slice(3, 4368)).location.url
    source = {"kind": "swh", "export": export, "contents": str(EXPORT / "content")}
    execution = {"work": "work", "releases": "releases", "cluster": {"kind": "local", "workers": 1}}
    config = make_config({"ingest": {"sources": [source]}, "execution": execution}, [], tmp_path, "test")
    told = r"an input may be damaged; this part reads directory_entry/|directory_entry-all\.orc: .* file is damaged"
    with pytest.raises((EnvironmentalError, InputError), match=told):
        build(config)


@given(st.lists(st.none() | st.binary(min_size=20, max_size=20)))
def test_hex_digits_are_bytes(ids: list[bytes | None]) -> None:
    column = pa.array([i and i.hex() for i in ids], pa.string())
    assert unhex(column, 20).to_pylist() == ids
    assert unhex(column[1:], 20).to_pylist() == ids[1:]


def test_the_digest_is_of_the_file_and_not_of_its_place(tmp_path: Path) -> None:
    shutil.copytree(EXPORT / "orc", tmp_path / "orc")
    here = GraphExport(Location(str(tmp_path / "orc"))).described()
    assert here == GraphExport(Location(str(EXPORT / "orc"))).described()
    assert here["metadata"]["swh_export_version"] == ["1.12.0"]


def test_known_bad_exports_are_warned_of() -> None:
    whole: dict[str, Any] = {"metadata": {}, "tables": {"revision": {}, "release": {}}}
    assert warnings_of("2024-08-23-popular-500-python", whole) == []
    assert "deprecated" in warnings_of("2020-05-20", whole)[0]
    mixed = whole | {"metadata": {"swh_model_version": ["1", "2"]}}
    assert "disagree on swh_model_version" in warnings_of("x", mixed)[0]
    assert "no table release" in warnings_of("x", {"metadata": {}, "tables": {"revision": {}}})[0]


def test_options_of_the_longest_prefix() -> None:
    storage = {"s3://": StorageConfig(), "s3://public": StorageConfig(anonymous=True)}
    assert located("s3://public/x", storage).options.anonymous
    assert not located("s3://private/x", storage).options.anonymous
    assert located("/a/folder", storage).options == StorageConfig()


def test_an_unknown_protocol_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="locations that start with gopher:// cannot be read here"):
        Location("gopher://x").filesystem()
