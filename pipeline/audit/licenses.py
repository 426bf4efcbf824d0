"""Licences: every verdict follows from the stored evidence and the policy, without ScanCode."""

from __future__ import annotations

import functools
from collections import defaultdict
from pathlib import PurePath
from typing import Any

import pyarrow as pa

from pipeline.audit.evidence import EvidenceSets, header_sets
from pipeline.audit.folder import Contents
from pipeline.audit.report import Check, Report
from pipeline.errors import ConfigError
from pipeline.stages.license.config import LicenseConfig
from pipeline.stages.license.decide import AtPath, OwnWord, Verdict, contest, is_contested, own_word_of, verdict
from pipeline.stages.license.evidence import combine
from pipeline.stages.license.expression import SpdxExpression, parse, spdx_ids
from pipeline.stages.license.policy import LicenseType, Policy, load

Row = dict[str, Any]
_COLUMNS = ["blob", "stage", "rule", "reason", "length", "license_type", "license_expression", "evidence_id"]
_DATA = [
    "path",
    "path_bytes",
    "swhid",
    "length_bytes",
    "license_type",
    "license_expression",
    "detected_licenses",
    "evidence_id",
]


def check_licenses(contents: Contents, outcomes: pa.Table, sets: EvidenceSets, complete: bool, report: Report) -> None:
    """Decide on every row, copy and drop again. Each distinct question is asked once.

    `complete`: nothing is hidden, so that whoever contradicts a contested file is named.
    """
    check = report.check("licenses", "each verdict, released or dropped, follows from its evidence under the policy")
    config = LicenseConfig.model_validate(contents.release.configuration.get("license", {}))
    policy = _policy(contents, config.policy, check)
    if policy is None:
        return
    judge = Judge(sets, policy, config)
    decisions = contents.ledger("decisions").select([*_COLUMNS, "header_evidence_id", "origin", "path"]).to_pylist()
    copies = contents.ledger("copies").select(
        ["origin", "path", "blob", "license_type", "license_expression", "evidence_id"]
    )
    judge.note_elsewhere(outcomes)
    lengths: dict[bytes, int] = {}
    for entry in contents.entries_of("data"):
        for row in contents.table_of(entry, [*_DATA, "header_evidence_id", "or_choice"]).to_pylist():
            where = f"{entry.path} {row['swhid']}"
            blob = bytes.fromhex(row["swhid"].rpartition(":")[2])
            lengths[blob] = row["length_bytes"]
            check.expect(
                row["license_type"] in config.keep, f"{where}: {row['license_type']} is not what the policy keeps"
            )
            check.expect(
                row["header_evidence_id"] == judge.header_of.get(blob), f"{where}: its header's evidence is another"
            )
            path = row["path"].encode() if row["path_bytes"] is None else row["path_bytes"]
            decided = judge.decide(blob, path, row["evidence_id"], row["length_bytes"], row["license_type"], complete)
            _compare(row, decided, where, check)
            stated = row["license_expression"]
            ids = spdx_ids(parse(stated)) if stated else []
            check.expect(row["detected_licenses"] == ids, f"{where}: detected_licenses are not those of its expression")
            chosen = str(decided.or_choice) if decided.or_choice else None
            check.expect(
                row["or_choice"] == chosen, f"{where}: or_choice is {row['or_choice']}, the policy has {chosen}"
            )
    for row in decisions:
        if row["origin"] is not None and row["path"] is not None:
            _check_decision(row, judge, complete, check)
            if row["stage"] != "ingest" and row["blob"] is not None:
                lengths[row["blob"]] = row["length"]
    for row in copies.to_pylist():
        where = f"copy {row['origin']} {row['path']!r}"
        check.expect(row["license_type"] in config.keep, f"{where}: {row['license_type']} is not what the policy keeps")
        length = lengths.get(row["blob"], 0)
        _compare(
            row,
            judge.decide(row["blob"], row["path"], row["evidence_id"], length, row["license_type"], complete),
            where,
            check,
        )


def _policy(contents: Contents, name: str, check: Check) -> Policy | None:
    digest = contents.release.policies.get("license")
    policy = None
    # The name comes from the release: it may name a policy, and no place on this machine.
    if PurePath(name).name == name:
        try:
            policy = load(name) if name.endswith(".toml") else _shipped(name)
        except ConfigError:
            policy = None
    if policy is None or policy.digest != digest:
        check.problems.append(
            f"the policy {name!r} with digest {digest} is not at hand: put its file into the folder in which you audit"
        )
        return None
    return policy


_shipped = functools.cache(load)


def _check_decision(row: Row, judge: Judge, complete: bool, check: Check) -> None:
    where = f"decision {row['origin']} {row['path']!r}"
    if row["stage"] == "ingest":
        # Refused before the text was read: only what holds at the path is stated.
        check.expect(
            row["license_type"] is None and row["header_evidence_id"] is None, f"{where}: cannot have a verdict"
        )
        expression = judge.path_expression(row["evidence_id"])
        stated = str(expression) if expression else None
        check.expect(row["license_expression"] == stated, f"{where}: its evidence says {stated}")
        return
    check.expect(
        row["header_evidence_id"] == judge.header_of.get(row["blob"]), f"{where}: its header's evidence is another"
    )
    decided = judge.decide(row["blob"], row["path"], row["evidence_id"], row["length"], row["license_type"], complete)
    _compare(row, decided, where, check)
    kept = row["license_type"] in judge.config.keep
    check.expect(kept == (row["stage"] != "license"), f"{where}: {row['license_type']} is dropped by {row['stage']}")
    if row["stage"] == "license":
        check.expect(
            (row["rule"], row["reason"]) == (decided.rule, decided.reason),
            f"{where}: says {row['rule']} ({row['reason']}), its evidence {decided.rule} ({decided.reason})",
        )


def _compare(row: Row, decided: Verdict, where: str, check: Check) -> None:
    expected = (str(decided.license_type), str(decided.expression) if decided.expression else None)
    stated = (row["license_type"], row["license_expression"])
    check.expect(
        stated == expected,
        f"{where}: states {stated[0]} ({stated[1]}), its evidence says {expected[0]} ({expected[1]})",
    )


class Judge:
    """The policy over the ledger's evidence, asked once per distinct question."""

    def __init__(self, sets: EvidenceSets, policy: Policy, config: LicenseConfig) -> None:
        self._sets, self._policy, self.config = sets, policy, config
        self.header_of = header_sets(sets)
        self._expressions: dict[str | None, SpdxExpression | None] = {None: None}
        self._verdicts: dict[tuple[str | None, str | None, OwnWord], Verdict] = {}
        self._path_types: defaultdict[bytes, set[LicenseType]] = defaultdict(set)

    def note_elsewhere(self, outcomes: pa.Table) -> None:
        """Remember which contents lie under a non-permissive path somewhere."""
        names = ("blob", "evidence_id", "stage")
        for blob, key, stage in zip(*(outcomes.column(name).to_pylist() for name in names), strict=True):
            if stage != "ingest" and blob is not None:
                kind = self._policy.classify(self.path_expression(key))
                if kind is LicenseType.NON_PERMISSIVE:
                    self._path_types[blob].add(kind)

    def path_expression(self, key: str | None) -> SpdxExpression | None:
        if key not in self._expressions:
            # A set that is not in the ledger was reported with the evidence; it speaks for nothing.
            self._expressions[key] = combine(self._sets.get(key or "", []))
        return self._expressions[key]

    def decide(
        self, blob: bytes, path: bytes, key: str | None, length: int, stated: str | None, complete: bool
    ) -> Verdict:
        """The verdict on an occurrence, contested or not."""
        header = self.header_of.get(blob)
        expression = self.path_expression(header)
        question = (key, header, own_word_of(path))
        if question not in self._verdicts:
            self._verdicts[question] = verdict(
                AtPath.of(self._sets.get(key or "", [])),
                [expression] if expression else [],
                self._policy,
                self.config.mode,
                own_word=question[2],
            )
        decided = self._verdicts[question]
        spoken = [expression] if expression else []
        contested = is_contested(spoken, self._path_types.get(blob, ()))
        # Whoever contradicts it may be hidden: then what is stated must do.
        contested |= (
            not complete and stated == LicenseType.CONTESTED and is_contested(spoken, [LicenseType.NON_PERMISSIVE])
        )
        return contest(decided) if contested and self.config.contests(length) else decided
