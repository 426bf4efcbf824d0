"""Whatever is wrong with an export or its contents is a decision of its own kind, and the release stands its audit."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from pipeline.audit.verify import audit_release
from pipeline.build import Built, build
from pipeline.config import make_config
from tests.corpus import MIT, long_module
from tests.swh.trees import SmallExport, Tree, add, blob_id, directory_id

URL = "https://git.example.org/o/r"


def run(root: Path, facts: Path, name: str = "work", *, ingest: dict[str, Any] | None = None, **source: Any) -> Built:
    swh = {"kind": "swh", "name": "small", "export": "parquet", "contents": "content", **source}
    swh = {key: value for key, value in swh.items() if value is not None}
    execution = {"work": f"{name}/work", "releases": f"{name}/releases", "facts": str(facts), "parts": 2, "buckets": 2,
                 "directory_rows": 8, "cluster": {"kind": "inline"}}  # fmt: skip
    built = build(
        make_config({"ingest": {"sources": [swh], **(ingest or {})}, "execution": execution}, [], root, "test")
    )
    assert audit_release(built.folder).problems == []
    return built


def rows_of(built: Built, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ds.dataset(built.folder / table, format="parquet").to_table().to_pylist()
    return rows


def decided(built: Built) -> dict[tuple[str, bytes | None], tuple[str, str]]:
    return {(r["origin"], r["path"]): (r["rule"], r["reason"]) for r in rows_of(built, "ledger/decisions")}


def released(built: Built) -> set[tuple[str, str]]:
    return {(r["origin"], r["path"]) for r in rows_of(built, "data")}


def tree(*names: str, **more: Tree | bytes) -> dict[bytes, Tree | bytes]:
    """A folder under MIT with a module of its own for each name."""
    files: dict[bytes, Tree | bytes] = {b"LICENSE": MIT.format(holder="A").encode()}
    files |= {f"{name}.py".encode(): long_module(name).encode() for name in names}
    return files | {name.encode(): below for name, below in more.items()}


def other(data: bytes) -> bytes:
    """Another content of the same length."""
    return bytes(reversed(data))


FAULTS: dict[str, Callable[[bytes, bytes], bytes | None]] = {
    "missing_object": lambda raw, data: None,
    "empty_object": lambda raw, data: b"",
    "not_gzip": lambda raw, data: data,
    "truncated_gzip": lambda raw, data: raw[: len(raw) // 2],
    "corrupt_gzip": lambda raw, data: raw[:60] + bytes([raw[60] ^ 16]) + raw[61:],
    "trailing_data": lambda raw, data: raw + b"more",
    "length_mismatch": lambda raw, data: gzip.compress(data[:-1]),
    "hash_mismatch": lambda raw, data: gzip.compress(other(data)),
    "too_long": lambda raw, data: gzip.compress(bytes(50_000_000)),
}


def test_damaged_objects(tmp_path: Path, facts: Path) -> None:
    export = SmallExport()
    export.visit(URL, tree("fine", *FAULTS))
    export.write(tmp_path)
    for name, damage in FAULTS.items():
        data = long_module(name).encode()
        path = tmp_path / "content" / hashlib.sha1(data).hexdigest()
        raw = damage(path.read_bytes(), data)
        path.unlink() if raw is None else path.write_bytes(raw)
    built = run(tmp_path, facts)
    rules = decided(built)
    assert {path.decode(): rule for (_, path), (rule, _) in rules.items() if path} == {f"{n}.py": n for n in FAULTS}
    assert released(built) == {(URL, "LICENSE"), (URL, "fine.py")}
    assert not any(str(tmp_path) in reason for _, reason in rules.values())


def test_what_the_graph_says_of_contents(tmp_path: Path, facts: Path) -> None:
    export = SmallExport()
    export.visit(URL, tree("fine", "hidden", "absent", "lost", "large"))
    for name in ("hidden", "absent", "lost"):
        export.status[blob_id(long_module(name).encode())] = name
    big = b"x = 1\n" * 3000
    export.visit(f"{URL}2", tree("two") | {b"big.py": big})
    export.write(tmp_path)
    built = run(tmp_path, facts, ingest={"max_file_bytes": 10_000})
    rules = decided(built)
    assert {key: rule for key, (rule, _) in rules.items() if rule != "merged"} == {
        (URL, b"hidden.py"): "hidden_content",
        (URL, b"absent.py"): "skipped_content",
        (URL, b"lost.py"): "missing_blob",
        (f"{URL}2", b"big.py"): "too_large",
    }
    assert rules[URL, b"absent.py"][1] == "Software Heritage holds no copy: Content too large"


def test_hidden_licences_do_not_leave_files_to_the_folder_above(tmp_path: Path, facts: Path) -> None:
    gpl = b"GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n"
    export = SmallExport()
    export.visit(URL, tree("fine", sub={b"COPYING": gpl, b"code.py": long_module("code").encode()}))
    export.write(tmp_path)
    (tmp_path / "content" / hashlib.sha1(gpl).hexdigest()).unlink()
    built = run(tmp_path, facts)
    assert (URL, "sub/code.py") not in released(built)


def test_directories_that_the_export_lost_or_changed(tmp_path: Path, facts: Path) -> None:
    export = SmallExport()
    gone: Tree = {b"a.py": long_module("gone").encode()}
    cut: Tree = {b"b.py": long_module("cut").encode(), b"c.py": long_module("also").encode()}
    root = export.visit(URL, tree("fine", gone=gone, cut=cut, empty={}))
    ids = {name: target for name, _, target in export.directories[root]}
    del export.directories[ids[b"gone"]]
    export.directories[ids[b"cut"]].pop()
    lost = export.visit(f"{URL}2", tree("two"))
    del export.directories[lost]
    export.write(tmp_path)
    built = run(tmp_path, facts)
    assert {key: rule for key, (rule, _) in decided(built).items()} == {
        (URL, b"gone"): "missing_directory",
        (URL, b"cut"): "directory_mismatch",
        (URL, b"empty"): "empty_directory",
        (f"{URL}2", None): "missing_directory",
    }
    assert released(built) == {(URL, "LICENSE"), (URL, "fine.py")}


@pytest.mark.parametrize(
    ("name", "key", "rule"),
    [
        (b"a/b.py", None, "unsafe_path"),
        (b"..", b"..", "unsafe_path"),
        (b".git", b".git", "vcs_metadata"),
        (b"back\\slash.py", b"back\\slash.py", "unsafe_path"),
        (b"nul\0.py", b"nul\0.py", "unsafe_path"),
    ],
)
def test_hostile_names(tmp_path: Path, facts: Path, name: bytes, key: bytes | None, rule: str) -> None:
    export = SmallExport()
    export.visit(URL, tree("fine") | {name: long_module("hostile").encode()})
    export.visit(f"{URL}2", tree("two"))
    export.write(tmp_path)
    built = run(tmp_path, facts)
    assert decided(built)[URL, key][0] == rule
    assert not any("hostile" in row["content"] for row in rows_of(built, "data"))


def test_visits_and_branches_of_any_kind(tmp_path: Path, facts: Path) -> None:
    export = SmallExport()
    export.visit(URL, tree("fine"), kind="abacus")
    export.visit(f"{URL}/none", None)
    export.visit(f"{URL}/pulls", tree("pulls"), branch=b"refs/pull/1/head")
    export.visits.append({"origin": f"{URL}/failed", "visit": 9, "date": export.visits[0]["date"], "type": "git",
                          "status": "failed", "snapshot": None})  # fmt: skip
    export.write(tmp_path)
    built = run(tmp_path, facts)
    rules = {origin: rule for (origin, path), (rule, _) in decided(built).items() if path is None}
    assert rules == {f"{URL}/none": "empty_snapshot", f"{URL}/pulls": "no_branch", f"{URL}/failed": "no_visit"}
    assert {r["origin"]: r["visit_type"] for r in rows_of(built, "ledger/repositories") if r["listed"] > 1} == {
        URL: "abacus"
    }


def test_points_in_time(tmp_path: Path, facts: Path) -> None:
    export = SmallExport()
    for day, names in ((0, ["first"]), (10, ["first", "second"]), (20, ["third"])):
        export.visit(URL, tree(*names), day)
    export.visit(f"{URL}2", tree("late"), 15)
    export.write(tmp_path)
    own = {(URL, "LICENSE")}
    assert released(run(tmp_path, facts, "newest")) >= {(URL, "third.py"), (f"{URL}2", "late.py")}
    one = run(tmp_path, facts, "one", as_of="2020-01-12")
    assert released(one) == own | {(URL, "first.py"), (URL, "second.py")}
    assert decided(one) == {(f"{URL}2", None): ("no_visit", "no visit with a snapshot at or before the day asked for")}
    several = run(tmp_path, facts, "several", as_of=["2020-01-05", "2020-01-06", "2020-01-25"])
    repositories = {row["origin"]: row for row in rows_of(several, "ledger/repositories")}
    assert set(repositories) == {
        f"{URL}#as_of=2020-01-05", f"{URL}#as_of=2020-01-25", f"{URL}2#as_of=2020-01-25",
    }  # fmt: skip
    assert {row["path"] for row in rows_of(several, "data")} == {"LICENSE", "first.py", "third.py", "late.py"}
    dates = {row["path"]: row["visit_date"].day for row in rows_of(several, "data")}
    assert (dates["first.py"], dates["third.py"], dates["late.py"]) == (1, 21, 16)
    assert all(";origin=https://git.example.org/o/r" in row["qualified_swhid"] and "#" not in row["qualified_swhid"]
               for row in rows_of(several, "data"))  # fmt: skip


def test_a_tree_of_an_old_form_is_right_by_its_manifest(tmp_path: Path, facts: Path) -> None:
    """Entries out of git's order have an id of their own; the order of the export keeps it."""
    export = SmallExport()
    root = add(tree("fine"), export.directories)
    rows = export.directories.pop(root)
    odd = directory_id(rows[::-1])
    export.visit(URL, tree("fine"))
    export.directories = {odd: rows[::-1]}
    export.revisions[0]["directory"] = odd.hex()
    export.write(tmp_path)
    built = run(tmp_path, facts)
    assert released(built) == {(URL, "LICENSE"), (URL, "fine.py")}
