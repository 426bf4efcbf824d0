"""Commitments: with a key every removed value has one, without a key none has; never for some."""

from __future__ import annotations

import pyarrow.compute as pc

from pipeline.audit.folder import Contents
from pipeline.audit.report import Report
from pipeline.commitment import Key


def check_commitments(contents: Contents, key: Key | None, report: Report) -> None:
    """The ledgers carry commitments exactly where `release.json` names a key; `key`, if given, is that key.

    A value itself cannot be checked here: who has it and the key computes its commitment and looks it up.
    """
    check = report.check("commitments", "what was removed carries commitments where a key is recorded, and only there")
    recorded = contents.release.commitment_key_ids
    decisions = contents.ledger("decisions")
    hidden = pc.is_null(decisions.column("origin"))
    tables = {
        "redact": contents.ledger("redactions").column("commitment"),
        "optout": decisions.filter(hidden).column("commitment"),
    }
    for stage, commitments in tables.items():
        given = len(commitments) - commitments.null_count
        if stage in recorded:
            check.expect(given == len(commitments), f"{stage}: {commitments.null_count} rows have no commitment")
        else:
            check.expect(given == 0, f"{stage}: {given} rows have a commitment, but no key is recorded")
        if key is not None:
            check.expect(
                recorded.get(stage, key.id) == key.id, f"{stage}: made with key {recorded.get(stage)}, not {key.id}"
            )
    shown = decisions.filter(pc.invert(hidden)).column("commitment")
    check.expect(shown.null_count == len(shown), "decisions: a row that is not hidden has a commitment")
