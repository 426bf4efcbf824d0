"""Which visit of an origin is taken: the newest full one, at any time or at given days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

USABLE = ("full", "partial")
_BEST_FIRST = ("full", "partial", "ongoing", "created", "failed", "not_found")


@dataclass(frozen=True, slots=True)
class Visit:
    """One row of origin_visit_status."""

    visit: int
    date: int
    """Microseconds since 1970, of the status."""
    status: str
    snapshot: bytes | None
    type: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A visit that is listed, and the day for which, where days were asked for."""

    visit: Visit
    day: date | None


def choose_visits(rows: Iterable[Visit], days: Sequence[date]) -> list[Chosen]:
    """The visit for each day, or the newest without days: full before partial, then the latest date, then the highest
    number. Days that lead to one snapshot give one listing, for the earliest of them; days without a visit give none.
    """
    usable = sorted(
        (row for row in rows if row.status in USABLE and row.snapshot is not None),
        key=lambda row: (-USABLE.index(row.status), row.date, row.visit, row.snapshot or b"", row.type or ""),
    )
    if not days:
        return [Chosen(usable[-1], None)] if usable else []
    found: dict[bytes | None, Chosen] = {}
    for day in sorted(set(days)):
        end = _end_of(day)
        before = [row for row in usable if row.date < end]
        if before:
            found.setdefault(before[-1].snapshot, Chosen(before[-1], day))
    return list(found.values())


def why_none(rows: Iterable[Visit], days: Sequence[date]) -> str:
    """Why an origin has no visit that can be listed, for the ledger."""
    statuses = {row.status for row in rows}
    if statuses & set(USABLE):
        return "no visit with a snapshot at or before the day asked for" if days else "its visits have no snapshot"
    best = next((status for status in _BEST_FIRST if status in statuses), None)
    return f"no visit was finished; the best ended as {best}" if best else "the export has no visit of it"


def _end_of(day: date) -> int:
    after = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    return int(after.timestamp()) * 1_000_000
