"""Tiny Parquet files with the columns and types of the published datasets, through the layout of each."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipeline.errors import InputError
from pipeline.schema import GRAPH_CONTENTS
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.dataset.config import ParquetSource
from pipeline.stages.ingest.dataset.layouts import LAYOUTS, files_of, mapping_of, name_of
from pipeline.stages.ingest.dataset.rows import ROWS, rows_of, wanted_of
from pipeline.swhid import content_id

CONFIG = IngestConfig(max_file_bytes=1000)
COMMIT = "c" * 40

_COUNTED = ("stars", "issues", "forks")
STACK_V1 = pa.schema(
    [("hexsha", pa.string()), ("size", pa.int64()), ("ext", pa.string()), ("lang", pa.string())]
    + [
        column
        for what in _COUNTED
        for column in (
            (f"max_{what}_repo_path", pa.string()),
            (f"max_{what}_repo_name", pa.string()),
            (f"max_{what}_repo_head_hexsha", pa.string()),
            (f"max_{what}_repo_licenses", pa.list_(pa.string())),
            (f"max_{what}_count", pa.int64()),
            (f"max_{what}_repo_{what}_event_min_datetime", pa.string()),
            (f"max_{what}_repo_{what}_event_max_datetime", pa.string()),
        )
    ]
    + [("content", pa.string()), ("avg_line_length", pa.float64()), ("max_line_length", pa.int64())]
    + [("alphanum_fraction", pa.float64())]
)
_TEXTS_V2 = (
    *("blob_id", "directory_id", "path", "content_id", "license_type", "repo_name", "snapshot_id", "revision_id"),
    *("branch_name", "gha_license_id", "gha_language", "src_encoding", "language", "extension"),
)
_TIMES_V2 = ("visit_date", "revision_date", "committer_date", "gha_event_created_at", "gha_created_at")
STACK_V2 = pa.schema(
    [(name, pa.string()) for name in _TEXTS_V2]
    + [(name, pa.timestamp("us")) for name in _TIMES_V2]
    + [(name, pa.int64()) for name in ("github_id", "star_events_count", "fork_events_count", "length_bytes")]
    + [("detected_licenses", pa.list_(pa.string())), ("is_vendor", pa.bool_()), ("is_generated", pa.bool_())]
)
_FILE_V3 = pa.struct(
    [
        ("content_id", pa.string()), ("content", pa.string()), ("size_bytes", pa.int32()), ("file_path", pa.string()),
        ("file_timestamp", pa.int64()), ("language", pa.string()), ("is_vendor", pa.bool_()),
        ("license_type", pa.string()), ("detected_licenses", pa.list_(pa.string())),
    ]
)  # fmt: skip
_GITHUB_V3 = pa.struct(
    [
        ("branch", pa.string()), ("commit_count", pa.int32()), ("repo_created_at", pa.string()),
        ("is_fork", pa.bool_()), ("is_org_owned", pa.bool_()), ("forked_from", pa.string()), ("stars", pa.int32()),
        ("forks", pa.int32()), ("issues", pa.int32()), ("pull_requests", pa.int32()),
    ]
)  # fmt: skip
STACK_V3 = pa.schema(
    [
        ("repo_path", pa.string()), ("repo_id", pa.int64()), ("commit_id", pa.string()),
        ("github_metadata", _GITHUB_V3), ("num_files", pa.int64()), ("files", pa.list_(_FILE_V3)),
    ]
)  # fmt: skip


def git(data: bytes) -> str:
    return content_id(data).hex()


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def v1_row(path: str | None, content: str | None, *, repo: str | None = "o/r", **more: Any) -> dict[str, Any]:
    data = (content or "").encode()
    return {
        "hexsha": git(data), "size": len(data), "content": content, "max_stars_repo_path": path,
        "max_stars_repo_name": repo, "max_stars_repo_head_hexsha": COMMIT, "max_stars_repo_licenses": ["MIT"],
        "max_stars_count": 7, "max_forks_repo_name": repo, "max_forks_count": 3, **more,
    }  # fmt: skip


def v2_row(path: str, data: bytes, **more: Any) -> dict[str, Any]:
    return {
        "blob_id": sha1(data), "content_id": git(data), "length_bytes": len(data), "path": path, "repo_name": "o/r",
        "directory_id": "d" * 40, "snapshot_id": "a" * 40, "revision_id": COMMIT, "branch_name": "refs/heads/master",
        "visit_date": datetime(2023, 9, 6, 1, 2, 3, 456789), "revision_date": datetime(2020, 1, 1),
        "committer_date": datetime(2021, 1, 1), "src_encoding": "UTF-8", "star_events_count": 5,
        "fork_events_count": 2, "detected_licenses": ["MIT", None, "Apache-2.0"], "gha_license_id": "MIT", **more,
    }  # fmt: skip


def v3_file(path: str | None, content: str | None, **more: Any) -> dict[str, Any]:
    data = (content or "").encode()
    return {
        "content_id": sha1(data), "content": content, "size_bytes": len(data), "file_path": path,
        "file_timestamp": 1_700_000_000, "language": "Go", "is_vendor": False, "license_type": "no_license",
        "detected_licenses": [], **more,
    }  # fmt: skip


def v3_row(repo: str | None, files: list[Any] | None) -> dict[str, Any]:
    about = {"branch": "main", "stars": 4, "forks": 1}
    return {
        "repo_path": repo, "repo_id": 1, "commit_id": COMMIT, "github_metadata": about,
        "num_files": len(files or []), "files": files,
    }  # fmt: skip


def read(
    tmp_path: Path, source: ParquetSource, rows: list[dict[str, Any]], schema: pa.Schema, **options: Any
) -> tuple[pa.Table, pa.Table]:
    """Written in row groups of two rows, read back as the step does: needed leaves only, group by group."""
    file = tmp_path / "part.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, row_group_size=2)
    mapping = mapping_of(source)
    kept, refused = [], []
    with pq.ParquetFile(file) as opened:
        leaves = mapping.leaves([opened.schema.column(i).path for i in range(len(opened.schema))])
        for group in range(opened.num_row_groups):
            both = rows_of(
                opened.read_row_group(group, columns=leaves), mapping, dataset="data", config=CONFIG, **options
            )
            kept.append(both[0])
            refused.append(both[1])
    return pa.concat_tables(kept), pa.concat_tables(refused)


def test_stack_v1_rows(tmp_path: Path) -> None:
    rows = [
        v1_row("src/a.py", "print(1)\n"),
        v1_row("b.py", "b\n", max_forks_repo_name="other/r", max_stars_count=None, max_stars_repo_licenses=None),
        v1_row("c.py", "c\n", hexsha=git(b"C\n"), size=2),
        v1_row("d.py", "caf\u00e9\n", hexsha=git("caf\u00e9\n".encode("latin-1"))),
        v1_row("e.py", "e\n", hexsha=git(b"\xef\xbb\xbfe\n")),
    ]
    kept, refused = read(tmp_path, ParquetSource(path="x", layout="stack-v1"), rows, STACK_V1)
    assert kept.schema == ROWS
    assert set(kept.column("origin").to_pylist()) == {"https://github.com/o/r"}
    first, second, latin, marked = kept.to_pylist()
    assert (first["path"], first["mode"], first["blob"], first["length"], first["data"]) == (
        b"src/a.py", 0o100644, content_id(b"print(1)\n"), 9, b"print(1)\n",
    )  # fmt: skip
    assert (first["stars"], first["forks"], first["given_licenses"], first["proof"]) == (7, 3, ["MIT"], "checked")
    assert first["revision"] == bytes.fromhex(COMMIT)
    # Its forks are another repository's.
    assert (second["stars"], second["forks"], second["given_licenses"]) == (None, None, [])
    # The id proves the bytes, though nothing says the encoding.
    assert (latin["data"], latin["proof"]) == (b"caf\xe9\n", "checked")
    assert (marked["data"], marked["encoding"]) == (b"\xef\xbb\xbfe\n", "utf-8-sig")
    [wrong] = refused.to_pylist()
    assert (wrong["rule"], wrong["blob"], wrong["path"]) == ("id_mismatch", content_id(b"C\n"), b"c.py")
    assert "sha1_git (column hexsha)" in wrong["reason"]


def test_stack_v1_counts_may_be_floats(tmp_path: Path) -> None:
    place = STACK_V1.get_field_index("max_stars_count")
    schema = STACK_V1.set(place, pa.field("max_stars_count", pa.float64()))
    rows = [v1_row("a", "a", max_stars_count=count) for count in (3.0, None, float("nan"), 2.5, 1e300)]
    kept, _ = read(tmp_path, ParquetSource(path="x", layout="stack-v1"), rows, schema)
    assert kept.column("stars").to_pylist() == [3, None, None, None, None]


def test_stack_v2_rows_want_their_contents(tmp_path: Path) -> None:
    rows = [
        v2_row("/src/a.c", b"int a;\n"),
        v2_row("/big.c", b"x" * 1001),
        v2_row("//etc/passwd", b"y"),
        v2_row("/b.c", b"b", blob_id=None),
        v2_row("/c.c", b"c", content_id=None, length_bytes=None),
        v2_row("/d.c", b"d", blob_id="beef"),
    ]
    source = ParquetSource(path="x", layout="stack-v2", contents="s3://softwareheritage/content")
    kept, refused = read(tmp_path, source, rows, STACK_V2, has_store=True)
    first, unknown = kept.to_pylist()
    assert (first["path"], first["blob"], first["sha1"].hex(), first["length"], first["data"], first["proof"]) == (
        b"src/a.c", content_id(b"int a;\n"), sha1(b"int a;\n"), 7, None, "unread",
    )  # fmt: skip
    assert (first["stars"], first["forks"], first["given_licenses"]) == (5, 2, ["Apache-2.0", "MIT"])
    assert first["date"] == datetime(2021, 1, 1, tzinfo=UTC)
    assert first["visit_date"] == datetime(2023, 9, 6, 1, 2, 3, 456000, tzinfo=UTC)
    assert (first["snapshot"].hex(), first["revision"].hex(), first["directory"].hex(), first["branch"]) == (
        "a" * 40, COMMIT, "d" * 40, "refs/heads/master",
    )  # fmt: skip
    assert (unknown["path"], unknown["blob"], unknown["sha1"].hex(), unknown["length"]) == (
        b"c.c", None, sha1(b"c"), None,
    )  # fmt: skip
    assert [(r["path"], r["rule"]) for r in refused.to_pylist()] == [
        (b"big.c", "too_large"), (b"/etc/passwd", "unsafe_path"), (b"b.c", "missing_content"),
        (b"d.c", "malformed_id"),
    ]  # fmt: skip
    wanted = wanted_of(kept, 3)
    assert wanted.schema == GRAPH_CONTENTS
    assert [(r["blob"], r["source"], r["sha1"], r["length"], r["status"]) for r in wanted.to_pylist()] == [
        (first["blob"], 3, first["sha1"], 7, "visible")
    ]


def test_stack_v2_without_a_store_refuses_every_row(tmp_path: Path) -> None:
    kept, refused = read(tmp_path, ParquetSource(path="x", layout="stack-v2"), [v2_row("/a", b"a")], STACK_V2)
    assert kept.num_rows == 0
    assert [(r["rule"], r["blob"]) for r in refused.to_pylist()] == [("missing_content", content_id(b"a"))]


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("UTF-8", "na\u00efve".encode()),
        ("ISO-8859-1", "na\u00efve".encode("latin-1")),
        ("UTF-16LE", "na\u00efve".encode("utf-16-le")),
        ("UTF-16", b"\xfe\xff" + "na\u00efve".encode("utf-16-be")),
        ("SHIFT_JIS", "\u65e5\u672c".encode("shift_jis")),
        ("GB18030", "\u4e2d\u6587".encode("gb18030")),
        ("UTF-8-SIG", b"\xef\xbb\xbfx"),
    ],
)
def test_stack_v2_with_contents_added(tmp_path: Path, encoding: str, data: bytes) -> None:
    text = data.decode(encoding.lower())
    row = v2_row("/a", data, src_encoding=encoding, content=text)
    schema = STACK_V2.append(pa.field("content", pa.large_string()))
    kept, refused = read(tmp_path, ParquetSource(path="x", layout="stack-v2"), [row], schema)
    assert refused.num_rows == 0
    assert [(r["data"], r["proof"], r["length"]) for r in kept.to_pylist()] == [(data, "checked", len(data))]


def test_stack_v2_ids_by_repository(tmp_path: Path) -> None:
    of_file = ("blob_id", "content_id", "path", "length_bytes", "src_encoding", "detected_licenses")
    flat = [v2_row("/a.c", b"a"), v2_row("/b.c", b"b")]
    row = {k: v for k, v in flat[0].items() if k not in of_file}
    row["files"] = [{name: one[name] for name in of_file} for one in flat]
    struct = pa.struct([STACK_V2.field(name) for name in of_file])
    schema = pa.schema([*(f for f in STACK_V2 if f.name not in of_file), pa.field("files", pa.list_(struct))])
    source = ParquetSource(path="x", layout="stack-v2-train", contents="store")
    nested, _ = read(tmp_path, source, [row], schema, has_store=True)
    plain, _ = read(tmp_path, ParquetSource(path="x", layout="stack-v2"), flat, STACK_V2, has_store=True)
    assert nested.equals(plain)


def test_stack_v3_rows(tmp_path: Path) -> None:
    # A row of the card's preview: its content_id is the plain SHA-1, where v2's is the git id.
    shown = v3_file("server-client/client_side/go.mod", "module client_side\n\ngo 1.19\n")
    assert shown["content_id"] == "e9ba68df71a68a28c37bce354d60e7f93cd1b15d"
    rows = [
        v3_row("o/one", [shown, v3_file("b.go", "mail <EMAIL>\n", content_id=sha1(b"mail a@b.org\n"))]),
        v3_row("o/none", []),
        v3_row("o/null", None),
        v3_row("o/two", [v3_file("a.go", "a", detected_licenses=["MIT"]), None, v3_file(None, "x")]),
        v3_row(None, [v3_file("a.go", "a")]),
        v3_row("o/three", [v3_file("a.go", None), v3_file("b.go", "", content_id=sha1(b"emptied"))]),
    ]
    kept, refused = read(tmp_path, ParquetSource(path="x", layout="stack-v3"), rows, STACK_V3)
    first, second = kept.to_pylist()
    assert (first["origin"], first["path"]) == ("https://github.com/o/one", b"server-client/client_side/go.mod")
    assert (first["blob"], first["branch"], first["stars"], first["forks"]) == (
        content_id(b"module client_side\n\ngo 1.19\n"), "refs/heads/main", 4, 1,
    )  # fmt: skip
    assert first["date"] == datetime.fromtimestamp(1_700_000_000, UTC)
    assert (second["origin"], second["given_licenses"]) == ("https://github.com/o/two", ["MIT"])
    prefix = "https://github.com/o"
    assert [(r["origin"], r["path"], r["rule"]) for r in refused.to_pylist()] == [
        (f"{prefix}/one", b"b.go", "id_mismatch"), (f"{prefix}/none", b"", "no_files"),
        (f"{prefix}/null", b"", "no_files"), (f"{prefix}/two", b"", "missing_path"),
        (f"{prefix}/two", b"", "missing_path"), ("dataset:data", b"a.go", "missing_repo"),
        (f"{prefix}/three", b"a.go", "missing_content"), (f"{prefix}/three", b"b.go", "id_mismatch"),
    ]  # fmt: skip


def test_stack_v3_redacted_contents_can_be_kept(tmp_path: Path) -> None:
    file = v3_file("b.go", "mail <EMAIL>\n", content_id=sha1(b"mail a@b.org\n"))
    source = ParquetSource(path="x", layout="stack-v3")
    kept, refused = read(tmp_path, source, [v3_row("o/r", [file])], STACK_V3, keep_mismatched=True)
    assert refused.num_rows == 0
    assert [(r["blob"], r["proof"]) for r in kept.to_pylist()] == [(content_id(b"mail <EMAIL>\n"), "altered")]


def test_generic_columns_and_types(tmp_path: Path) -> None:
    source = ParquetSource.model_validate(
        {
            "path": "x",
            "columns": {"path": "file", "content": "body", "repo": "meta.url", "sha1_git": "swhid", "mode": "mode",
                        "date": "when", "licenses": ["license"], "branch": "nowhere"},
        }
    )  # fmt: skip
    schema = pa.schema(
        [
            ("file", pa.binary()), ("body", pa.dictionary(pa.int32(), pa.string())), ("swhid", pa.string()),
            ("meta", pa.struct([("url", pa.dictionary(pa.int8(), pa.string()))])), ("mode", pa.int32()),
            ("when", pa.string()), ("license", pa.dictionary(pa.int8(), pa.string())),
        ]
    )  # fmt: skip
    table = pa.table(
        [
            [b"caf\xe9.py", b"run.sh", b"link", b"./x"], pa.array(["a", "b", "b", "b"]).dictionary_encode(),
            [f"swh:1:cnt:{git(b'a')}", "", None, None],
            pa.StructArray.from_arrays(
                [pa.array(["https://a.org/r"] * 4).dictionary_encode().cast(schema.field("meta").type[0].type)], ["url"]
            ),
            [None, 0o100775, 0o120000, 0], ["2020-02-03T04:05:06+01:00", "soon", None, "2020-02-03"],
            pa.array(["MIT", None, "", "ISC"]).dictionary_encode().cast(schema.field("license").type),
        ],
        schema=schema,
    )  # fmt: skip
    kept, refused = rows_of(table, mapping_of(source), dataset="data", config=CONFIG)
    assert [(r["origin"], r["path"], r["mode"], r["proof"], r["given_licenses"]) for r in kept.to_pylist()] == [
        ("https://a.org/r", b"caf\xe9.py", 0o100644, "checked", ["MIT"]),
        ("https://a.org/r", b"run.sh", 0o100755, "unchecked", []),
        ("https://a.org/r", b"x", 0o100644, "unchecked", ["ISC"]),
    ]
    assert kept.column("date").to_pylist() == [
        datetime(2020, 2, 3, 3, 5, 6, tzinfo=UTC), None, datetime(2020, 2, 3, tzinfo=UTC),
    ]  # fmt: skip
    assert [(r["path"], r["rule"]) for r in refused.to_pylist()] == [(b"link", "symlink")]


def test_own_columns_replace_those_of_a_layout(tmp_path: Path) -> None:
    source = ParquetSource.model_validate({"path": "x", "layout": "stack-v1", "columns": {"content": "text"}})
    schema = STACK_V1.append(pa.field("text", pa.string()))
    rows = [v1_row("a.py", None, hexsha=git(b"right"), text="right")]
    kept, _ = read(tmp_path, source, rows, schema)
    assert kept.column("data").to_pylist() == [b"right"]


def test_one_repository_needs_no_column_of_names() -> None:
    source = ParquetSource.model_validate(
        {"path": "x", "origin": "https://a.org/r", "columns": {"path": "p", "content": "c"}}
    )
    kept, _ = rows_of(pa.table({"p": ["a"], "c": ["x"]}), mapping_of(source), dataset="data", config=CONFIG)
    assert kept.column("origin").to_pylist() == ["https://a.org/r"]


def test_only_needed_leaves_are_read(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    pq.write_table(pa.Table.from_pylist([v3_row("o/r", [v3_file("a", "a")])], schema=STACK_V3), file)
    with pq.ParquetFile(file) as opened:
        leaves = mapping_of(ParquetSource(path="x", layout="stack-v3")).leaves(
            [opened.schema.column(i).path for i in range(len(opened.schema))]
        )
    assert sorted(leaves) == [
        "commit_id", "files.list.element.content", "files.list.element.content_id",
        "files.list.element.detected_licenses.list.element", "files.list.element.file_path",
        "files.list.element.file_timestamp", "files.list.element.size_bytes", "github_metadata.branch",
        "github_metadata.forks", "github_metadata.stars", "repo_path",
    ]  # fmt: skip


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS) - {"generic"}))
def test_another_dataset_is_refused_with_its_columns_named(layout: Any) -> None:
    mapping = mapping_of(ParquetSource(path="x", layout=layout))
    with pytest.raises(InputError, match=r"expected the columns path .*found body, name"):
        mapping.leaves(["name", "body"])
    with pytest.raises(InputError, match=r"expected the columns path .*found body, name"):
        mapping.per_file(pa.table({"name": ["a"], "body": ["b"]}))


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("content", pa.array([1]), "hold text or bytes, found int64"),
        ("max_stars_count", pa.array(["many"]), "hold numbers, found large_string"),
        ("max_stars_repo_licenses", pa.array([1]), "hold texts or lists of texts, found int64"),
    ],
)
def test_a_column_of_an_unfit_type_is_an_error(column: str, values: pa.Array, expected: str) -> None:
    table = pa.Table.from_pylist([v1_row("a", "a")], schema=STACK_V1)
    table = table.set_column(table.column_names.index(column), column, values)
    with pytest.raises(InputError, match=f"the column {column} to {expected}"):
        mapping_of(ParquetSource(path="x", layout="stack-v1")).per_file(table)


def test_files_that_are_no_list_are_an_error() -> None:
    table = pa.table({"repo_path": ["o/r"], "files": [{"file_path": "a", "content": "x"}]})
    with pytest.raises(InputError, match="expected the column files to be a list of structs"):
        mapping_of(ParquetSource(path="x", layout="stack-v3")).per_file(table)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"the layout generic needs columns.path, columns.repo, columns.content"),
        ({"columns": {"path": "p", "repo": "r"}}, r"needs columns.content"),
        ({"layout": "stack-v1", "origin": "https://{owner}/{repo}"}, r"origin may use \{repo\} only, found \{owner\}"),
        ({"layout": "stack-v1", "origin": "{repo"}, "is no template"),
        ({"layout": "stack-v1", "origin": ""}, "origin may use"),
        ({"layout": "stack-v4"}, "layout"),
        ({"layout": "stack-v1", "columns": {"pfad": "p"}}, "pfad"),
    ],
)
def test_wrong_configurations(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ParquetSource.model_validate({"path": "x", **settings})


def test_names_and_files() -> None:
    source = ParquetSource(path="s3://bucket/the-stack-dedup/", layout="stack-v1", files=("data/python/*.parquet",))
    assert name_of(source) == "the-stack-dedup"
    paths = ["data/python/b.parquet", "data/python/a.parquet", "data/c/a.parquet", "README.md"]
    assert files_of(source, paths) == ["data/python/a.parquet", "data/python/b.parquet"]
    assert files_of(ParquetSource(path="x", layout="stack-v1"), paths) == sorted(paths[:3])
