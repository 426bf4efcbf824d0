"""Directories that several origins have, so that it can be said how much of an origin is copied from which other.

A directory is known by its git tree id. One is left out that holds an entry that could not be listed, because its id
is another one then, or that opted out; so is one with fewer than `FEWEST_FILES` files. Work is linear in directories:
each is compared with the best-ranked origin that has it, not with all that do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.schema import BLOB, DUPLICATES, VERDICTS
from pipeline.stages.exact.repositories import Copy, ranked_origins
from pipeline.swhid import TreeEntry, directory_ids

FEWEST_FILES = 3


def _table(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields])


# A directory of an origin, the one above it (null of the root), and how many files are below it.
TREES = pa.schema(
    [
        pa.field("directory", BLOB, nullable=False),
        pa.field("parent", BLOB),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("files", pa.int64(), nullable=False),
        pa.field("stars", pa.int64()),
        pa.field("date", VERDICTS.field("date").type),
    ]
)

# A directory that lies in an origin as in its original, and in none above it that does.
SHARED_TREES = _table(("directory", BLOB), ("origin", pa.string()), ("original", pa.string()), ("files", pa.int64()))


def trees(origin: Mapping[str, object], files: Iterable[TreeEntry], without: set[bytes]) -> list[dict[str, object]]:
    """Rows of TREES for an origin (with origin, stars and date); `without` are paths that no directory may hold.

    Time and memory: one record for each file.
    """
    entries = list(files)
    count: dict[bytes, int] = defaultdict(int)
    for entry in entries:
        for above in _above(entry.path):
            count[above] += 1
    spoilt = {above for path in without for above in _above(path)}
    found = {path: bytes(identifier) for path, identifier in directory_ids(entries)}
    rows: dict[bytes, dict[str, object]] = {}
    for path in sorted(found):
        if path not in spoilt and count[path] >= FEWEST_FILES:
            above = path.rpartition(b"/")[0]
            parent = found[above] if path and above not in spoilt else None
            rows.setdefault(found[path] + (parent or b""), {
                "directory": found[path], "parent": parent, "files": count[path], **origin,
            })  # fmt: skip
    return list(rows.values())


def _above(path: bytes) -> Iterator[bytes]:
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def shared_trees(rows: pa.Table) -> pa.Table:
    """SHARED_TREES of TREES that hold all of their directories' rows. Independent of the order of rows."""
    counts = rows.group_by("directory").aggregate([("origin", "count_distinct")])
    several = counts.filter(pc.greater(counts.column("origin_count_distinct"), 1)).column("directory")
    places: dict[bytes, dict[str, set[bytes | None]]] = defaultdict(lambda: defaultdict(set))
    files: dict[bytes, int] = {}
    # An origin has the same stars and date in all its rows.
    for row in ranked_origins(rows.filter(pc.is_in(rows.column("directory"), value_set=several))).to_pylist():
        places[row["directory"]][row["origin"]].add(row["parent"])
        files[row["directory"]] = row["files"]
    found = []
    for directory, origins in places.items():
        (original, parents), *others = origins.items()
        for origin, own in others:
            if not (own & parents) - {None}:
                found.append((directory, origin, original, files[directory]))
    columns = list(zip(*sorted(found), strict=True)) or [(), (), (), ()]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SHARED_TREES, strict=True)], schema=SHARED_TREES)


def as_duplicates(shared: pa.Table, copies: list[Copy], listed: dict[str, int]) -> pa.Table:
    """DUPLICATES of kind `directory`: its id, the two origins, and the share of the one's files that lie in it.

    What lies in an origin that is itself called a copy of the same original is said there already.
    """
    known = {(copy.origin, copy.original) for copy in copies}
    rows = [
        {
            "dropped": row["directory"],
            "kept": row["directory"],
            "kind": "directory",
            "jaccard": 1.0,
            "component": row["directory"],
            "relation": "directory",
            "dropped_origin": row["origin"],
            "kept_origin": row["original"],
            "containment": row["files"] / listed[row["origin"]],
        }
        for row in shared.to_pylist()
        if (row["origin"], row["original"]) not in known
    ]
    return pa.Table.from_pylist(rows, schema=DUPLICATES)
