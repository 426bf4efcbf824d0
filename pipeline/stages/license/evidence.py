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
    Join,
    SpdxExpression,
    all_of,
    any_of,
    parse,
    states_license,
)
from pipeline.stages.license.manifests import Declared

Source = Literal["license_file", "manifest", "dist_info", "reuse", "debian_copyright", "repository", "header"]

TEXT_SOURCES = ("license_file", "dist_info")
"""Whose contents are licence texts."""

UNRECOGNISED = "LicenseRef-permastack-unrecognised"
"""What a licence file states in which no licence was found, though it reads like one."""
POINTS_TO = "points_to"
"""The matcher of a row whose rule is the file that a manifest points to."""
POINTED = "LicenseRef-scancode-see-license"
UNREAD = "LicenseRef-permastack-points-to-nothing-read"
"""What a manifest states that points to a file of which no licence was read."""

ALL = "all"
DEFERS = "defers:"
_ANY = "any:"

_VAGUE = frozenset({"LicenseRef-scancode-other-permissive"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One licence that a text states or a manifest declares, and where. `scope`: for which paths (`scopes`); None for
    all that its file speaks for.
    """

    expression: SpdxExpression
    rule: str
    matcher: str
    score: float
    start_line: int | None = None
    end_line: int | None = None
    scope: str | None = None
    defers: bool = False


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
    `all`; `any:...` for files of which one may be chosen. `defers:` before
    it: what a file states about itself goes before.
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
    scope: str | None = None


def fact_of_scan(blob: bytes, matches: Iterable[Mapping[str, Any]]) -> Fact:
    """What a text states, from the matches of `scancode.scan`.

    Clues, mentions ("GPL-compatible"), pointers ("see LICENSE"), disclaimers and the like are left out; of several
    matches for one expression and the same paths the best stands for all. A licence called no more than permissive
    counts only where nothing else is named.
    """
    best: dict[tuple[SpdxExpression, str | None], Finding] = {}
    vague: set[tuple[SpdxExpression, str | None]] = set()
    for match in matches:
        expression = parse(match["spdx"])
        if match["kind"] in ("notice", "reference"):
            expression = _without_vague(expression)
        if match["kind"] in ("clue", "mention") or not states_license(expression):
            continue
        found = Finding(
            expression,
            match["rule"],
            match["matcher"],
            float(match["score"]),
            match["start_line"],
            match["end_line"],
            match.get("scope"),
            match.get("defers", False),
        )
        key = (expression, found.scope)
        if match["kind"] in ("reference", "tag") and str(expression) in _VAGUE and key not in best:
            vague.add(key)
        else:
            vague.discard(key)
        if key not in best or _preference(found) < _preference(best[key]):
            best[key] = found
    if len(vague) < len(best):
        best = {key: found for key, found in best.items() if key not in vague}
    return Fact(blob, tuple(best[key] for key in sorted(best, key=lambda k: (str(k[0]), k[1] or ""))))


def fact_of_manifest(blob: bytes, declared: Declared) -> Fact:
    """What a manifest declares, or the file that it points to."""
    if declared.expression is None and declared.points_to is not None:
        return Fact(blob, (Finding(parse(POINTED), declared.points_to, POINTS_TO, 0.0),))
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
            f.scope,
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


def header_evidence(fact: Fact) -> list[Evidence]:
    """The evidence set of what a file says about itself; empty where it says nothing or points elsewhere."""
    return as_set(rows_of(fact, "header", None, None))


def combine(rows: Sequence[Evidence]) -> SpdxExpression | None:
    """The expression of one set from its rows alone: AND, but OR over the files of a group `any:...`. None
    for no rows.
    """
    files: dict[tuple[str, bytes | None, bytes], list[SpdxExpression]] = {}
    for row in rows:
        if row.expression == POINTED:
            continue  # the rows of the file that it points to speak
        group = row.group.removeprefix(DEFERS)
        files.setdefault((group, row.path, row.blob), []).append(parse(row.expression))
    groups: dict[str, list[SpdxExpression]] = {}
    for (group, _path, _blob), expressions in files.items():
        stated = all_of(expressions)
        assert stated is not None
        groups.setdefault(group, []).append(stated)
    joined = (any_of(stated) if group.startswith(_ANY) else all_of(stated) for group, stated in groups.items())
    return all_of(expression for expression in joined if expression is not None)


def combine_beside_header(rows: Sequence[Evidence]) -> SpdxExpression | None:
    """What holds at a path whose file speaks for itself: `combine` without what defers to that, such as the texts that
    REUSE keeps in `LICENSES/`: the file says which of them is its own.
    """
    return combine([row for row in rows if not row.group.startswith(DEFERS)])


def _without_vague(expression: SpdxExpression) -> SpdxExpression:
    """A list of licences without the remark that others are permissive, too."""
    if not isinstance(expression, Join) or expression.operator != "AND":
        return expression
    return all_of(operand for operand in expression.operands if str(operand) not in _VAGUE) or expression


def _preference(finding: Finding) -> tuple[float, int, int, str, str]:
    return (-finding.score, finding.start_line or 0, finding.end_line or 0, finding.rule, finding.matcher)


def _canonical(row: Evidence) -> str:
    path = None if row.path is None else row.path.hex()
    return json.dumps(
        [row.source, path, row.blob.hex(), row.distance, row.expression, row.rule, row.matcher, row.score,
         row.start_line, row.end_line, row.group, row.scope],
        separators=(",", ":"),
    )  # fmt: skip
