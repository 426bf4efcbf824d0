"""Small exports in memory: the directories of file trees, with true ids."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schema import DIRECTORY_ENTRIES
from pipeline.swhid import MODE_DIRECTORY

Tree = Mapping[bytes, "Tree | bytes"]
"""Names to folders or to file contents."""

Directories = dict[bytes, list[tuple[bytes, int, bytes]]]


def blob_id(data: bytes) -> bytes:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).digest()


def directory_id(entries: list[tuple[bytes, int, bytes]]) -> bytes:
    body = b"".join(b"%o %s\0%s" % (mode, name, target) for name, mode, target in entries)
    return hashlib.sha1(b"tree %d\0" % len(body) + body).digest()


def add(tree: Tree, found: Directories) -> bytes:
    """The id of `tree`; its directories are added to `found`."""
    entries = [
        (name, 0o100644, blob_id(below)) if isinstance(below, bytes) else (name, MODE_DIRECTORY, add(below, found))
        for name, below in tree.items()
    ]
    entries.sort(key=lambda e: e[0] + (b"/" if e[1] == MODE_DIRECTORY else b""))
    identifier = directory_id(entries)
    found[identifier] = entries
    return identifier


def paths(tree: Tree, prefix: bytes = b"") -> dict[bytes, bytes]:
    """Every path with the id of its content."""
    found: dict[bytes, bytes] = {}
    for name, below in tree.items():
        if isinstance(below, bytes):
            found[prefix + name] = blob_id(below)
        else:
            found |= paths(below, prefix + name + b"/")
    return found


def table(directories: Directories) -> pa.Table:
    rows = [(directory, *entry) for directory, entries in directories.items() for entry in entries]
    columns = list(zip(*rows, strict=True)) or [()] * 4
    return pa.table([list(c) for c in columns], schema=DIRECTORY_ENTRIES)


def contents_of(tree: Tree) -> dict[bytes, bytes]:
    """Every content of `tree` by its id."""
    found: dict[bytes, bytes] = {}
    for below in tree.values():
        found |= {blob_id(below): below} if isinstance(below, bytes) else contents_of(below)
    return found


@dataclass
class SmallExport:
    """A graph export of a few made-up origins, written with `write`. Each visit has a snapshot of its own."""

    directories: Directories = field(default_factory=dict)
    contents: dict[bytes, bytes] = field(default_factory=dict)
    status: dict[bytes, str] = field(default_factory=dict)
    """Of contents that are not visible; `absent` ones are skipped, `lost` ones are in no table."""
    visits: list[dict[str, Any]] = field(default_factory=list)
    branches: list[dict[str, Any]] = field(default_factory=list)
    revisions: list[dict[str, Any]] = field(default_factory=list)
    parents: list[tuple[str, str]] = field(default_factory=list)
    """Of revisions, in hex: a revision and one of its parents."""

    def visit(self, url: str, tree: Tree | None, day: int = 0, kind: str = "git", branch: bytes = b"HEAD") -> bytes:
        """Add a visit on a day of 2020 that saw `tree`, or nothing; the root directory's id."""
        when = datetime(2020, 1, 1) + timedelta(days=day)
        name = f"{url} {day}".encode()
        snapshot, revision = (hashlib.sha1(what + name).hexdigest() for what in (b"snapshot ", b"revision "))
        about = {"origin": url, "visit": len(self.visits), "date": when, "type": kind}
        self.visits.append(about | {"status": "full", "snapshot": snapshot})
        if tree is None:
            return b""
        root = add(tree, self.directories)
        self.contents |= contents_of(tree)
        self.branches.append({"snapshot_id": snapshot, "name": branch, "target": revision, "target_type": "revision"})
        self.revisions.append({"id": revision, "directory": root.hex(), "committer_date": when})
        return root

    def write(self, folder: Path) -> Path:
        """The tables in Parquet in `folder`/parquet, the contents in `folder`/content."""
        text, binary = pa.string(), pa.binary()
        snapshots = [{"id": v["snapshot"]} for v in self.visits]
        known = {i: d for i, d in self.contents.items() if self.status.get(i) not in ("absent", "lost")}
        entries = [
            {"directory_id": directory.hex(), "name": name, "type": "dir" if mode == MODE_DIRECTORY else "file",
             "target": target.hex(), "perms": mode}
            for directory, rows in self.directories.items() for name, mode, target in rows
        ]  # fmt: skip
        hashes = [
            {"sha1": hashlib.sha1(d).hexdigest(), "sha1_git": i.hex(), "sha256": hashlib.sha256(d).hexdigest(),
             "length": len(d), "status": self.status.get(i, "visible")} for i, d in known.items()
        ]  # fmt: skip
        skipped = [{"sha1_git": i.hex(), "length": len(self.contents[i]), "reason": "Content too large"}
                   for i, status in self.status.items() if status == "absent"]  # fmt: skip
        ids = {"sha1": text, "sha1_git": text, "sha256": text, "length": pa.int64()}
        tables: dict[str, tuple[list[dict[str, Any]], dict[str, pa.DataType]]] = {
            "origin": ([{"url": url} for url in dict.fromkeys(v["origin"] for v in self.visits)], {"url": text}),
            "origin_visit": (self.visits, {"origin": text, "visit": pa.int64(), "date": _WHEN, "type": text}),
            "origin_visit_status": (self.visits, {
                "origin": text, "visit": pa.int64(), "date": _WHEN, "status": text, "snapshot": text, "type": text,
            }),
            "snapshot": (snapshots, {"id": text}),
            "snapshot_branch": (self.branches, {
                "snapshot_id": text, "name": binary, "target": text, "target_type": text,
            }),
            "release": ([], {"id": text, "target": text, "target_type": text}),
            "revision": (
                [dict.fromkeys(_REVISION) | row for row in self.revisions],
                {"id": text, "directory": text, "committer_date": _WHEN, **_REVISION},
            ),
            "revision_history": (
                [{"id": c, "parent_id": p, "parent_rank": n} for n, (c, p) in enumerate(self.parents)],
                {"id": text, "parent_id": text, "parent_rank": pa.int64()},
            ),
            "directory_entry": (entries, {
                "directory_id": text, "name": binary, "type": text, "target": text, "perms": pa.int32(),
            }),
            "content": (hashes, {**ids, "status": text}),
            "skipped_content": (skipped, {"sha1_git": text, "length": pa.int64(), "reason": text}),
        }  # fmt: skip
        for name, (rows, kinds) in tables.items():
            path = folder / "parquet" / name / f"{name}.parquet"
            path.parent.mkdir(parents=True)
            chosen = [{column: row[column] for column in kinds} for row in rows]
            pq.write_table(pa.Table.from_pylist(chosen, pa.schema(list(kinds.items()))), path)
        store = folder / "content"
        store.mkdir()
        for data in known.values():
            (store / hashlib.sha1(data).hexdigest()).write_bytes(gzip.compress(data, mtime=0))
        return folder


_WHEN = pa.timestamp("us")
_REVISION = {
    "message": pa.binary(), "author": pa.binary(), "date": _WHEN, "date_offset": pa.int16(), "committer": pa.binary(),
    "committer_offset": pa.int16(), "type": pa.string(),
}  # fmt: skip
