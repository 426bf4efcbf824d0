"""The audit: every promise that a release can show, checked from its folder alone."""

from __future__ import annotations

from pathlib import Path

from pipeline.audit.conservation import check_conservation
from pipeline.audit.contents import check_rows
from pipeline.audit.files import Contents, check_files, check_tables
from pipeline.audit.licenses import check_licenses
from pipeline.audit.optouts import check_optouts
from pipeline.audit.report import Report
from pipeline.errors import IntegrityError
from pipeline.manifest.model import read_release


def audit_release(
    folder: Path, *, registry: Path | None = None, manifest: Path | None = None, deep: bool = False
) -> Report:
    """Check a release. Raises IntegrityError only where it has no readable manifest; all else is in the report."""
    try:
        contents = Contents(folder)
    except IntegrityError as error:
        report = Report(root="")
        report.check("manifest", "release.json and manifest.jsonl can be read").problems.append(str(error))
        return report
    report = Report(root=contents.release.root)
    check_files(contents, report)
    check_tables(contents, report)
    try:
        check_rows(contents, report)
        check_conservation(contents, report)
        check_licenses(contents, report)
        check_duplicates(contents, report)
        if registry is not None:
            check_optouts(contents, registry, report)
        if deep:
            check_again(contents, report)
    except (IntegrityError, KeyError, ValueError) as error:
        # A table that cannot be read was reported already; what rests on it cannot be judged.
        report.check("readable", "all tables can be read").problems.append(f"{type(error).__name__}: {error}")
    if manifest is not None:
        published = read_release(manifest)
        report.check("published", "the root is the one that was published").expect(
            published.root == contents.release.root,
            f"{manifest} says {published.root}, this release has {contents.release.root}",
        )
    return report


def check_duplicates(contents: Contents, report: Report) -> None:
    """Every near-duplicate went against a file that is released, at the threshold or above."""
    check = report.check("duplicates", "each dropped duplicate has a released file in its place")
    released = {swhid.rpartition(":")[2] for swhid in contents.ledger("index").column("swhid").to_pylist()}
    threshold = contents.release.configuration.get("near", {}).get("threshold", 0)
    pairs = {}
    for row in contents.ledger("duplicates").to_pylist():
        pairs[row["dropped"]] = row["kept"]
        check.expect(row["kept"].hex() in released, f"{row['kept'].hex()}: stands for a duplicate but is not released")
        check.expect(row["dropped"].hex() not in released, f"{row['dropped'].hex()}: is a duplicate and released")
        check.expect(row["jaccard"] >= threshold, f"{row['dropped'].hex()}: Jaccard {row['jaccard']} is below {threshold}")
    for row in contents.ledger("decisions").select(["rule", "blob", "duplicate_of"]).to_pylist():
        if row["rule"] == "near_duplicate" and row["blob"] is not None:
            check.expect(pairs.get(row["blob"]) == row["duplicate_of"], f"{row['blob'].hex()}: decision and pair differ")


def check_again(contents: Contents, report: Report) -> None:
    """Scan every released text again with this installation's detectors."""
    import pyarrow as pa

    from pipeline.stages.redact.config import RedactConfig
    from pipeline.stages.redact.core import Scanner

    check = report.check("deep", "no detector finds anything in released text")
    recorded = contents.release.configuration.get("redact", {})
    settings = {key: value for key, value in recorded.items() if key != "commitment_key"}
    scanner = Scanner(RedactConfig.model_validate(settings))
    for entry in contents.entries_of("data"):
        table = contents.table_of(entry, ["swhid", "path", "content"])
        texts = table.column("content").cast(pa.large_binary())
        for swhid, path, text in zip(table.column("swhid").to_pylist(), table.column("path").to_pylist(), texts, strict=True):
            for span in scanner.scan(bytes(text.as_buffer()), path.encode().rpartition(b"/")[2]):
                check.problems.append(f"{swhid} bytes {span.start}-{span.end}: {span.cls} found by {span.detector}")
