"""Opt-outs: a release against the real registry, which it carries only the digest of."""

from __future__ import annotations

import pyarrow.compute as pc

from pipeline.audit.folder import Contents
from pipeline.audit.report import Check, Report
from pipeline.stages.optout.registry import Registry
from pipeline.swhid import BlobId, parse_swhid

# Where ledgers name an origin, and a path in it.
_PLACES = (
    ("decisions", "origin", "path"),
    ("decisions", "other_origin", "other_path"),
    ("copies", "origin", "path"),
    ("copies", "kept_origin", "kept_path"),
    ("duplicates", "dropped_origin", None),
    ("duplicates", "kept_origin", None),
    ("repositories", "origin", None),
    ("repositories", "fork_of", None),
)
_BLOBS = (
    ("copies", "blob"),
    ("decisions", "blob"),
    ("decisions", "duplicate_of"),
    ("duplicates", "component"),
    ("duplicates", "dropped"),
    ("duplicates", "kept"),
    ("redactions", "blob"),
    ("licenses", "blob"),
)


def check_optouts(contents: Contents, registry: Registry, report: Report) -> None:
    """No released row and no ledger names what the registry excludes. Each distinct place of a ledger is asked once."""
    check = report.check("optouts", "nothing that the registry excludes is released or named")
    made_with = contents.release.policies.get("optout")
    check.expect(
        registry.digest == made_with,
        f"the registry's sha256 is {registry.digest}, the release was made with {made_with}",
    )
    for entry in contents.entries_of("data"):
        for row in contents.table_of(entry, ["swhid", "origin", "path", "path_bytes"]).to_pylist():
            path = row["path"].encode() if row["path_bytes"] is None else row["path_bytes"]
            where = f"{entry.path} {row['swhid']}"
            _check_place(registry, row["origin"], path, where, check)
            check.expect(BlobId(parse_swhid(row["swhid"])[1]) not in registry.blobs, f"{where}: this content opted out")
    for ledger, origin_column, path_column in _PLACES:
        table = contents.ledger(ledger)
        names = [name for name in (origin_column, path_column) if name is not None]
        for place in sorted(table.group_by(names).aggregate([]).to_pylist(), key=repr):
            if place[origin_column] is not None:
                path = place[path_column] if path_column else None
                _check_place(registry, place[origin_column], path, f"ledger {ledger}", check)
    for alias in sorted(set(pc.list_flatten(contents.ledger("repositories").column("aliases")).to_pylist())):
        _check_place(registry, alias, None, "ledger repositories", check)
    for ledger, column in _BLOBS:
        named = {BlobId(blob) for blob in contents.ledger(ledger).column(column).to_pylist() if blob is not None}
        for blob in sorted(named & registry.blobs.keys()):
            check.problems.append(f"ledger {ledger}: names {blob.hex()}, which opted out")


def _check_place(registry: Registry, origin: str, path: bytes | None, where: str, check: Check) -> None:
    check.expect(registry.origin_rule(origin) is None, f"{where}: names an origin that opted out, or whose owner did")
    check.expect(path is None or not registry.path_excluded(origin, path), f"{where}: names a path that opted out")
