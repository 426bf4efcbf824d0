"""Opt-outs: a release held against the real registry, which it carries only the digest of."""

from __future__ import annotations

from pathlib import Path

from pipeline.audit.files import Contents
from pipeline.audit.report import Report
from pipeline.stages.optout.registry import load_registry
from pipeline.swhid import BlobId, parse_swhid

_NAMING = ("decisions", "copies", "repositories")


def check_optouts(contents: Contents, registry_file: Path, report: Report) -> None:
    """No released row, copy or ledger names what the registry excludes."""
    registry = load_registry(registry_file)
    check = report.check("optouts", "nothing that the registry excludes is released or named")
    check.expect(
        registry.digest == contents.release.policies.get("optout"),
        f"the registry's sha256 is {registry.digest}, the release was made with {contents.release.policies.get('optout')}",
    )
    for entry in contents.entries_of("data"):
        for row in contents.table_of(entry, ["swhid", "origin", "path", "path_bytes"]).to_pylist():
            path = row["path"].encode() if row["path_bytes"] is None else row["path_bytes"]
            blob = BlobId(parse_swhid(row["swhid"])[1])
            where = f"{entry.path} {row['swhid']}"
            check.expect(registry.origin_rule(row["origin"]) is None, f"{where}: its origin or owner opted out")
            check.expect(not registry.path_excluded(row["origin"], path), f"{where}: its path opted out")
            check.expect(blob not in registry.blobs, f"{where}: this content opted out")
    for name in _NAMING:
        for origin in sorted(set(contents.ledger(name).column("origin").to_pylist()) - {None}):
            check.expect(registry.origin_rule(origin) is None, f"ledger/{name}: names an origin that opted out")
    for blob in contents.ledger("licenses").column("blob").to_pylist():
        check.expect(BlobId(blob) not in registry.blobs, "attribution: holds a text that opted out")
