"""Members of a container (archive or folder), and how their contents are measured without being held."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass

from pipeline.stages.ingest.budget import Readable
from pipeline.swhid import MODE_EXECUTABLE, MODE_FILE, BlobId

CHUNK_BYTES = 1 << 20
MAX_LINK_BYTES = 1 << 16
"""No system makes a longer link text; a longer one is refused unread."""

NO_MODE = 0
"""The mode of a member that git has none for, such as a device."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member as its container spells it. Either a regular file, or refused by `rule`.

    `blob` is None where no content can be named; `data` where it is not wanted or too large to hold.
    """

    name: bytes
    mode: int
    blob: BlobId | None
    length: int | None
    data: bytes | None = None
    rule: str | None = None
    reason: str = ""


class LengthError(Exception):
    """A content has not the length that its container promised."""


def file_mode(permissions: int) -> int:
    """Git's mode for a regular file: executable if its owner may execute it."""
    return MODE_EXECUTABLE if permissions & stat.S_IXUSR else MODE_FILE


def measure(stream: Readable, length: int, keep_up_to: int) -> tuple[BlobId, bytes | None]:
    """The blob id of the next `length` bytes, and the bytes where there are at most `keep_up_to`.

    Memory: one chunk, plus what is kept. Raises LengthError where the stream ends early.
    """
    digest = hashlib.sha1(b"blob %d\0" % length, usedforsecurity=False)
    kept: list[bytes] | None = [] if length <= keep_up_to else None
    left = length
    while left:
        chunk = stream.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise LengthError
        digest.update(chunk)
        if kept is not None:
            kept.append(chunk)
        left -= len(chunk)
    return BlobId(digest.digest()), None if kept is None else b"".join(kept)
