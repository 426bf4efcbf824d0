"""What another licence policy would change in a release, from its stored evidence: no detector runs, nothing is read
anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.audit.evidence import evidence_sets
from pipeline.audit.folder import Contents
from pipeline.audit.licenses import Judge
from pipeline.audit.outcomes import outcomes
from pipeline.stages.license.config import LicenseConfig
from pipeline.stages.license.policy import LicenseType, Policy
from pipeline.stages.release.rows import path_text

_EXAMPLES = 5


@dataclass
class Change:
    """Files whose verdict goes from one to another, by their licence; and some of them."""

    files: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


@dataclass
class WhatIf:
    """`changes` by (verdict now, verdict then). `unread`: files that might change further, whose own headers were never
    read because their path forbade them anyway: only a run can tell.
    """

    files: int = 0
    kept_now: int = 0
    kept_then: int = 0
    unread: int = 0
    changes: dict[tuple[str, str], Change] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        changes = [
            {"from": a, "to": b, "files": c.files, "licenses": dict(c.licenses.most_common()), "examples": c.examples}
            for (a, b), c in self.changes.items()
        ]
        counts = {name: getattr(self, name) for name in ("files", "kept_now", "kept_then", "unread")}
        return counts | {"changes": changes}


def what_if(folder: Path, policy: Policy, changes: dict[str, Any] | None = None) -> WhatIf:
    """Judge every listed file of a release again, under `policy` and with `changes` of its section `[license]`.

    What opted out is not named, and not counted. Raises IntegrityError where the folder holds no release. Memory: the
    ledgers.
    """
    contents = Contents(folder)
    config = LicenseConfig.model_validate(contents.release.configuration.get("license", {}) | (changes or {}))
    judge = Judge(evidence_sets(contents), policy, config)
    table = outcomes(contents)
    judge.note_elsewhere(table)
    lengths = dict(_lengths(contents))
    # Without a change the old settings decide what was kept.
    kept = contents.release.configuration.get("license", {}).get("keep", ["permissive"])
    found = WhatIf()
    for row in table.to_pylist():
        if row["stage"] == "ingest" or row["blob"] is None or row["path"] is None:
            continue
        then = judge.decide(row["blob"], row["path"], row["evidence_id"], lengths.get(row["blob"], 0), None, True)
        now = row["license_type"]
        found.files += 1
        found.kept_now += now in kept
        found.kept_then += then.license_type in config.keep
        unread = now == LicenseType.NON_PERMISSIVE and row["blob"] not in judge.header_of
        found.unread += unread and then.license_type is not LicenseType.NON_PERMISSIVE
        if now != then.license_type:
            change = found.changes.setdefault((now, str(then.license_type)), Change())
            change.files += 1
            change.licenses[str(then.expression)] += 1
            if len(change.examples) < _EXAMPLES:
                change.examples.append(f"{row['origin']} {path_text(row['path'])[0]}")
    found.changes = dict(sorted(found.changes.items()))
    return found


def what_if_text(found: WhatIf) -> str:
    """The same for a person."""
    lines = [
        f"{found.files:,} files judged again: {found.kept_now:,} kept now, {found.kept_then:,} then",
    ]
    for (now, then), change in found.changes.items():
        lines.append(f"{change.files:>9,}  {now} -> {then}")
        lines += [f"{count:>15,}  {license_}" for license_, count in change.licenses.most_common(10)]
        lines += [f"{'':>15}  e.g. {example}" for example in change.examples]
    if not found.changes:
        lines.append("no verdict changes")
    if found.unread:
        lines.append(
            f"{found.unread:,} of them were never asked for their own licence, because of their path: only a run tells"
        )
    return "\n".join(lines)


def _lengths(contents: Contents) -> Iterator[tuple[bytes, int]]:
    data = contents.data(["swhid", "length_bytes"])
    for swhid, length in zip(data.column("swhid").to_pylist(), data.column("length_bytes").to_pylist(), strict=True):
        yield bytes.fromhex(swhid.rpartition(":")[2]), length
    for row in contents.ledger("decisions").select(["blob", "length"]).to_pylist():
        if row["blob"] is not None and row["length"] is not None:
            yield row["blob"], row["length"]
