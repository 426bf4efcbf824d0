"""The audit: every promise that a release can show, checked from its folder alone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from pipeline.audit.attribution import check_owed
from pipeline.audit.commitments import check_commitments
from pipeline.audit.conservation import check_conservation, check_origins, check_totals
from pipeline.audit.evidence import check_evidence, evidence_sets
from pipeline.audit.files import check_files, check_manifest, check_tables
from pipeline.audit.folder import Contents
from pipeline.audit.histories import check_histories
from pipeline.audit.ledgers import (
    check_attribution,
    check_copies,
    check_duplicates,
    check_ledgers,
    check_refusals,
    check_repositories,
)
from pipeline.audit.licenses import check_licenses
from pipeline.audit.optouts import check_optouts
from pipeline.audit.outcomes import outcomes
from pipeline.audit.report import Report
from pipeline.audit.rows import check_rows
from pipeline.audit.screens import check_screens
from pipeline.audit.signals import check_signals
from pipeline.commitment import load_key
from pipeline.errors import IntegrityError
from pipeline.manifest.model import read_release
from pipeline.stages.optout.registry import load_registry
from pipeline.stages.redact.config import RedactConfig
from pipeline.stages.redact.core import Scanner


def audit_release(
    folder: Path,
    *,
    registry: Path | None = None,
    manifest: Path | None = None,
    key: Path | None = None,
    deep: bool = False,
) -> Report:
    """Check a release. Whatever is wrong with it ends in the report, and is no error.

    `registry`, `manifest` and `key` are the auditor's own: raises ConfigError or IntegrityError where one cannot be
    read.
    Time: each file is read once for its digest, texts twice more for rows and signals; `deep` scans them too.
    Memory: one row group, and the ledgers.
    """
    excluded = None if registry is None else load_registry(registry)
    published = None if manifest is None else read_release(manifest)
    secret = load_key(None if key is None else str(key))
    try:
        contents = Contents(folder)
    except IntegrityError as error:
        report = Report(root="")
        report.check("manifest", "release.json and manifest.jsonl can be read").problems.append(str(error))
        return report
    report = Report(root=contents.release.root)
    with report.judging("the files"):
        check_files(contents, report)
    with report.judging("the manifest"):
        check_manifest(contents, report)
    with report.judging("the tables"):
        check_tables(contents, report)
    with report.judging("the released rows"):
        check_rows(contents, report)
    with report.judging("the signals and subsets"):
        check_signals(contents, report)
    with report.judging("the screens"):
        check_screens(contents, report)
    with report.judging("the order of the ledgers"):
        check_ledgers(contents, report)
    with report.judging("the commitments"):
        check_commitments(contents, secret, report)
    _check_meaning(contents, report)
    if excluded is not None:
        with report.judging("the opt-outs"):
            check_optouts(contents, excluded, report)
    if deep:
        with report.judging("the texts"):
            check_again(contents, report)
    if published is not None:
        report.check("published", "the root is the one that was published").expect(
            published.root == contents.release.root,
            f"{manifest} says {published.root}, this release has {contents.release.root}",
        )
    return report


def _check_meaning(contents: Contents, report: Report) -> None:
    """What the ledgers together say of every occurrence."""
    rows: pa.Table | None = None
    shown: set[str] = set()
    with report.judging("the totals"):
        check_totals(contents, report)
    with report.judging("what became of the files"):
        rows = outcomes(contents)
        shown = check_conservation(contents, rows, report)
    with report.judging("what rows say of their origins"):
        check_origins(contents, report)
    with report.judging("the histories"):
        check_histories(contents, report)
    if rows is None:
        return
    # Where something is hidden, its traces elsewhere cannot be asked for.
    complete = pa.compute.sum(pa.compute.is_null(contents.ledger("decisions").column("origin"))).as_py() in (0, None)
    with report.judging("the copies"):
        check_copies(contents, rows, report)
    with report.judging("the near-duplicates"):
        check_duplicates(contents, complete, report)
    with report.judging("the repositories"):
        check_repositories(contents, rows, report)
    with report.judging("the refusals"):
        check_refusals(contents, report)
    with report.judging("the evidence"):
        sets = evidence_sets(contents)
        check_evidence(contents, rows, sets, shown, report)
        check_licenses(contents, rows, sets, complete, report)
        check_attribution(contents, sets, complete, report)
        check_owed(contents, rows, sets, shown, report)


def check_again(contents: Contents, report: Report) -> None:
    """Scan every released text again with this installation's detectors."""
    check = report.check("deep", "no detector finds anything in released text")
    recorded = contents.release.configuration.get("redact", {})
    settings = {key: value for key, value in recorded.items() if key != "commitment_key"}
    scanner = Scanner(RedactConfig.model_validate(settings))
    for entry in contents.entries_of("data"):
        for piece in contents.pieces(entry, ["swhid", "path", "content"]):
            texts = piece.column("content").cast(pa.large_binary())
            names = (piece.column(name).to_pylist() for name in ("swhid", "path"))
            for swhid, path, text in zip(*names, texts, strict=True):
                for span in scanner.scan(bytes(text.as_buffer()), path.encode()):
                    check.problems.append(f"{swhid} bytes {span.start}-{span.end}: {span.cls} found by {span.detector}")
    for entry in contents.entries_of("revisions"):
        for piece in contents.pieces(entry, ["revision", "message"]):
            for revision, message in zip(*(piece.column(n).to_pylist() for n in ("revision", "message")), strict=True):
                for span in scanner.scan((message or "").encode(), b""):
                    check.problems.append(f"{revision}: its message has {span.cls} found by {span.detector}")
