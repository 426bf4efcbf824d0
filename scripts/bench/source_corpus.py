"""Source files to measure on: text of a folder, each content once, in an order that has nothing to do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = frozenset(
    str.split(
        ".py .pyi .js .ts .c .h .cpp .cc .go .java .rb .php .rs .cs .pl .sh .json .yaml .yml .toml .xml .ini .cfg "
        ".conf .properties .md .rst .txt .css .html .sql .proto"
    )
)
LARGEST = 1_000_000


def corpus(folder: Path, limit: int) -> Iterator[tuple[Path, bytes]]:
    """Files of known suffixes and at most 1 MB, in the order of the SHA-1 of their paths, up to `limit` bytes."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.suffix in SUFFIXES]
    seen: set[bytes] = set()
    size = 0
    for path in sorted(paths, key=lambda p: hashlib.sha1(str(p).encode("utf-8", "surrogateescape")).digest()):
        whole = folder / path
        if whole.is_symlink() or not whole.is_file() or whole.stat().st_size > LARGEST:
            continue
        data = whole.read_bytes()
        digest = hashlib.sha1(data).digest()
        if b"\0" in data or digest in seen:
            continue
        if size + len(data) > limit:
            return
        seen.add(digest)
        size += len(data)
        yield path, data
