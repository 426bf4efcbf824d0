"""The source `parquet` through the pipeline: the same code as a dataset gives the same release as from the archive."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pipeline.audit.verify import audit_release
from pipeline.build import Built, build
from pipeline.config import make_config
from pipeline.errors import InputError
from pipeline.swhid import MODE_SUBMODULE
from tests.conftest import EXPORT
from tests.swh.hostile_repositories import BASE, contents, git, ls_tree, make_all

HEADS = {"hostile": "trunk", "library": "main", "fork": "master", "tool": "main", "orphans": "1.10", "copyleft": "main"}
SAME = ["origin", "path", "path_bytes", "mode", "swhid", "license_expression", "license_type", "detected_licenses",
        "language", "content", "n_redactions", "src_encoding", "sha256"]  # fmt: skip
Rows = list[dict[str, Any]]


def run(root: Path, facts: Path, *sources: dict[str, Any], **ingest: Any) -> Built:
    execution = {"work": str(root / "work"), "releases": str(root / "releases"), "facts": str(facts), "parts": 3,
                 "buckets": 2, "cluster": {"kind": "inline"}}  # fmt: skip
    data = {"ingest": {"sources": list(sources), **ingest}, "execution": execution}
    built = build(make_config(data, [], root, "test"))
    problems = audit_release(built.folder).problems
    assert not problems, problems
    return built


def swh(**more: Any) -> dict[str, Any]:
    origins = [BASE + name for name in HEADS]
    export, contents = str(EXPORT / "orc"), str(EXPORT / "content")
    return {"kind": "swh", "name": "small", "export": export, "contents": contents, "origins": origins, **more}


def released(built: Built, columns: list[str]) -> Rows:
    table = ds.dataset(built.folder / "data", format="parquet").to_table(columns)
    return sorted(table.to_pylist(), key=lambda row: (row["origin"], row["path"]))


def decided(built: Built) -> dict[tuple[str, bytes | None], str]:
    rows = ds.dataset(built.folder / "ledger" / "decisions", format="parquet").to_table().to_pylist()
    return {(row["origin"], row["path"]): row["rule"] for row in rows}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Every file of the repositories that the export was made from, as git gives it."""
    made = {r.url.removeprefix(BASE): r for r in make_all(tmp_path_factory.mktemp("repositories"))}
    found: Rows = []
    for name, head in HEADS.items():
        tree = ls_tree(made[name].path, head)
        date = int(git("log", "-1", "--format=%ct", head, cwd=made[name].path))
        data = contents(made[name].path, sorted({blob for mode, blob in tree.values() if mode != MODE_SUBMODULE}))
        found += [
            {"repo": name, "path": path, "mode": mode, "blob": blob.hex(), "content": data.get(blob), "date": date}
            for path, (mode, blob) in tree.items()
        ]
    return found


@pytest.fixture(scope="module")
def from_export(tmp_path_factory: pytest.TempPathFactory, facts: Path) -> Built:
    return run(tmp_path_factory.mktemp("export"), facts, swh())


def write(folder: Path, rows: Rows, name: str = "rows.parquet", **options: Any) -> str:
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / name, **options)
    return str(folder)


def generic(path: str, **more: Any) -> dict[str, Any]:
    columns = {"path": "path", "repo": "repo", "content": "content", "sha1_git": "blob", "mode": "mode",
               "date": "date"}  # fmt: skip
    return {"kind": "parquet", "path": path, "columns": columns, "origin": BASE + "{repo}", **more}


def test_rows_give_the_same_release_as_the_archive(tmp_path: Path, facts: Path, rows: Rows, from_export: Built) -> None:
    half = len(rows) // 2
    folder = write(tmp_path / "dataset", rows[half:], "0.parquet", row_group_size=7)
    write(tmp_path / "dataset", rows[:half], "1.parquet")
    built = run(tmp_path, facts, generic(folder))
    expected = released(from_export, [*SAME, "directory_id"])
    # A content of which Software Heritage only has the name is in git.
    own = [row for row in released(built, [*SAME, "directory_id"]) if row["path"] != "oversized.txt"]
    assert own == expected
    kinds = {row["kind"] for row in built.release.collections}
    assert (kinds, built.release.collections[0]["rows"]) == ({"parquet"}, len(rows))
    mine, theirs = decided(built), decided(from_export)
    assert {key for key in theirs if key[1] != b"oversized.txt"} == {key for key in mine if key[1] != b"oversized.txt"}
    assert mine[BASE + "hostile", b"link.py"] == "symlink"


def test_ids_and_a_store_give_the_same_files(tmp_path: Path, facts: Path, rows: Rows, from_export: Built) -> None:
    """The Stack v2: rows without contents, which are fetched by their SHA-1."""
    stored = {path.name for path in (EXPORT / "content").iterdir()}
    files = [
        {
            "repo_name": row["repo"],
            "path": "/" + row["path"].decode(),
            "content_id": row["blob"],
            "blob_id": hashlib.sha1(row["content"]).hexdigest(),
            "length_bytes": len(row["content"]),
            "src_encoding": "UTF-8",
            "committer_date": row["date"],
        }
        for row in rows
        if row["mode"] in (0o100644, 0o100755) and row["path"].isascii()
    ]
    lost = {(BASE + f["repo_name"], f["path"][1:].encode()) for f in files if f["blob_id"] not in stored}
    assert lost
    source = {"kind": "parquet", "path": write(tmp_path / "ids", files), "layout": "stack-v2",
              "origin": BASE + "{repo}", "contents": str(EXPORT / "content")}  # fmt: skip
    built = run(tmp_path, facts, source)
    columns = ["origin", "path", "path_bytes", "swhid", "content", "license_expression"]
    expected = [row for row in released(from_export, columns) if row["path"].isascii() and row["path_bytes"] is None]
    assert released(built, columns) == expected
    rules = decided(built)
    assert {rules[key] for key in lost} <= {"missing_object", "binary"}


def test_what_was_changed_after_its_id_was_taken_is_refused(tmp_path: Path, facts: Path, rows: Rows) -> None:
    changed = [dict(row) for row in rows if row["repo"] == "library"]
    victim = next(row for row in changed if row["path"].endswith(b".py"))
    victim["content"] += b"# redacted\n"
    place = (BASE + "library", victim["path"])
    folder = write(tmp_path / "dataset", changed)
    strict = run(tmp_path / "strict", facts, generic(folder))
    assert decided(strict)[place] == "id_mismatch"
    assert victim["path"].decode() not in {row["path"] for row in released(strict, ["origin", "path"])}
    kept = run(tmp_path / "kept", facts, generic(folder, mismatched="keep"))
    texts = {row["path"]: row["content"] for row in released(kept, ["origin", "path", "content"])}
    assert texts[victim["path"].decode()].endswith("# redacted\n")


def test_an_origin_of_two_inputs_is_listed_once(tmp_path: Path, facts: Path, rows: Rows, from_export: Built) -> None:
    dataset = generic(write(tmp_path / "dataset", [row for row in rows if row["repo"] in ("library", "tool")]))
    both = run(tmp_path, facts, dataset, swh())
    assert released(both, SAME) == released(from_export, SAME)
    said = [text for receipt in both.runner.receipts("ingest.list") for text in receipt.info["messages"]]
    words = "another input holds it too (parquet): not listed from there"
    assert sorted(text for text in said if "another" in text) == [
        f"{BASE}{name}: {words}" for name in ("library", "tool")
    ]


def test_a_sample_takes_whole_origins(tmp_path: Path, facts: Path, rows: Rows) -> None:
    built = run(tmp_path, facts, generic(write(tmp_path / "dataset", rows)), sample=0.5)
    some = {row["origin"] for row in released(built, ["origin", "path"])}
    assert 0 < len(some) < len(HEADS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: pq.write_table(pa.table({"a": [1]}), path), r"rows.parquet: expected the columns path .*found a"),
        (lambda path: path.write_bytes(b"no such thing"), r"rows.parquet: is damaged or no Parquet file"),
        (lambda path: path.with_name("rows.csv").write_bytes(b""), r"expected files that match \*.parquet, found rows"),
    ],
)
def test_what_is_no_dataset_is_told(tmp_path: Path, facts: Path, make: Any, message: str) -> None:
    (tmp_path / "dataset").mkdir()
    make(tmp_path / "dataset" / "rows.parquet")
    with pytest.raises(InputError, match=message):
        run(tmp_path, facts, generic(str(tmp_path / "dataset")))
