"""A release that follows another: its files stay, what is new goes against them, and only that is worked on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest

from pipeline.audit.verify import audit_release
from pipeline.build import Built, build
from pipeline.config import make_config
from pipeline.errors import ConfigError, InputError
from pipeline.site.duplicates import page, report_of
from pipeline.swhid import content_id
from tests.corpus import tar_of

from .samples import variants

TEXTS = variants(160, seed=9)
OLD, NEW = TEXTS[:120], TEXTS[120:]
STARS = {"old": 1, "new": 50}  # the new files would win by rank


class Line(NamedTuple):
    """Two releases of one line."""

    first: Built
    second: Built
    root: Path


def _archive(folder: Path, name: str, texts: list[str]) -> None:
    about = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: MIT\n"
    files = {"PKG-INFO": about, **{f"{name}/{i:03}.py": text for i, text in enumerate(texts)}}
    (folder / f"{name}-1.0.tar.gz").write_bytes(tar_of(f"{name}-1.0", files))


def _build(root: Path, facts: Path, version: str, *changes: str) -> Built:
    table = "".join(
        f"{name}-1.0.tar.gz,pkg:pypi/{name}@1.0,{stars}\n"
        for name, stars in STARS.items()
        if (root / "in" / f"{name}-1.0.tar.gz").exists()
    )
    (root / "origins.csv").write_text(f"path,origin,stars\n{table}")
    data: dict[str, Any] = {
        "dataset": {"name": "line", "version": version},
        "ingest": {"sources": [{"kind": "archives", "path": "in/*", "origins": "origins.csv"}]},
        "license": {"headers": False},  # so that ScanCode is not asked
        "redact": {"enabled": False},
        "language": {"enabled": False},
        "execution": {"facts": str(facts), "parts": 2, "buckets": 4, "cluster": {"kind": "inline"}},
    }
    return build(make_config(data, list(changes), root, "test"))


def _prior(built: Built) -> str:
    return f"near.prior={built.folder}"


@pytest.fixture(scope="module")
def line(facts: Path, tmp_path_factory: pytest.TempPathFactory) -> Line:
    root = tmp_path_factory.mktemp("line")
    (root / "in").mkdir()
    _archive(root / "in", "old", OLD)
    first = _build(root, facts, "1.0.0")
    _archive(root / "in", "new", NEW)
    return Line(first, _build(root, facts, "1.1.0", _prior(first)), root)


def _released(folder: Path) -> set[bytes]:
    return {
        bytes.fromhex(s.rpartition(":")[2])
        for s in pq.read_table(folder / "index/released.parquet")["swhid"].to_pylist()
    }


def _duplicates(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "ledger/duplicates").to_pylist()
    return [row for row in rows if row["kind"] == "near"]


def _ids(texts: list[str]) -> set[bytes]:
    return {content_id(text.encode()) for text in texts}


def test_no_file_of_the_earlier_release_is_dropped(line: Line) -> None:
    assert _released(line.first.folder) <= _released(line.second.folder)
    assert audit_release(line.second.folder).problems == []


def test_new_near_duplicates_of_old_files_are_named_with_them(line: Line) -> None:
    old = _released(line.first.folder)
    found = [row for row in _duplicates(line.second.folder) if row["dropped"] in _ids(NEW)]
    assert sum(row["kept"] in old for row in found) > 5
    assert all(row["jaccard"] >= 0.7 for row in found)


def test_pairs_of_the_earlier_release_hold_on(line: Line) -> None:
    before = {row["dropped"]: (row["kept"], row["jaccard"]) for row in _duplicates(line.first.folder)}
    after = {row["dropped"]: (row["kept"], row["jaccard"]) for row in _duplicates(line.second.folder)}
    assert len(before) > 20
    assert before.items() <= after.items()


def test_clusters_are_those_of_a_run_over_everything(line: Line, facts: Path, tmp_path: Path) -> None:
    shutil.copytree(line.root / "in", tmp_path / "in")
    whole = _build(tmp_path, facts, "2.0.0")

    def clusters(folder: Path) -> dict[bytes, bytes]:
        return {row["dropped"]: row["component"] for row in _duplicates(folder)}

    one, other = clusters(line.second.folder), clusters(whole.folder)
    assert len(one.keys() & other.keys()) > 20
    assert all(one[blob] == other[blob] for blob in one.keys() & other.keys())


def test_only_what_is_new_is_compared(line: Line) -> None:
    def rows(built: Built, step: str, output: str) -> int:
        return sum(receipt.outputs[output].rows for receipt in built.runner.receipts(step))

    new = len(_ids(NEW) - _ids(OLD)) + 1  # and its PKG-INFO
    assert rows(line.second, "near.bands", "rows") <= 32 * new
    decided = rows(line.second, "near.components", "decided")
    assert decided < rows(line.second, "near.components", "members")


def test_lost_facts_and_other_parts_change_nothing(line: Line, tmp_path: Path, facts: Path) -> None:
    shutil.copytree(line.root / "in", tmp_path / "in")
    fresh = tmp_path / "facts"
    shutil.copytree(facts, fresh, ignore=shutil.ignore_patterns("near-*"))
    again = _build(
        tmp_path,
        fresh,
        "1.1.0",
        _prior(line.first),
        "execution.buckets=1",
        "execution.parts=1",
        "near.engine=datasketch",
    )
    assert _released(again.folder) == _released(line.second.folder)
    assert _duplicates(again.folder) == _duplicates(line.second.folder)


def test_what_opted_out_since_goes_and_takes_its_likes(line: Line, tmp_path: Path, facts: Path) -> None:
    shutil.copytree(line.root / "in", tmp_path / "in")
    pairs = _duplicates(line.first.folder)
    victim = max({row["kept"] for row in pairs}, key=lambda kept: (sum(row["kept"] == kept for row in pairs), kept))
    request = {"id": "1", "received": "2026-11-01", "scope": {"kind": "blob", "value": f"swh:1:cnt:{victim.hex()}"}}
    (tmp_path / "optout.jsonl").write_text(json.dumps(request) + "\n")
    built = _build(tmp_path, facts, "1.1.0", _prior(line.first), "optout.registry=optout.jsonl")
    assert audit_release(built.folder, registry=tmp_path / "optout.jsonl").problems == []
    assert victim not in _released(built.folder)
    alike = {row["dropped"] for row in pairs if row["kept"] == victim}
    assert not alike & _released(built.folder)
    assert not alike & {row["dropped"] for row in _duplicates(built.folder)}  # for a guard, which is not named
    # The rest of the earlier release stays, but for what is like the victim.
    gone = _released(line.first.folder) - _released(built.folder)
    assert victim in gone
    assert len(gone) < 5


def test_a_folder_that_is_no_release_is_refused(line: Line, tmp_path: Path, facts: Path) -> None:
    shutil.copytree(line.root / "in", tmp_path / "in")
    with pytest.raises(ConfigError, match=r"near\.prior: .* is no release: it has no index/released\.parquet"):
        _build(tmp_path, facts, "1.1.0", f"near.prior={tmp_path}")


def test_a_report_of_the_run(line: Line, tmp_path: Path) -> None:
    found = report_of(line.second.runner.config)
    assert found["dropped"] == len(_duplicates(line.second.folder))
    assert found["largest"][0]["difference"]
    assert 0.8 < found["recall"][0]["expected"] <= 1
    assert "<svg" in page(found, "line 1.1.0")
    with pytest.raises(InputError, match=r"step .* is not finished for this configuration: run it first"):
        report_of(make_config(line.second.runner.config.model_dump(), ["near.threshold=0.9"], tmp_path, "test"))
