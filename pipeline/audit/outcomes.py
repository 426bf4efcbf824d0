"""What became of every listed occurrence, put together again from the rows and ledgers of a release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.audit.folder import Contents
from pipeline.schema import BLOB
from pipeline.swhid import parse_swhid

OUTCOMES = pa.schema(
    [
        ("origin", pa.string()),
        ("path", pa.binary()),  # null: the decision is about the whole origin
        ("mode", pa.int32()),
        ("blob", BLOB),  # null: outside of the origin's tree
        ("outcome", pa.string()),
        ("stage", pa.string()),
        ("count", pa.int64()),
        ("license_type", pa.string()),
        ("license_expression", pa.string()),
        ("evidence_id", pa.string()),
    ]
)
_DATA = ["origin", "path", "path_bytes", "mode", "swhid", "license_type", "license_expression", "evidence_id"]


def outcomes(contents: Contents) -> pa.Table:
    """Every outcome that is not hidden (schema OUTCOMES), by origin and path. Memory: about 200 bytes a row."""
    released = contents.data(_DATA)
    copies, decisions = contents.ledger("copies"), contents.ledger("decisions")
    shown = decisions.filter(pc.is_valid(decisions.column("origin")))
    tables = [
        _conform(
            released,
            outcome="released",
            path=pc.coalesce(released.column("path_bytes"), released.column("path").cast(pa.binary())),
            blob=pa.array([parse_swhid(s)[1] for s in released.column("swhid").to_pylist()], BLOB),
        ),
        _conform(copies, outcome="merged"),
        _conform(shown, outcome="dropped", stage=shown.column("stage"), count=shown.column("count")),
    ]
    return pa.concat_tables(tables).sort_by([("origin", "ascending"), ("path", "ascending")]).combine_chunks()


def row_outcomes(passed: pa.Table, dropped: list[pa.Table]) -> pa.Table:
    """The same of a run that goes on: what passed the licence stage so far, and what was dropped till then."""
    tables = [_conform(passed, outcome="released")]
    tables += [
        _conform(one, outcome="dropped", stage=one.column("stage"), count=one.column("count")) for one in dropped
    ]
    return pa.concat_tables(tables).sort_by([("origin", "ascending"), ("path", "ascending")]).combine_chunks()


def by_origin(table: pa.Table) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows of each origin in turn, so that only one origin's are Python objects at a time."""
    if not table.num_rows:
        return
    start = 0
    for end in pc.run_end_encode(table.column("origin").combine_chunks()).run_ends.to_pylist():
        rows = table.slice(start, end - start)
        yield rows.column("origin")[0].as_py(), rows.to_pylist()
        start = end


def _conform(table: pa.Table, outcome: str, **columns: Any) -> pa.Table:
    rows = table.num_rows
    columns = {"outcome": pa.repeat(outcome, rows), "count": pa.repeat(pa.scalar(1, pa.int64()), rows), **columns}
    found = [
        columns.get(f.name, table.column(f.name) if f.name in table.column_names else pa.nulls(rows, f.type))
        for f in OUTCOMES
    ]
    return pa.table(found, names=OUTCOMES.names).cast(OUTCOMES)
