"""A forger's tool: change the tables of a release, then make every digest, count and root fit again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine.keys import file_sha256
from pipeline.manifest.model import Entry, Release, entries_text, read_entries, read_release
from pipeline.schema import INDEX, LEDGERS, LICENSE_TYPES, RELEASED
from pipeline.stages.release.config import ReleaseConfig
from pipeline.stages.release.shards import entry_of, index_rows, ordered, write_shard
from pipeline.stages.release.subsets import added, released_schema, subsets_of, with_subsets
from pipeline.swhid import TreeEntry, directory_ids, swhid

Row = dict[str, Any]
Rows = list[Row]


class Forgery:
    """The tables of a release as Python rows, by file. `seal` writes them back so that all digests and counts agree."""

    def __init__(self, folder: Path, *, tables: bool = True) -> None:
        self.folder = folder
        self.release: Release = read_release(folder / "release.json")
        self.entries: list[Entry] = read_entries(folder / "manifest.jsonl")
        self.tables: dict[str, Rows] = {
            entry.path: pq.ParquetFile(folder / entry.path).read().to_pylist()
            for entry in self.entries
            if tables and entry.table not in ("file", "index")
        }

    def entry(self, path: str) -> Entry:
        return next(entry for entry in self.entries if entry.path == path)

    def files(self, table: str) -> list[tuple[Entry, Rows]]:
        return [(entry, self.tables[entry.path]) for entry in self.entries if entry.table == table]

    def rows(self, table: str, wanted: Callable[[Row], bool] = lambda row: True) -> Rows:
        """The rows themselves, in all files of a table: change them in place."""
        found = [row for _, rows in self.files(table) for row in rows if wanted(row)]
        assert found, f"the tiny release has no such row in {table}"
        return found

    def remove(self, table: str, row: Row) -> None:
        for _, rows in self.files(table):
            rows[:] = [other for other in rows if other is not row]

    def add(self, table: str, row: Row, like: Row | None = None) -> None:
        """Add a row to the file of `like`, or to the first."""
        files = self.files(table)
        home = next((rows for _, rows in files if like is not None and any(r is like for r in rows)), files[0][1])
        home.append(row)

    def regrow(self, origin: str) -> None:
        """Give an origin the directory id that its outcomes make now, wherever it is stated."""
        entries = [
            TreeEntry(_path(row), row["mode"], bytes.fromhex(row["swhid"][10:]))
            for row in self.rows("data")
            if row["origin"] == origin
        ]
        for table in ("copies", "decisions"):
            entries += [
                TreeEntry(row["path"], row["mode"], row["blob"]) for row in self.rows(table) if row["origin"] == origin
            ]
        identifier = dict(directory_ids(entries))[b""]
        for row in self.rows("repositories", lambda row: row["origin"] == origin):
            row["directory"] = identifier
        for row in self.rows("data"):
            if row["origin"] == origin:
                stated, row["directory_id"] = row["directory_id"], swhid("dir", identifier)
                row["qualified_swhid"] = row["qualified_swhid"].replace(stated, row["directory_id"])

    def seal(self, *, sort: bool = True, recount: bool = True) -> Path:
        """Write everything so that all that is computed from the tables is computed anew. Returns the folder."""
        if recount:
            self._recount()
        subsets = subsets_of(self.release.configuration)
        schemas = {"data": released_schema(list(subsets))} | {name: schema for name, (schema, _) in LEDGERS.items()}
        config, index, entries = ReleaseConfig(), [INDEX.empty_table()], []
        for entry in self.entries:
            path = self.folder / entry.path
            if entry.table == "index":
                continue
            if entry.table == "file":
                data = path.read_bytes()
                entries.append(
                    Entry(path=entry.path, table="file", bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
                )
                continue
            table = pa.Table.from_pylist(self.tables[entry.path], schema=schemas[entry.table])
            table = ordered(table, entry.table) if sort else table
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            write_shard(path, table, config)
            place: dict[str, Any] = {
                k: getattr(entry, k) for k in ("bucket", "buckets", "language") if getattr(entry, k) is not None
            }
            if entry.table == "data":
                place["subsets"] = with_subsets(table.select(RELEASED.names), subsets)[1]
            entries.append(entry_of(path, entry.path, entry.table, table, file_sha256(path), place))
            if entry.table == "data":
                index.append(index_rows(table, entry.path))
        found = pa.concat_tables(index).sort_by("swhid").combine_chunks()
        path = self.folder / "index/released.parquet"
        write_shard(path, found, config)
        entries.append(entry_of(path, "index/released.parquet", "index", found, file_sha256(path), {}))
        self.entries = entries
        if recount:
            self.release.subsets = dict(added(entry.model_dump().get("subsets") or {} for entry in entries))
        return self.seal_manifest()

    def seal_manifest(self) -> Path:
        """Write release.json, manifest.jsonl and the checksum list for the entries as they are."""
        self.release.root = self.release.computed_root(self.entries)
        (self.folder / "release.json").write_bytes(self.release.text())
        (self.folder / "manifest.jsonl").write_bytes(entries_text(self.entries))
        sums = {entry.path: entry.sha256 for entry in self.entries}
        sums |= {name: file_sha256(self.folder / name) for name in ("release.json", "manifest.jsonl")}
        text = "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items()))
        (self.folder / "manifest-sha256.txt").write_text(text)
        return self.folder

    def _recount(self) -> None:
        data = [row for _, rows in self.files("data") for row in rows]
        copies, decisions, redactions, repositories = (
            [row for _, rows in self.files(name) for row in rows]
            for name in ("copies", "decisions", "redactions", "repositories")
        )
        for row in repositories:
            own = row["origin"]
            row["released"] = sum(other["origin"] == own for other in data)
            row["merged"] = sum(other["origin"] == own for other in copies)
            row["dropped"] = sum(other["count"] for other in decisions if other["origin"] == own)
            row["listed"] = row["released"] + row["merged"] + row["dropped"]
            judged = [other["license_type"] for other in (*data, *copies, *decisions) if other["origin"] == own]
            row |= {verdict: judged.count(verdict) for verdict in LICENSE_TYPES}
        dropped: Counter[str] = Counter()
        for row in decisions:
            dropped[f"{row['stage']}.{row['rule']}"] += row["count"]
        totals = self.release.totals
        totals.released, totals.merged, totals.dropped = len(data), len(copies), dict(dropped)
        totals.listed = len(data) + len(copies) + dropped.total()
        self.release.origins = len(repositories)
        self.release.languages = dict(Counter(row["language"] or "" for row in data))
        self.release.licenses = dict(Counter(row["license_expression"] or "" for row in data))
        self.release.redactions = dict(Counter(row["cls"] for row in redactions))


def _path(row: Row) -> bytes:
    raw: bytes | None = row["path_bytes"]
    path: str = row["path"]
    return path.encode() if raw is None else raw
