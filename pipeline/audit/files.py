"""A release's files: all that the manifest names, unchanged, and no others."""

from __future__ import annotations

import hashlib
from collections import Counter

from pipeline.audit.folder import MANIFESTS, Contents
from pipeline.audit.report import Check, Report
from pipeline.engine.keys import file_sha256
from pipeline.errors import IntegrityError
from pipeline.manifest.digests import body_sha256, content_root, row_digests
from pipeline.manifest.model import Entry, entries_text
from pipeline.schema import LEDGERS, SCHEMA_VERSION, folder_of
from pipeline.stages.release.plan import folders


def check_files(contents: Contents, report: Report) -> None:
    """Digests, stray and missing files. What fails here is parsed by no later check."""
    check = report.check("files", "every file is listed once, is there, and has its sha256; nothing else is there")
    listed = Counter(entry.path for entry in contents.entries)
    for path, times in listed.items():
        check.expect(times == 1 and path not in MANIFESTS, f"{path}: is listed more than once, or is a manifest")
    for path in sorted(set(contents.found()) - listed.keys() - set(MANIFESTS)):
        check.problems.append(f"{path}: no manifest lists this")
    for entry in contents.entries:
        problem = _problem(contents, entry)
        if problem is not None:
            contents.damaged.add(entry.path)
            check.problems.append(problem)


def _problem(contents: Contents, entry: Entry) -> str | None:
    try:
        path = contents.regular(entry.path)
        size = path.stat().st_size
        if size != entry.bytes:
            return f"{entry.path}: has {size} bytes, the manifest says {entry.bytes}"
        if file_sha256(path) != entry.sha256:
            return f"{entry.path}: its sha256 is not the manifest's"
    except IntegrityError as error:
        return str(error)
    except OSError as error:
        return f"{entry.path}: cannot be read: {error.strerror}"
    return None


def check_manifest(contents: Contents, report: Report) -> None:
    """The root, the checksum list, and that the manifest's files hold what they were read as and no more."""
    check = report.check("root", "the Merkle root commits to release.json and to every line of the manifest")
    root = contents.release.computed_root(contents.entries)
    check.expect(
        root == contents.release.root,
        f"release.json: the root says {contents.release.root}, but manifest and release.json give {root}",
    )
    own = {"release.json": contents.release.text(), "manifest.jsonl": entries_text(contents.entries)}
    stated = {name: contents.regular(name).read_bytes() for name in own}
    for name, text in own.items():
        # A key that stands twice, or a blank, would be seen by one reader and not by another.
        check.expect(stated[name] == text, f"{name}: is not written in its one canonical form")

    sums = report.check("checksums", "manifest-sha256.txt says the same, for `sha256sum -c`")
    digests = {entry.path: entry.sha256 for entry in contents.entries}
    digests |= {name: hashlib.sha256(data).hexdigest() for name, data in stated.items()}
    wanted = "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))
    try:
        found = contents.regular("manifest-sha256.txt").read_bytes()
    except IntegrityError as error:
        sums.problems.append(str(error))
        return
    sums.expect(found == wanted.encode(), "manifest-sha256.txt: is not the list that the manifest gives")


def check_tables(contents: Contents, report: Report) -> None:
    """Schema, place, rows, order-free digests of every table. Memory: one row group, and 32 bytes a row of data."""
    check = report.check("tables", "every table has its schema, its place, its number of rows and its content root")
    check.expect(
        contents.release.schema_version == SCHEMA_VERSION,
        f"release.json: schema_version is {contents.release.schema_version}, this program knows {SCHEMA_VERSION}",
    )
    _check_places(contents, check)
    for entry in contents.entries:
        if entry.table != "file" and entry.path not in contents.damaged:
            try:
                _check_table(contents, entry, check)
            except (IntegrityError, ValueError) as error:  # ValueError: of Arrow, where a column is not valid
                contents.damaged.add(entry.path)
                check.problems.append(f"{entry.path}: {error}")


def _check_places(contents: Contents, check: Check) -> None:
    slugs = folders(sorted({entry.language for entry in contents.entries_of("data")}, key=lambda name: name or ""))
    for entry in contents.entries:
        number = f"{entry.bucket:05d}.parquet" if entry.bucket is not None else ""
        if entry.table == "data":
            wanted = f"data/{slugs[entry.language]}/{number}"
        elif entry.table in LEDGERS:
            wanted = f"{folder_of(entry.table)}/{number}"
        else:
            wanted = "index/released.parquet" if entry.table == "index" else entry.path
        check.expect(entry.path == wanted, f"{entry.path}: belongs at {wanted}")
        check.expect(
            entry.table != "file" or not entry.path.endswith(".parquet"), f"{entry.path}: is a table, not a file"
        )


def _check_table(contents: Contents, entry: Entry, check: Check) -> None:
    schema = contents.table_schema(entry.table)
    if not contents.schema_of(entry).equals(schema):
        raise IntegrityError(f"its schema is not that of {entry.table}")
    digests: list[bytes] = []
    for piece in contents.pieces(entry):
        piece.validate(full=True)
        digests += row_digests(piece)
    check.expect(len(digests) == entry.rows, f"{entry.path}: {len(digests)} rows, the manifest says {entry.rows}")
    check.expect(content_root(digests) == entry.content_root, f"{entry.path}: its content root is not the manifest's")
    body = body_sha256(contents.folder / entry.path)
    check.expect(body == entry.body_sha256, f"{entry.path}: its body sha256 is not the manifest's")
    if entry.table == "data":
        contents.row_digests[entry.path] = digests
