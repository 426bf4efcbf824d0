"""Evidence: the licence files and manifests of each origin, read from the ledger, resolve to the stated sets again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from pipeline.audit.folder import Contents
from pipeline.audit.outcomes import by_origin
from pipeline.audit.report import Check, Report
from pipeline.stages.license.config import LicenseConfig, Mode
from pipeline.stages.license.evidence import DEFERS, Evidence, Fact, Finding, as_set, combine
from pipeline.stages.license.expression import parse
from pipeline.stages.license.modes import resolve
from pipeline.stages.license.names import COVERINGS, kind_of
from pipeline.swhid import content_id

EvidenceSets = dict[str, list[Evidence]]


def evidence_sets(contents: Contents) -> EvidenceSets:
    """The ledger's rows by their set. Memory: one record a row; sets are shared by all files that they hold for."""
    return sets_of(contents.ledger("evidence"))


def sets_of(evidence: pa.Table) -> EvidenceSets:
    """Rows of the schema EVIDENCE by their set, each once."""
    sets: defaultdict[str, dict[Evidence, None]] = defaultdict(dict)
    for row in evidence.to_pylist():
        sets[row["evidence_id"]].setdefault(Evidence(**row))
    return {key: list(rows) for key, rows in sets.items()}


def header_sets(sets: EvidenceSets) -> dict[bytes, str]:
    """The set of what each blob states about itself."""
    return {rows[0].blob: key for key, rows in sets.items() if rows[0].source == "header"}


def check_evidence(
    contents: Contents, outcomes: pa.Table, sets: EvidenceSets, complete: set[str], report: Report
) -> None:
    """Resolve every origin of which nothing is hidden again, from what its licence files and manifests state."""
    own_ids = report.check("evidence", "evidence sets have their ids, and hold where licence files and manifests lie")
    used: set[str] = set()
    for key, rows in sets.items():
        own_ids.expect(as_set(rows)[0].evidence_id == key, f"evidence {key}: its rows do not have that id")
        about_itself = {(row.source == "header", row.path is None) for row in rows}
        own_ids.expect(
            about_itself == {(False, False)}
            or (about_itself == {(True, True)} and len({row.blob for row in rows}) == 1),
            f"evidence {key}: mixes what a file states about itself with what its folders do",
        )
    repositories = contents.ledger("repositories").to_pylist()
    roots = {r["origin"]: r["license_expression"] for r in repositories}
    declared = {r["origin"]: r["declared_license"] for r in repositories}
    mode = LicenseConfig.model_validate(contents.release.configuration.get("license", {})).mode
    for origin, files in by_origin(outcomes):
        stated = {row["evidence_id"] for row in files} - {None}
        used |= stated
        if missing := stated - sets.keys():
            own_ids.problems.append(f"{origin}: evidence {min(missing)} is not in the ledger")
        elif origin in complete:
            used |= _check_origin(mode, origin, roots.get(origin), declared.get(origin), files, sets, own_ids)
    _check_used(outcomes, sets, used, complete >= roots.keys(), own_ids)


def _check_used(outcomes: pa.Table, sets: EvidenceSets, used: set[str], whole: bool, check: Check) -> None:
    """What opted out leaves no trace: neither its licence files nor what its files state about themselves."""
    named = {blob for blob in outcomes.column("blob").to_pylist() if blob is not None}
    named |= {row.blob for key in used for row in sets.get(key, []) if row.path is not None}
    for key, rows in sorted(sets.items()):
        # Of an origin in which something is hidden, the set of the root may have no file that is named.
        speaks = rows[0].blob in named if rows[0].path is None else not whole or key in used
        check.expect(speaks, f"evidence {key}: speaks for nothing that is named")


def _check_origin(
    mode: Mode,
    origin: str,
    root: str | None,
    declared: str | None,
    rows: list[dict[str, Any]],
    sets: EvidenceSets,
    check: Check,
) -> set[str]:
    read = facts_of(origin, declared, rows, sets, check)
    # What ingest refused before any licence was read took no part, and has no evidence.
    listed = [row for row in rows if row["path"] is not None and row["blob"] is not None]
    taken = [row for row in listed if row["stage"] != "ingest" or row["evidence_id"] is not None]
    ids = {}
    for tree in (listed, taken):
        resolution = resolve(mode, [*(row["path"] for row in tree), b""], read, declared)
        *found_ids, root_id = resolution.evidence_ids
        ids = dict(zip((row["path"] for row in tree), found_ids, strict=True))
        if all(ids[row["path"]] == row["evidence_id"] for row in taken):
            break
    for row in taken:
        check.expect(
            ids[row["path"]] == row["evidence_id"],
            f"{origin} {row['path']!r}: states evidence {row['evidence_id']}, its folders have {ids[row['path']]}",
        )
    expression = combine(sets[root_id]) if root_id in sets else None
    check.expect(
        root == (str(expression) if expression else None),
        f"{origin}: its root's licence is {expression}, its row says {root}",
    )
    return {root_id} if root_id is not None else set()


def facts_of(
    origin: str, declared: str | None, rows: list[dict[str, Any]], sets: EvidenceSets, check: Check
) -> dict[bytes, Fact]:
    """What each licence file and manifest of an origin states, put together from the sets that hold for its `rows`."""
    blobs = {row["path"]: row["blob"] for row in rows if row["path"] is not None and row["blob"] is not None}
    if declared is not None:
        blobs[b""] = content_id(declared.encode())  # metadata is evidence of the whole repository, at no path
    facts: dict[bytes, set[Finding]] = {}
    for key in sorted({row["evidence_id"] for row in rows} - {None}):
        of_set: defaultdict[bytes, set[Finding]] = defaultdict(set)
        for evidence in sets.get(key, ()):
            path = evidence.path or b""
            check.expect(
                blobs.get(path) == evidence.blob, f"{origin}: evidence {key} names {path!r}, which is not that content"
            )
            of_set[path].add(_finding(evidence))
        for path, found in of_set.items():
            # Of what a file states for some paths only, each set has its own part.
            whole = {finding for finding in found if finding.scope is None}
            known = facts.setdefault(path, found)
            mine = {finding for finding in known if finding.scope is None}
            check.expect(
                not whole or not mine or whole == mine, f"{origin}: its evidence contradicts itself on {path!r}"
            )
            facts[path] = known | found
    facts.pop(b"", None)
    return {path: Fact(blobs.get(path) or b"", _ordered(path, found)) for path, found in facts.items()}


def _finding(row: Evidence) -> Finding:
    defers = row.group.startswith(DEFERS)
    return Finding(
        parse(row.expression), row.rule, row.matcher, row.score, row.start_line, row.end_line, row.scope, defers
    )


def _ordered(path: bytes, found: Iterable[Finding]) -> tuple[Finding, ...]:
    if kind_of(path) in COVERINGS:  # the last paragraph that covers a path speaks for it
        return tuple(sorted(found, key=lambda finding: finding.start_line or 0))
    return tuple(sorted(found, key=lambda finding: (str(finding.expression), finding.scope or "")))
