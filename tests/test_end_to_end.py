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


def test_no_planted_value_is_in_a_release_a_fact_or_a_receipt(tiny_release: Path, facts: Path) -> None:
    receipts = list((tiny_release.parents[2] / "work").glob("*/receipts/*.json"))
    documents = [path for path in tiny_release.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    tables = [*tiny_release.rglob("*.parquet"), *facts.rglob("*.parquet")]
    assert receipts
    assert documents
    said = [path.read_text("utf-8") for path in receipts + documents]
    said += [repr(pq.ParquetFile(path).read().to_pydict()) for path in tables]
    assert any("REDACTED" in text for text in said)
    for text in said:
        assert MAIL not in text
        assert TOKEN not in text


def test_the_work_folder_shows_the_stages_in_their_order(tiny_release: Path) -> None:
    names = sorted(path.name for path in (tiny_release.parents[2] / "work").glob("[0-9]*"))
    stages = ("ingest", "license", "optout", "exact", "near", "redact", "language", "screen", "release")
    assert names == [f"{number:02d}-{stage}" for number, stage in enumerate(stages, 1)]
