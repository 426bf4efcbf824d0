"""Evidence: the rows that speak for a verdict, and the expression that they make together.

A set of rows is content-addressed: its id is a digest of its rows. `combine` needs nothing but the rows, so
that an audit recomputes from a release's ledger what the licence stage decided.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pipeline.stages.license.expression import (
    SpdxExpression,
    all_of,
    any_of,
    parse,
    states_license,
)
from pipeline.stages.license.manifests import Declared

Source = Literal["license_file", "manifest", "dist_info", "header"]

ALL = "all"
_ANY = "any:"


@dataclass(frozen=True, slots=True)
class Finding:
    """One licence that a text states or a manifest declares, and where."""

    expression: SpdxExpression
    rule: str
    matcher: str
    score: float
    start_line: int | None = None
    end_line: int | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """What one blob states; without findings it says nothing about its licence."""

    blob: bytes
    findings: tuple[Finding, ...]

    @property
    def expression(self) -> SpdxExpression | None:
        """All findings together."""
        return all_of(finding.expression for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row of the ledger `evidence`: a finding in its file, and its part in the set.

    `distance` counts the folders between the file and the folder from which on the set holds. `group` is
    `all`, or `any:...` for files of which one may be chosen.
    """

    evidence_id: str
    source: Source
    path: bytes | None
    blob: bytes
    distance: int | None
    expression: str
    rule: str
    matcher: str
    score: float
    start_line: int | None
    end_line: int | None
    group: str


def fact_of_scan(blob: bytes, matches: Iterable[Mapping[str, Any]]) -> Fact:
    """What a text states, from the matches of `scancode.scan`.

    Clues, pointers ("see LICENSE"), disclaimers and the like are left out; of several matches for one
    expression the best stands for all.
    """
    best: dict[SpdxExpression, Finding] = {}
    for match in matches:
        expression = parse(match["spdx"])
        if match["kind"] == "clue" or not states_license(expression):
            continue
        found = Finding(
            expression,
            match["rule"],
            match["matcher"],
            float(match["score"]),
            match["start_line"],
            match["end_line"],
        )
        if expression not in best or _preference(found) < _preference(best[expression]):
            best[expression] = found
    return Fact(blob, tuple(best[expression] for expression in sorted(best, key=str)))


def fact_of_manifest(blob: bytes, declared: Declared) -> Fact:
    """What a manifest declares."""
    if declared.expression is None:
        return Fact(blob, ())
    return Fact(blob, (Finding(declared.expression, declared.field or "license", "declared", 100.0),))


def rows_of(fact: Fact, source: Source, path: bytes | None, distance: int | None, group: str = ALL) -> list[Evidence]:
    """The rows of one file, not yet part of a set (`evidence_id` is empty)."""
    return [
        Evidence(
            "",
            source,
            path,
            fact.blob,
            distance,
            str(f.expression),
            f.rule,
            f.matcher,
            f.score,
            f.start_line,
            f.end_line,
            group,
        )
        for f in fact.findings
    ]


def choice(label: str) -> str:
    """The group of files of which one may be chosen."""
    return _ANY + label


def as_set(rows: Iterable[Evidence]) -> list[Evidence]:
    """The rows in canonical order with the id of the set: 32 hex digits of the sha256 over them all."""
    ordered = sorted(set(rows), key=_canonical)
    digest = hashlib.sha256("\n".join(map(_canonical, ordered)).encode()).hexdigest()[:32]
    return [replace(row, evidence_id=digest) for row in ordered]


def header_evidence(blob: bytes, matches: Iterable[Mapping[str, Any]]) -> list[Evidence]:
    """The evidence set of what a file says about itself; empty where it says nothing or points elsewhere."""
    return as_set(rows_of(fact_of_scan(blob, matches), "header", None, None))


def combine(rows: Sequence[Evidence]) -> SpdxExpression | None:
    """The expression of one set from its rows alone: AND, but OR over the files of a group `any:...`. None
    for no rows.
    """
    files: dict[tuple[str, bytes | None, bytes], list[SpdxExpression]] = {}
    for row in rows:
        files.setdefault((row.group, row.path, row.blob), []).append(parse(row.expression))
    groups: dict[str, list[SpdxExpression]] = {}
    for (group, _path, _blob), expressions in files.items():
        stated = all_of(expressions)
        assert stated is not None
        groups.setdefault(group, []).append(stated)
    joined = (any_of(stated) if group.startswith(_ANY) else all_of(stated) for group, stated in groups.items())
    return all_of(expression for expression in joined if expression is not None)


def _preference(finding: Finding) -> tuple[float, int, int, str, str]:
    return (-finding.score, finding.start_line or 0, finding.end_line or 0, finding.rule, finding.matcher)


def _canonical(row: Evidence) -> str:
    path = None if row.path is None else row.path.hex()
    return json.dumps(
        [row.source, path, row.blob.hex(), row.distance, row.expression, row.rule, row.matcher, row.score,
         row.start_line, row.end_line, row.group],
        separators=(",", ":"),
    )  # fmt: skip
