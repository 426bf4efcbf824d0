"""Licences: every verdict follows from the stored evidence and the policy, without ScanCode."""

from __future__ import annotations

from collections import defaultdict

from pipeline.audit.files import Contents
from pipeline.audit.report import Report
from pipeline.errors import ConfigError
from pipeline.stages.license.decide import verdict
from pipeline.stages.license.evidence import Evidence, as_set, combine
from pipeline.stages.license.expression import ExpressionError, parse, spdx_ids
from pipeline.stages.license.policy import Policy, load


def check_licenses(contents: Contents, report: Report) -> None:
    """Compute the verdict of every released row again. Each distinct question is asked once."""
    check = report.check("licenses", "each released row's licence follows from its evidence under the recorded policy")
    settings = contents.release.configuration.get("license", {})
    policy = _policy(contents, settings.get("policy", ""))
    if policy is None:
        check.problems.append(
            f"the policy {settings.get('policy')!r} with digest {contents.release.policies.get('license')} is not at hand: "
            "put its file where the configuration names it, and audit again"
        )
        return
    sets: defaultdict[str, list[Evidence]] = defaultdict(list)
    for row in contents.ledger("evidence").to_pylist():
        sets[row["evidence_id"]].append(Evidence(**row))
    for key, rows in sets.items():
        check.expect(as_set(rows)[0].evidence_id == key, f"evidence {key}: its rows do not have that id")
    keep = set(settings.get("keep", ()))
    names = ["swhid", "license_type", "license_expression", "detected_licenses", "evidence_id", "header_evidence_id"]
    answers: dict[tuple[str | None, str | None], tuple[str, str | None]] = {}
    for entry in contents.entries_of("data"):
        for row in contents.table_of(entry, names).to_pylist():
            key = (row["evidence_id"], row["header_evidence_id"])
            where = f"{entry.path} {row['swhid']}"
            if any(i is not None and i not in sets for i in key):
                check.problems.append(f"{where}: its evidence is not in the ledger")
                continue
            if key not in answers:
                answers[key] = _answer(sets, key, policy, settings.get("mode", "strict"))
            kind, expression = answers[key]
            check.expect(row["license_type"] in keep, f"{where}: license_type {row['license_type']} is not released by the policy")
            check.expect(
                (row["license_type"], row["license_expression"]) == (kind, expression),
                f"{where}: states {row['license_type']} ({row['license_expression']}), its evidence says {kind} ({expression})",
            )
            stated = spdx_ids(parse(expression)) if expression else []
            check.expect(row["detected_licenses"] == stated, f"{where}: detected_licenses are not those of its expression")


def _policy(contents: Contents, name: str) -> Policy | None:
    try:
        policy = load(name)
    except ConfigError:
        return None
    return policy if policy.digest == contents.release.policies.get("license") else None


def _answer(
    sets: dict[str, list[Evidence]], key: tuple[str | None, str | None], policy: Policy, mode: str
) -> tuple[str, str | None]:
    try:
        path, header = (combine(sets[i]) if i else None for i in key)
    except ExpressionError as error:
        return f"unreadable evidence: {error}", None
    decided = verdict(path, [header] if header else [], policy, "standard" if mode == "standard" else "strict")
    return str(decided.license_type), str(decided.expression) if decided.expression else None
