"""Small exports in memory: the directories of file trees, with true ids."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pyarrow as pa

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
