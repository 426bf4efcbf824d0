"""Software Heritage identifiers: computed and written as in SWHID 1.2 (ISO/IEC 18670).

`ContentId` and friends are raw 20-byte git object ids, the form used inside the pipeline
(`fixed_size_binary(20)`); a SWHID string is the form used in a release and towards people.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NewType
from urllib.parse import quote_from_bytes

BlobId = NewType("BlobId", bytes)
DirectoryId = NewType("DirectoryId", bytes)
Swhid = NewType("Swhid", str)

MODE_FILE = 0o100644
MODE_EXECUTABLE = 0o100755
MODE_SYMLINK = 0o120000
MODE_SUBMODULE = 0o160000
MODE_DIRECTORY = 0o040000

_SWHID = re.compile(r"swh:1:(cnt|dir|rev|rel|snp):([0-9a-f]{40})")


def content_id(data: bytes) -> BlobId:
    """The git blob id (sha1_git) of `data`.

    >>> content_id(b"").hex()
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return BlobId(hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest())


def swhid(kind: str, object_id: bytes) -> Swhid:
    """The SWHID of an object id; `kind` is cnt, dir, rev, rel or snp.

    >>> swhid("cnt", content_id(b""))
    'swh:1:cnt:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return Swhid(f"swh:1:{kind}:{object_id.hex()}")


def parse_swhid(text: str) -> tuple[str, bytes]:
    """`(kind, object id)` of a core SWHID. Raises ValueError where `text` is none.

    >>> parse_swhid("swh:1:cnt:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")[0]
    'cnt'
    """
    found = _SWHID.fullmatch(text)
    if not found:
        raise ValueError(f"not a SWHID: {text!r} (expected swh:1:cnt:<40 hex digits> or the like)")
    return found[1], bytes.fromhex(found[2])


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One file, symlink or submodule: its path from the root, its git mode and its object id."""

    path: bytes
    mode: int
    target: bytes


def directory_ids(entries: Iterable[TreeEntry]) -> Iterator[tuple[bytes, DirectoryId]]:
    """`(path, id)` of every directory that `entries` imply, children before parents, the root (b"") last.

    Ids are git tree ids: entries sorted by name, directories as if their name ended in a slash. Empty
    directories do not exist for git, so they do not enter. Two entries with one path, or a file whose
    path is also a directory, raise ValueError. Memory: one record per entry.
    """
    children: dict[bytes, dict[bytes, tuple[int, bytes]]] = {b"": {}}
    for entry in entries:
        parent, _, name = entry.path.rpartition(b"/")
        level = children.setdefault(parent, {})
        if name in level:
            raise ValueError(f"two entries are named {entry.path!r}")
        level[name] = (entry.mode, entry.target)
        while parent and parent.rpartition(b"/")[0] not in children:
            parent = parent.rpartition(b"/")[0]
            children[parent] = {}
    # A child's path has more slashes than its parent's, so deepest first is children first.
    for path in sorted(children, key=lambda p: (p.count(b"/") + bool(p), p), reverse=True):
        tree = children[path]
        manifest = b"".join(
            b"%o %s\0%s" % (mode, name, target)
            for name, (mode, target) in sorted(
                tree.items(), key=lambda item: item[0] + (b"/" if item[1][0] == MODE_DIRECTORY else b"")
            )
        )
        header = b"tree %d\0" % len(manifest)
        identifier = DirectoryId(hashlib.sha1(header + manifest, usedforsecurity=False).digest())
        if path:
            parent, _, name = path.rpartition(b"/")
            if name in children[parent]:
                raise ValueError(f"{path!r} is both a file and a directory")
            children[parent][name] = (MODE_DIRECTORY, identifier)
        yield path, identifier


def qualified_swhid(blob: BlobId, *, origin: str, visit: str | None, anchor: str, path: bytes) -> str:
    """A content's SWHID with where it was seen: origin, snapshot (if known), revision, release or directory, path.

    `%` and `;` of the origin and all that is special in the path are percent-encoded (SWHID 1.2, qualifiers).

    >>> nothing = content_id(b"")
    >>> qualified_swhid(nothing, origin="https://a.org/x;y", visit=None, anchor="swh:1:dir:" + "0" * 40, path=b"a b")
    ... # doctest: +ELLIPSIS
    'swh:1:cnt:e69d...;origin=https://a.org/x%3By;anchor=swh:1:dir:0000...0000;path=/a%20b'
    """
    escaped = origin.replace("%", "%25").replace(";", "%3B")
    seen = f";visit={visit}" if visit else ""
    return f"{swhid('cnt', blob)};origin={escaped}{seen};anchor={anchor};path=/{quote_from_bytes(path)}"
