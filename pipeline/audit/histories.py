"""Histories: revisions hang together, lead to what is released, and are what rows say of the dates of their paths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from pipeline.audit.folder import Contents
from pipeline.audit.report import Check, Report

Row = dict[str, Any]
_MOMENTS = ("first_seen", "last_changed")


def check_histories(contents: Contents, report: Report) -> None:
    """The ledger of revisions against itself, the repositories and the rows. Memory: the ledger without its messages.

    Ids of revisions cannot be computed again: they cover the names that a release must not have.
    """
    check = report.check("histories", "revisions lead to what is released; dates of paths are those of revisions")
    columns = ["revision", "parents", "missing_parents", "committer_seconds", "committer_microseconds"]
    revisions = {row["revision"]: row for row in contents.ledger("revisions").select(columns).to_pylist()}
    for name, row in revisions.items():
        absent = sum(parent not in revisions for parent in row["parents"])
        check.expect(
            absent == row["missing_parents"],
            f"{name}: {absent} of its parents are not in the ledger, it says {row['missing_parents']}",
        )
    repositories = contents.ledger("repositories").select(["revision", "released"]).to_pylist()
    heads = {row["revision"] for row in repositories if row["released"] > 0}
    for name in sorted(revisions.keys() - _reached(heads, revisions)):
        check.problems.append(f"{name}: leads to nothing that is released")
    for entry in contents.entries_of("data"):
        wanted = ["swhid", "revision_id", *_MOMENTS, *(f"{name}_revision" for name in _MOMENTS)]
        table = contents.table_of(entry, wanted)
        table = table.set_column(2, "first_seen", table.column("first_seen").cast(pa.int64()))
        table = table.set_column(3, "last_changed", table.column("last_changed").cast(pa.int64()))
        for row in table.to_pylist():
            _check_dates(row, f"{entry.path} {row['swhid']}", revisions, check)


def _reached(heads: Iterable[str], revisions: dict[str, Row]) -> set[str]:
    found: set[str] = set()
    waiting = list(heads)
    while waiting:
        name = waiting.pop()
        if name in revisions and name not in found:
            found.add(name)
            waiting += revisions[name]["parents"]
    return found


def _check_dates(row: Row, where: str, revisions: dict[str, Row], check: Check) -> None:
    for name in _MOMENTS:
        revision = row[f"{name}_revision"]
        if revision is None:
            check.expect(row[name] is None, f"{where}: {name} without a revision")
            continue
        known = row["revision_id"] in revisions and revision in revisions
        check.expect(known, f"{where}: {name}_revision is not in the ledger of revisions")
        date = _milliseconds(revisions[revision]) if known else row[name]
        check.expect(row[name] == date, f"{where}: {name} is not when {revision} was committed")


def _milliseconds(revision: Row) -> int | None:
    seconds, rest = revision["committer_seconds"], revision["committer_microseconds"]
    return None if seconds is None else int(seconds * 1000 + (rest or 0) // 1000)
