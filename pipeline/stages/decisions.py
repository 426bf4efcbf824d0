"""Decisions: the rows by which a stage says which occurrences it drops, and why."""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import DECISIONS


def decisions(
    dropped: pa.Table,
    stage: str,
    rules: pa.Array,
    reasons: pa.Array,
    duplicate_of: pa.Array | None = None,
) -> pa.Table:
    """Rows in the schema DECISIONS for occurrences; columns that `dropped` lacks become null."""
    rows = dropped.num_rows
    own: dict[str, pa.Array] = {
        "stage": pa.array([stage] * rows, pa.string()),
        "rule": rules,
        "reason": reasons,
        "duplicate_of": pa.nulls(rows, pa.binary(20)) if duplicate_of is None else duplicate_of,
        "count": pa.array([1] * rows, pa.int64()),
        "commitment": pa.nulls(rows, pa.binary(16)),
    }
    columns = [
        own.get(f.name, dropped.column(f.name) if f.name in dropped.column_names else pa.nulls(rows, f.type))
        for f in DECISIONS
    ]
    return pa.table(columns, names=DECISIONS.names).cast(DECISIONS)
