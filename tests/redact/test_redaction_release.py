"""A release with secrets of every class: what is redacted, what is dropped, and that no value is left anywhere."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.audit.explain import Explainer
from pipeline.audit.verify import audit_release
from pipeline.build import build
from pipeline.config import make_config
from pipeline.manifest.model import read_release
from tests.corpus import long_module, tar_of
from tests.redact.planted import plants

PLANTS = plants(7)
ABOUT = "Metadata-Version: 2.4\nName: r\nVersion: 1.0\nLicense-Expression: MIT\n"
PLANTED = "\n".join(f"# {n}\n{plant.line}" for n, plant in enumerate(PLANTS)) + "\n"
KEY = next(plant for plant in PLANTS if plant.cls == "GITHUB_TOKEN")
KEYED = long_module("keyed", f'\nTOKEN = "{KEY.value}"\n')
FILES: dict[str, dict[str, str | bytes]] = {
    "one": {"PKG-INFO": ABOUT, "a/planted.conf": PLANTED, "keys/one.py": KEYED, "clean.py": long_module("clean")},
    "two": {"PKG-INFO": ABOUT, "keys/again.py": KEYED, "src/same.py": KEYED},
}


@pytest.fixture(scope="module")
def built(facts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("redacted")
    (root / "in").mkdir()
    for name, files in FILES.items():
        (root / "in" / f"{name}-1.0.tar.gz").write_bytes(tar_of("top", files))
    (root / "key").write_bytes(bytes(range(32)))
    (root / "key").chmod(0o600)
    drop = {"paths": ["keys/*", "*/keys/*"], "classes": ["GITHUB_TOKEN"], "action": "drop", "risk": 0.5}
    data: dict[str, Any] = {
        "ingest": {"sources": [{"kind": "archives", "path": "in/*", "origin": "pkg:pypi/{name}@{version}"}]},
        "license": {"headers": False},
        "language": {"enabled": False},
        "redact": {"overrides": [drop], "commitment_key": str(root / "key")},
        "execution": {"facts": str(root / "facts"), "parts": 2, "buckets": 2, "cluster": {"kind": "inline"}},
    }
    said: list[str] = []
    keep = logging.Handler()
    keep.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(keep)
    try:
        folder = build(make_config(data, [], root, "test")).folder
    finally:
        logging.getLogger().removeHandler(keep)
    (root / "log").write_text("\n".join(said))
    return folder


def test_the_audit_passes(built: Path) -> None:
    assert audit_release(built, deep=True).problems == []


def test_a_file_can_be_dropped_for_what_it_holds(built: Path) -> None:
    rows = [r for r in pq.read_table(built / "ledger" / "decisions").to_pylist() if r["stage"] == "redact"]
    assert {(r["path"].rpartition(b"top/")[2], r["rule"]) for r in rows} == {
        (b"keys/one.py", "private_content"),
        (b"keys/again.py", "private_content"),
    }
    assert {r["reason"] for r in rows} == {"holds GITHUB_TOKEN (risk 0.68); an override of the policy drops such files"}
    release = read_release(built / "release.json")
    assert release.totals.dropped["redact.private_content"] == 2
    assert release.totals.closes


def test_the_same_content_elsewhere_stays_redacted(built: Path) -> None:
    paths = pq.read_table(built / "data", columns=["path"]).column("path").to_pylist()
    assert any(path.endswith("src/same.py") for path in paths)
    assert not any("keys/" in path for path in paths)


def test_explain_tells_of_it(built: Path) -> None:
    (row,) = [r for r in pq.read_table(built / "ledger" / "decisions").to_pylist() if b"one.py" in (r["path"] or b"")]
    (answer,) = Explainer(built).explain(f"{row['origin']} {row['path'].decode()}")
    assert (answer["outcome"], answer["stage"], answer["rule"]) == ("dropped", "redact", "private_content")


def test_every_planted_class_is_in_the_ledger(built: Path) -> None:
    ledger = pq.read_table(built / "ledger" / "redactions").to_pylist()
    assert {plant.cls for plant in PLANTS} <= {row["cls"] for row in ledger}
    assert all(row["commitment"] is not None for row in ledger)


def test_no_planted_value_is_left_anywhere(built: Path) -> None:
    """Not in the release, nor in facts, receipts, logs and other files of the run; only what was read has the input."""
    root = built.parents[2]
    said: dict[Path, str] = {}
    for path in root.rglob("*"):
        holds_input = path.is_relative_to(root / "in") or path.name in ("contents.pack", "spool.exchange")
        if path.is_file() and not holds_input:
            is_table = path.suffix == ".parquet"
            said[path] = (
                repr(pq.ParquetFile(path).read().to_pydict()) if is_table else path.read_text("utf-8", "replace")
            )
    assert any("REDACTED_GITHUB_TOKEN_1" in text for text in said.values())
    assert any(path.name == "log" for path in said)
    assert any("receipts" in path.parts for path in said)
    for path, text in said.items():
        for plant in PLANTS:
            assert plant.value not in text, (plant.cls, str(path))
            assert json.dumps(plant.value)[1:-1] not in text, (plant.cls, str(path))
