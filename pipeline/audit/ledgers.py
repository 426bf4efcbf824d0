"""The ledgers agree with each other and with the rows: copies, near-duplicates, refusals, licence texts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow.compute as pc

from pipeline.audit.evidence import EvidenceSets
from pipeline.audit.folder import Contents
from pipeline.audit.outcomes import OUTCOMES
from pipeline.audit.report import Check, Report
from pipeline.schema import LEDGERS
from pipeline.stages.ingest.decoding import ENCODINGS, encode
from pipeline.stages.near.config import NearConfig
from pipeline.stages.redact.surrogates import is_reserved
from pipeline.swhid import MODE_SUBMODULE, MODE_SYMLINK, content_id

Row = dict[str, Any]
_MODES = {"symlink": MODE_SYMLINK, "submodule": MODE_SUBMODULE}


def check_order(contents: Contents, report: Report) -> None:
    """Every ledger is in its total order and states nothing twice."""
    check = report.check("ledgers", "every ledger is in its order, and states nothing twice")
    for name, (_, keys) in LEDGERS.items():
        for entry in contents.entries_of(name):
            table = contents.table_of(entry)
            order = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in keys])
            # Rows with equal keys may stand in any order, so keys are compared and not positions.
            sorted_keys = table.select(list(keys)).take(order)
            check.expect(sorted_keys.equals(table.select(list(keys))), f"{entry.path}: its rows are out of order")
        if name in ("copies", "duplicates", "repositories", "licenses", "redactions"):
            rows = zip(*(contents.ledger(name).column(key).to_pylist() for key in keys), strict=True)
            for key, times in Counter(rows).items():
                check.expect(times == 1, f"{name}: {key} stands {times} times")
"""Placeholder."""
