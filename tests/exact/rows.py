"""Occurrences for tests, and the rank of one written in Python, independent of the code under test."""

from __future__ import annotations

from typing import Any, NamedTuple

import pyarrow as pa
from hypothesis import strategies as st

from pipeline.schema import VERDICTS
from pipeline.swhid import content_id

BETTER_FIRST = ["permissive", "permissive_weak", "no_license", "contested", "non_permissive"]


class Row(NamedTuple):
    """The fields of an occurrence that tests vary; date in milliseconds."""

    origin: str
    path: bytes
    blob: bytes
    license_type: str = "permissive"
    stars: int | None = None
    date: int | None = None


def python_key(row: Row) -> tuple[Any, ...]:
    return (
        BETTER_FIRST.index(row.license_type),
        -row.stars if row.stars is not None else float("inf"),
        row.date if row.date is not None else float("inf"),
        row.origin.encode(),
        row.path,
        row.blob,
    )


def table(rows: list[Row]) -> pa.Table:
    dates = pa.array([row.date for row in rows], pa.int64()).cast(VERDICTS.field("date").type)
    fixed: dict[str, list[Any]] = {
        "mode": [0o100644] * len(rows),
        "length": [1] * len(rows),
        "license_expression": ["MIT"] * len(rows),
        "detected_licenses": [["MIT"]] * len(rows),
        "evidence_id": [None] * len(rows),
        "header_evidence_id": [None] * len(rows),
        "license_texts": [[]] * len(rows),
        **{name: [None] * len(rows) for name in ("or_choice", "notice", "notice_path")},
    }
    columns = [
        dates
        if f.name == "date"
        else pa.array(fixed[f.name] if f.name in fixed else [getattr(row, f.name) for row in rows], f.type)
        for f in VERDICTS
    ]
    return pa.table(columns, schema=VERDICTS)


def rows(max_size: int = 12) -> st.SearchStrategy[list[Row]]:
    """Few values each, so that ties happen; an origin and a path come once, as in any listing."""
    row = st.builds(
        Row,
        st.sampled_from(["a", "b", "é", "Z"]),
        st.sampled_from([b"x", b"x/y", b"\xff", b"X", b""]),
        st.sampled_from([content_id(b"1"), content_id(b"2"), content_id(b"3")]),
        st.sampled_from(BETTER_FIRST),
        st.sampled_from([None, 0, 1, 10**6]),
        st.sampled_from([None, -1, 0, 1, 10**12]),
    )
    return st.lists(row, max_size=max_size, unique_by=lambda r: (r.origin, r.path))
