"""A release folder opened for reading: never outside of it, and never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError
from pipeline.manifest.model import Entry, Release, read_entries, read_release
from pipeline.schema import INDEX, LEDGERS, RELEASED
from pipeline.stages.release.subsets import released_schema, subsets_of

MANIFESTS = ("release.json", "manifest.jsonl", "manifest-sha256.txt")


class Contents:
    """The manifest and the tables of a release folder, which may be somebody's forgery.

    `damaged` holds the paths that an audit found to be wrong: their tables are not parsed.
    """

    def __init__(self, folder: Path) -> None:
        """Raises IntegrityError where there is no manifest that can be read."""
        self.folder = folder
        self.release: Release = read_release(self.regular("release.json"))
        self.entries: list[Entry] = read_entries(self.regular("manifest.jsonl"))
        self.damaged: set[str] = set()
        self.row_digests: dict[str, list[bytes]] = {}  # of the data shards that check_tables found good
        self._ledgers: dict[str, pa.Table] = {}
        try:
            self.subsets = subsets_of(self.release.configuration)
        except (ValueError, TypeError, AttributeError) as error:
            raise IntegrityError(f"release.json: the subsets cannot be used: {str(error).splitlines()[0]}") from error

    def regular(self, path: str) -> Path:
        """Where a file of the release lies. Raises IntegrityError where it is none: no path that leaves the folder is
        looked at, no link followed, no device or pipe opened."""
        parts = PurePosixPath(path).parts
        if not parts or "\0" in path or path.startswith("/") or ".." in parts or "/".join(parts) != path:
            raise IntegrityError(f"{path!r}: names no file of a release")
        place = self.folder
        for number, part in enumerate(parts, 1):
            place = place / part
            try:
                mode = os.lstat(place).st_mode
            except OSError as error:
                raise IntegrityError(f"{path}: is missing ({error.strerror})") from error
            if not (stat.S_ISREG(mode) if number == len(parts) else stat.S_ISDIR(mode)):
                raise IntegrityError(f"{path}: {part!r} is a link or another thing that no release has")
        return place

    def found(self) -> Iterator[str]:
        """Every path below the folder that is no folder with something in it: files, links, empty folders."""
        for here, folders, files in os.walk(self.folder, followlinks=False):
            relative = Path(here).relative_to(self.folder)
            links = [name for name in folders if (Path(here) / name).is_symlink()]
            yield from ((relative / name).as_posix() for name in (*files, *links))
            if not folders and not files and here != str(self.folder):
                yield relative.as_posix() + "/"

    def entries_of(self, table: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.table == table]

    def pieces(self, entry: Entry, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The rows of one file, a row group at a time. Raises IntegrityError where they cannot be read."""
        if entry.path in self.damaged:
            raise IntegrityError(f"{entry.path}: is not the file that the manifest names, so it is not read")
        path = self.regular(entry.path)
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for number in range(file.num_row_groups):
                    yield file.read_row_group(number, columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(f"{entry.path}: cannot be read as Parquet: {type(error).__name__}") from error

    def digests_of(self, entry: Entry) -> list[bytes]:
        """The row digests of a data shard, in order of rows. Raises IntegrityError where it is damaged."""
        if entry.path not in self.row_digests:
            raise IntegrityError(f"{entry.path}: is damaged, so its rows cannot be judged")
        return self.row_digests[entry.path]

    def schema_of(self, entry: Entry) -> pa.Schema:
        path = self.regular(entry.path)
        try:
            return pq.read_schema(path)
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(f"{entry.path}: cannot be read as Parquet: {type(error).__name__}") from error

    def table_of(self, entry: Entry, columns: list[str] | None = None) -> pa.Table:
        """All rows of one file. Raises IntegrityError where they cannot be read."""
        pieces = list(self.pieces(entry, columns))
        if pieces:
            return pa.concat_tables(pieces)
        empty = self.table_schema(entry.table).empty_table()
        return empty if columns is None else empty.select(columns)

    def data(self, columns: list[str]) -> pa.Table:
        """Some columns of every released row; meant for short ones."""
        empty = RELEASED.empty_table().select(columns)
        return pa.concat_tables([empty, *(self.table_of(entry, columns) for entry in self.entries_of("data"))])

    def ledger(self, name: str) -> pa.Table:
        """All rows of a ledger or of the index, kept once read."""
        if name not in self._ledgers:
            tables = [self.table_of(entry) for entry in self.entries_of(name)]
            self._ledgers[name] = pa.concat_tables([self.table_schema(name).empty_table(), *tables]).combine_chunks()
        return self._ledgers[name]

    def table_schema(self, name: str) -> pa.Schema:
        """The schema of a released table. Raises IntegrityError for a name that this version does not know."""
        if name in LEDGERS:
            return LEDGERS[name][0]
        known = {"data": released_schema(list(self.subsets)), "index": INDEX}
        if name not in known:
            raise IntegrityError(f"{name!r} is no table that this version knows")
        return known[name]
