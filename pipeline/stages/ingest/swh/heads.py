"""From origins to root directories: visit, snapshot, branch, release, revision.

Every table is streamed and held against what the chosen origins need, so memory grows with them (about 2 kB each),
never with the export.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import HEADS
from pipeline.stages.ingest.config import SwhSource
from pipeline.stages.ingest.swh.branches import Branches, Candidate, Target, first_choices, heads, releases
from pipeline.stages.ingest.swh.selection import taken
from pipeline.stages.ingest.swh.visits import Chosen, Visit, choose_visits, why_none

Read = Callable[[str, Sequence[str]], Iterable[pa.Table]]
"""Streams a table of the export: its name and the columns wanted (see export.SCHEMA)."""


@dataclass(frozen=True, slots=True)
class _Root:
    """Where a branch leads."""

    candidate: Candidate
    release: bytes | None
    revision: bytes | None
    date: int | None
    directory: bytes


def find_heads(
    read: Read, source: SwhSource, number: int, listed: frozenset[str] | None, sampled: Callable[[str], bool]
) -> pa.Table:
    """One row of HEADS per listing, by origin: every chosen origin has at least one, usable or with a rule.

    `listed` are the only origins to take, if not None; `number` is the source's place in the configuration.
    """
    days = _days(source.as_of)
    visits = _visits(read, source, listed, sampled)
    chosen = {url: choose_visits(rows, days) for url, rows in visits.items()}
    snapshots = {c.visit.snapshot for found in chosen.values() for c in found if c.visit.snapshot}
    roots = _Roots(read, _branches(read, snapshots), _present(read, snapshots))
    rows = []
    for url, found in chosen.items():
        if not found:
            rows.append({"origin": url, "source": number, "rule": "no_visit", "reason": why_none(visits[url], days)})
        rows += [_row(url, number, visit, roots, len(days) > 1) for visit in found]
    columns = {name: [row.get(name) for row in rows] for name in HEADS.names}
    table = pa.table([pa.array(columns[field.name], _plain(field.type)) for field in HEADS], names=HEADS.names)
    return table.cast(HEADS).sort_by("origin")


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind


def _row(url: str, number: int, chosen: Chosen, roots: _Roots, several: bool) -> dict[str, Any]:
    visit = chosen.visit
    assert visit.snapshot is not None, "only visits with a snapshot are chosen"
    row: dict[str, Any] = {
        "origin": f"{url}#as_of={chosen.day.isoformat()}" if several and chosen.day else url,
        "source": number,
        "visit": visit.visit,
        "visit_type": visit.type,
        "visit_date": visit.date // 1000,
        "visit_status": visit.status,
        "snapshot": visit.snapshot,
    }
    root = roots.of(visit.snapshot)
    if isinstance(root, tuple):
        return row | {"rule": root[0], "reason": root[1]}
    return row | {
        "branch": root.candidate.name,
        "branch_rule": root.candidate.rule,
        "release": root.release,
        "revision": root.revision,
        "revision_date": None if root.date is None else root.date // 1000,
        "directory": root.directory,
    }


def _days(as_of: date | tuple[date, ...] | None) -> list[date]:
    if as_of is None:
        return []
    return [as_of] if isinstance(as_of, date) else list(as_of)


def _visits(
    read: Read, source: SwhSource, listed: frozenset[str] | None, sampled: Callable[[str], bool]
) -> dict[str, list[Visit]]:
    """The visits of each origin that is taken."""
    found: dict[str, list[Visit]] = {}
    for table in read("origin", ("url",)):
        urls = _array(table.column("url"))
        for url in urls.filter(taken(urls, source, listed)).to_pylist():
            if sampled(url):
                found[url] = []
    wanted = pa.array(sorted(found), pa.string())
    types: dict[tuple[str, int], str] = {}
    for row in _rows(read, "origin_visit", ("origin", "visit", "type"), "origin", wanted):
        types[row["origin"], row["visit"]] = row["type"]
    columns = ("origin", "visit", "date", "status", "snapshot", "type")
    for row in _rows(read, "origin_visit_status", columns, "origin", wanted):
        kind = row["type"] or types.get((row["origin"], row["visit"]))
        if row["date"] is not None:
            found[row["origin"]].append(Visit(row["visit"], row["date"], row["status"], row["snapshot"], kind))
    if source.visit_types:
        # An origin that was only ever visited otherwise is not one that was asked for.
        kept = {url: [v for v in rows if v.type in source.visit_types] for url, rows in found.items()}
        found = {url: rows for url, rows in kept.items() if rows or not found[url]}
    return found


def _present(read: Read, snapshots: Iterable[bytes]) -> set[bytes]:
    wanted = pa.array(sorted(snapshots), pa.binary(20))
    return {row["id"] for row in _rows(read, "snapshot", ("id",), "id", wanted)}


def _branches(read: Read, snapshots: Iterable[bytes]) -> dict[bytes, Branches]:
    wanted = pa.array(sorted(snapshots), pa.binary(20))
    found: defaultdict[bytes, dict[bytes, Target]] = defaultdict(dict)
    columns = ("snapshot_id", "name", "target", "target_type")
    for row in _rows(read, "snapshot_branch", columns, "snapshot_id", wanted):
        if row["target"] is not None and row["target_type"] is not None:
            found[row["snapshot_id"]][row["name"]] = Target(row["target_type"], row["target"])
    return dict(found)


class _Roots:
    """Where snapshots lead: first by the usual names of all of them; by releases and heads only of what is left."""

    def __init__(self, read: Read, branches: dict[bytes, Branches], present: set[bytes]) -> None:
        self._read, self._branches, self._present = read, branches, present
        self._releases: dict[bytes, tuple[str, bytes]] = {}
        self._revisions: dict[bytes, tuple[bytes, int | None]] = {}
        self._look_up(c for own in branches.values() for c in first_choices(own))
        rest = [own for snapshot, own in branches.items() if isinstance(self._first(own), tuple)]
        self._look_up(c for own in rest for c in (*releases(own), *heads(own)))

    def of(self, snapshot: bytes) -> _Root | tuple[str, str]:
        """The root of a snapshot, or rule and reason why it has none."""
        own = self._branches.get(snapshot)
        if not own:
            if snapshot not in self._present:
                return "missing_snapshot", "the export does not hold the snapshot of its visit"
            return "empty_snapshot", "its snapshot has no branch"
        found = self._first(own)
        if isinstance(found, _Root):
            return found
        problems = [found]
        for candidate in releases(own):
            root = self._root(candidate)
            if isinstance(root, _Root):
                return root
            problems.append(root)
        newest: list[_Root] = []
        for candidate in heads(own):
            root = self._root(candidate)
            if isinstance(root, _Root):
                newest.append(root)
            else:
                problems.append(root)
        if newest:
            # The first of equals: candidates come by name.
            return max(newest, key=lambda root: -(2**63) if root.date is None else root.date)
        return next((problem for problem in problems if problem[0] != "no_branch"), problems[0])

    def _first(self, own: Branches) -> _Root | tuple[str, str]:
        problem = ("no_branch", "its snapshot has no branch that leads to a directory")
        for candidate in first_choices(own):
            root = self._root(candidate)
            if isinstance(root, _Root):
                return root
            problem = root if problem[0] == "no_branch" else problem
        return problem

    def _root(self, candidate: Candidate) -> _Root | tuple[str, str]:
        kind, identifier = candidate.target.type, _id(candidate.target.id)
        release: bytes | None = None
        seen: set[bytes] = set()
        while kind == "release" and identifier is not None and identifier not in seen:
            seen.add(identifier)
            release = release or identifier
            if identifier not in self._releases:
                return "missing_release", "the export does not hold the release that its branch names"
            kind, identifier = self._releases[identifier]
        if identifier is None or kind not in ("revision", "directory"):
            return "no_branch", "its snapshot has no branch that leads to a directory"
        if kind == "directory":
            return _Root(candidate, release, None, None, identifier)
        if identifier not in self._revisions:
            return "missing_revision", "the export does not hold the revision that its branch names"
        directory, when = self._revisions[identifier]
        return _Root(candidate, release, identifier, when, directory)

    def _look_up(self, candidates: Iterable[Candidate]) -> None:
        """Read the releases and revisions that `candidates` lead to; nested tags take a pass each."""
        named = {(c.target.type, i) for c in candidates if (i := _id(c.target.id)) is not None}
        revisions = {i for kind, i in named if kind == "revision"}
        waiting = {i for kind, i in named if kind == "release"} - set(self._releases)
        while waiting:
            wanted = pa.array(sorted(waiting), pa.binary(20))
            waiting = set()
            for row in _rows(self._read, "release", ("id", "target", "target_type"), "id", wanted):
                if row["target"] is None:
                    continue
                self._releases[row["id"]] = (row["target_type"], row["target"])
                if row["target_type"] == "release":
                    waiting.add(row["target"])
                elif row["target_type"] == "revision":
                    revisions.add(row["target"])
            waiting -= set(self._releases)
        wanted = pa.array(sorted(revisions - set(self._revisions)), pa.binary(20))
        for row in _rows(self._read, "revision", ("id", "directory", "committer_date"), "id", wanted):
            self._revisions[row["id"]] = (row["directory"], row["committer_date"])


def _rows(read: Read, table: str, columns: Sequence[str], key: str, wanted: pa.Array) -> Iterator[dict[str, Any]]:
    """The rows of a table whose `key` is among `wanted`."""
    if not len(wanted):
        return
    for piece in read(table, columns):
        own = piece.filter(pc.is_in(piece.column(key), value_set=wanted))
        if own.num_rows:
            yield from own.to_pylist()


def _id(text: str) -> bytes | None:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == 20 else None


def _array(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(column.chunks)
