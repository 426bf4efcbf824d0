"""The whole pipeline on the tiny corpus: what is released, what is dropped and why."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from pipeline.audit.verify import audit_release
from tests.corpus import MAIL, TOKEN


def test_release_passes_its_audit(tiny_release: Path) -> None:
    assert audit_release(tiny_release, deep=True).problems == []


def test_every_stage_had_work(tiny_release: Path) -> None:
    from pipeline.manifest.model import read_release

    release = read_release(tiny_release / "release.json")
    assert release.totals.closes
    assert {name.partition(".")[0] for name in release.totals.dropped} == {"ingest", "license", "near"}
    assert release.totals.merged > 0
    assert sum(release.redactions.values()) > 0
    assert len(release.languages) >= 4


def test_no_planted_value_is_released(tiny_release: Path) -> None:
    for path in (tiny_release / "data").rglob("*.parquet"):
        for text in pq.read_table(path, columns=["content"]).column("content").to_pylist():
            assert MAIL not in text
            assert TOKEN not in text
