"""A release's files: all that the manifest names, unchanged, and no others."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.audit.report import Report
from pipeline.engine.keys import file_sha256
from pipeline.errors import IntegrityError
from pipeline.manifest.digests import body_sha256, content_root, row_digests
from pipeline.manifest.model import Entry, Release, read_entries, read_release
from pipeline.schema import INDEX, LEDGERS, RELEASED

_MANIFESTS = ("release.json", "manifest.jsonl", "manifest-sha256.txt")


class Contents:
    """A release folder opened for audit: its manifest, and its tables, verified as they are read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.release: Release = read_release(folder / "release.json")
        self.entries: list[Entry] = read_entries(folder / "manifest.jsonl")
        self._tables: dict[str, pa.Table] = {}

    def entries_of(self, table: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.table == table]

    def table_of(self, entry: Entry, columns: list[str] | None = None) -> pa.Table:
        """The rows of one file. Raises IntegrityError where it cannot be read."""
        try:
            return pq.read_table(self.folder / entry.path, columns=columns, page_checksum_verification=True)
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(f"{entry.path}: cannot be read as Parquet: {type(error).__name__}") from error

    def ledger(self, name: str) -> pa.Table:
        """All rows of a ledger, kept once read."""
        if name not in self._tables:
            empty = (INDEX if name == "index" else LEDGERS[name][0]).empty_table()
            tables = [self.table_of(entry) for entry in self.entries_of(name)]
            self._tables[name] = pa.concat_tables([*tables, empty]).combine_chunks()
        return self._tables[name]


def check_files(contents: Contents, report: Report) -> None:
    """Digests, stray and missing files, the checksum list and the root."""
    folder = contents.folder
    check = report.check("files", "every file is listed once, is there, and has its sha256; nothing else is there")
    listed = [entry.path for entry in contents.entries]
    check.expect(len(set(listed)) == len(listed), "manifest.jsonl names a file twice")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for path in sorted(found - set(listed) - set(_MANIFESTS)):
        check.problems.append(f"{path}: no manifest lists this file")
    for entry in contents.entries:
        path = folder / entry.path
        if ".." in Path(entry.path).parts or Path(entry.path).is_absolute():
            check.problems.append(f"{entry.path}: a manifest may not name a file outside of the release")
        elif path.is_symlink() or not path.is_file():
            check.problems.append(f"{entry.path}: is missing, or no regular file")
        elif path.stat().st_size != entry.bytes:
            check.problems.append(f"{entry.path}: has {path.stat().st_size} bytes, the manifest says {entry.bytes}")
        elif file_sha256(path) != entry.sha256:
            check.problems.append(f"{entry.path}: its sha256 is not the manifest's")
    root = contents.release.computed_root(contents.entries)
    check.expect(
        root == contents.release.root,
        f"release.json: the root says {contents.release.root}, but manifest and release.json give {root}",
    )
    _check_sums(contents, report)


def _check_sums(contents: Contents, report: Report) -> None:
    check = report.check("checksums", "manifest-sha256.txt says the same, for `sha256sum -c`")
    expected = {entry.path: entry.sha256 for entry in contents.entries}
    for name in ("release.json", "manifest.jsonl"):
        expected[name] = hashlib.sha256((contents.folder / name).read_bytes()).hexdigest()
    path = contents.folder / "manifest-sha256.txt"
    if not path.is_file():
        check.problems.append("manifest-sha256.txt: is missing")
        return
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    stated = [tuple(line.split("  ", 1)) for line in lines]
    wanted = [(sha256, name) for name, sha256 in sorted(expected.items())]
    check.expect(stated == wanted, "manifest-sha256.txt: is not the list that the manifest gives")


def check_tables(contents: Contents, report: Report) -> None:
    """Schema, rows and content digests of every table."""
    check = report.check("tables", "every table has its schema, its number of rows and its content root")
    for entry in contents.entries:
        if entry.table == "file":
            continue
        schema = {"data": RELEASED, "index": INDEX}.get(entry.table) or LEDGERS.get(entry.table, (None,))[0]
        if schema is None:
            check.problems.append(f"{entry.path}: {entry.table!r} is no table that this version knows")
            continue
        try:
            table = contents.table_of(entry)
            table.validate(full=True)
        except (IntegrityError, pa.ArrowInvalid) as error:
            check.problems.append(f"{entry.path}: {error}")
            continue
        check.expect(table.schema.equals(schema), f"{entry.path}: its schema is not that of {entry.table}")
        check.expect(table.num_rows == entry.rows, f"{entry.path}: {table.num_rows} rows, the manifest says {entry.rows}")
        digests = content_root(list(row_digests(table)))
        check.expect(digests == entry.content_root, f"{entry.path}: its content root is not the manifest's")
        body = body_sha256(contents.folder / entry.path)
        check.expect(body == entry.body_sha256, f"{entry.path}: its body sha256 is not the manifest's")
