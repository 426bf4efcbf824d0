"""Mirrors and forks in a release: named in the ledger, dropped whole where that is asked for, and audited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.audit.folder import Contents
from pipeline.audit.ledgers import check_repositories
from pipeline.audit.report import Report
from pipeline.audit.verify import audit_release
from pipeline.build import build
from pipeline.config import make_config
from pipeline.schema import DECISIONS, DUPLICATES
from tests.corpus import long_module, tar_of

FILES = {f"r/{name}.py": long_module(name) for name in ("one", "two", "three", "four", "five")}
INPUTS = {
    "original": ("https://example.org/o/r", 90, FILES),
    "mirror": ("https://example.org/m/r", 3, FILES),
    "fork": ("https://example.org/f/r", 2, FILES | {"r/six.py": long_module("six")}),
    "user": (
        "https://example.org/u/r",
        0,
        {f"third_party/{path}": text for path, text in FILES.items()}
        | {f"own/{i}.py": long_module(f"own {i}") for i in range(6)},
    ),
    "other": ("https://example.org/x/y", 1, {"y.py": long_module("y"), "one.py": FILES["r/one.py"]}),
}


def _build(root: Path, facts: Path, *changes: str) -> Path:
    (root / "in").mkdir(exist_ok=True)
    for name, (_, _, files) in INPUTS.items():
        about = "Metadata-Version: 2.4\nName: r\nVersion: 1.0\nLicense-Expression: MIT\n"
        (root / "in" / f"{name}-1.0.tar.gz").write_bytes(tar_of("top", {"PKG-INFO": about, **files}))
    rows = "".join(f"{name}-1.0.tar.gz,{origin},{stars}\n" for name, (origin, stars, _) in INPUTS.items())
    (root / "origins.csv").write_text(f"path,origin,stars\n{rows}")
    data: dict[str, Any] = {
        "ingest": {"sources": [{"kind": "archives", "path": "in/*", "origins": "origins.csv"}]},
        "license": {"headers": False},
        "language": {"enabled": False},
        "near": {"repository_containment": 0.8},
        "execution": {"facts": str(facts), "parts": 2, "buckets": 2, "cluster": {"kind": "inline"}},
    }
    return build(make_config(data, list(changes), root, "test")).folder


def _table(release: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(release / "ledger" / name).to_pylist()
    return rows


@pytest.fixture(scope="module")
def reported(facts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(tmp_path_factory.mktemp("reported"), facts)


def test_copies_are_named_and_nothing_is_lost(reported: Path) -> None:
    rows = {r["dropped_origin"]: r for r in _table(reported, "duplicates") if r["kind"] == "repository"}
    assert {name: (r["kept_origin"], r["relation"]) for name, r in rows.items()} == {
        "https://example.org/m/r": ("https://example.org/o/r", "mirror"),
        "https://example.org/f/r": ("https://example.org/o/r", "contained"),
    }
    assert rows["https://example.org/f/r"]["containment"] == 6 / 7  # PKG-INFO is a file, too
    assert not [row for row in _table(reported, "decisions") if row["rule"] == "duplicate_repository"]
    assert audit_release(reported).problems == []


def test_what_is_copied_from_where_is_said(reported: Path) -> None:
    (row,) = [r for r in _table(reported, "duplicates") if r["kind"] == "directory"]
    assert (row["dropped_origin"], row["kept_origin"]) == ("https://example.org/u/r", "https://example.org/o/r")
    expected = (row["kept"], "directory", 5 / 13)  # PKG-INFO and a link are listed, too
    assert (row["dropped"], row["relation"], row["containment"]) == expected
    for lie in ({}, {"kept_origin": "https://example.org/no/where"}, {"containment": 1.5}, {"kept": bytes(20)}):
        contents, report = Contents(reported), Report("")
        contents._ledgers["duplicates"] = pa.Table.from_pylist([row | lie], schema=DUPLICATES)
        nothing = pa.Table.from_pylist([], schema=pa.schema([DECISIONS.field(n) for n in ("origin", "blob", "stage")]))
        check_repositories(contents, nothing, report)
        said = [problem for problem in report.problems if "that it is said to share with" in problem]
        assert len(said) == len(report.problems) == bool(lie)


def test_dropping_takes_the_copies_and_leaves_the_originals(reported: Path, facts: Path, tmp_path: Path) -> None:
    release = _build(tmp_path, facts, "near.repositories=drop")
    assert audit_release(release).problems == []
    gone = [row for row in _table(release, "decisions") if row["rule"] == "duplicate_repository"]
    assert {row["origin"] for row in gone} == {"https://example.org/m/r", "https://example.org/f/r"}
    assert {row["reason"] for row in gone} == {
        "a mirror of https://example.org/o/r: 100.00% of its contents are there",
        "contained in https://example.org/o/r: 85.71% of its contents are there",
    }
    names = [
        {row["origin"]: row["released"] for row in _table(folder, "repositories")} for folder in (reported, release)
    ]
    assert names[0]["https://example.org/o/r"] == names[1]["https://example.org/o/r"] == 6
    assert names[1]["https://example.org/x/y"] == 1


def test_an_earlier_release_keeps_its_repositories(reported: Path, facts: Path, tmp_path: Path) -> None:
    release = _build(tmp_path, facts, "near.repositories=drop", f"near.prior={reported}")
    gone = {row["origin"] for row in _table(release, "decisions") if row["rule"] == "duplicate_repository"}
    assert gone == {"https://example.org/m/r"}  # of the fork, a file was released
    before, after = (set(pq.read_table(r / "index/released.parquet")["swhid"].to_pylist()) for r in (reported, release))
    assert before <= after
    assert audit_release(release).problems == []


def test_off(facts: Path, tmp_path: Path) -> None:
    release = _build(tmp_path, facts, "near.repositories=off")
    assert not [row for row in _table(release, "duplicates") if row["kind"] == "repository"]
