"""What a person should look at in a release: the contents on which verdicts hang, the doubtful and far-reaching
first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.audit.evidence import EvidenceSets, evidence_sets
from pipeline.audit.folder import Contents
from pipeline.audit.outcomes import outcomes
from pipeline.stages.license.policy import LicenseType
from pipeline.stages.release.rows import path_text
from pipeline.swhid import swhid

_LOW_SCORE = 90.0
_EXAMPLES = 3
_WHY = ("contested", "over budget or unreadable", "several licences in one file", "low score", "far-reaching")


def for_review(folder: Path) -> list[dict[str, Any]]:
    """One entry per content that decides verdicts, in order of need: why, how many files hang on it, what it was found
    to state, by which rules, in which lines, and some of the files.

    Raises IntegrityError where the folder holds no release. Memory: the ledgers.
    """
    contents = Contents(folder)
    sets = evidence_sets(contents)
    decisions = contents.ledger("decisions").select(["blob", "header_evidence_id"]).to_pylist()
    headers = {row["blob"]: row["header_evidence_id"] for row in decisions if row["blob"] is not None}
    files: Counter[bytes] = Counter()
    contested: set[bytes] = set()
    examples: dict[bytes, list[str]] = {}
    for row in outcomes(contents).to_pylist():
        if row["blob"] is None or row["path"] is None:
            continue
        deciding = {e.blob for key in (row["evidence_id"], headers.get(row["blob"])) if key for e in sets.get(key, ())}
        for blob in deciding | ({row["blob"]} if row["license_type"] == LicenseType.CONTESTED else set()):
            files[blob] += 1
            if row["license_type"] == LicenseType.CONTESTED:
                contested.add(blob)
            if len(examples.setdefault(blob, [])) < _EXAMPLES:
                examples[blob].append(f"{row['origin']} {path_text(row['path'])[0]}")
    found = [
        _entry(blob, count, blob in contested, stated, examples[blob])
        for blob, count in files.items()
        for stated in [list(_stated(blob, sets))]
    ]
    return sorted(found, key=lambda e: (_WHY.index(e["why"]), -e["files"], e["subject"]))


def _stated(blob: bytes, sets: EvidenceSets) -> Iterator[dict[str, Any]]:
    seen = set()
    for rows in sets.values():
        for row in rows:
            if row.blob == blob and (key := (row.expression, row.rule, row.start_line)) not in seen:
                seen.add(key)
                yield {
                    "expression": row.expression, "source": row.source, "rule": row.rule, "matcher": row.matcher,
                    "score": row.score, "lines": [row.start_line, row.end_line], "scope": row.scope,
                }  # fmt: skip


def _entry(
    blob: bytes, files: int, contested: bool, stated: list[dict[str, Any]], examples: list[str]
) -> dict[str, Any]:
    if contested:
        why = _WHY[0]
    elif any("LicenseRef-permastack" in s["expression"] for s in stated):
        why = _WHY[1]
    elif len({s["expression"] for s in stated}) > 1:
        why = _WHY[2]
    elif any(0 < s["score"] < _LOW_SCORE for s in stated):
        why = _WHY[3]
    else:
        why = _WHY[4]
    return {"subject": swhid("cnt", blob), "why": why, "files": files, "stated": stated, "examples": examples}
