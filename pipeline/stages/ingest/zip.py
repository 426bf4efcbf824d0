"""Members of zip archives and wheels, by the central directory."""

from __future__ import annotations

import errno
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from pipeline.stages.ingest.budget import Budget, Metered, Readable
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.members import (
    MAX_LINK_BYTES,
    NO_MODE,
    LengthError,
    Member,
    file_mode,
    measure,
)
from pipeline.stages.ingest.source import UnusableOrigin
from pipeline.swhid import MODE_SYMLINK, content_id

_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
_UNIX = 3
# zipfile decompresses a bzip2 or lzma member in pieces of unbounded size, so a bomb could not be stopped.
_BOUNDED_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, OverflowError, IndexError)


def zip_members(path: Path, config: IngestConfig, messages: list[str]) -> Iterator[Member]:
    """The members of the zip archive at `path`, folders left out.

    A member that cannot be read is refused alone, because the others do not depend on it. Memory: the central
    directory, and one content within `max_file_bytes`. Raises UnusableOrigin for a damaged central directory
    and overdrawn budgets, OSError where the disk fails.
    """
    budget = Budget(config, path.stat().st_size)
    try:
        archive = zipfile.ZipFile(path)
    except UnicodeDecodeError as error:
        raise _damaged("a member's name is marked as UTF-8 and is not") from error
    except (*_DAMAGE, NotImplementedError) as error:
        raise _damaged("it has no valid zip directory") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # what seeking to a made-up offset gives
            raise
        raise _damaged("its zip directory lies outside the file") from error
    with archive:
        if any(info.header_offset < 0 for info in archive.infolist()):
            raise _damaged("its zip directory points outside the file")
        for info in archive.infolist():
            budget.member()
            # A folder has no content; what has one is a file, and its trailing slash will be refused.
            if info.file_size or not info.orig_filename.endswith("/"):
                yield _member(archive, info, config, budget)


def _damaged(what: str) -> UnusableOrigin:
    return UnusableOrigin("corrupt_archive", f"it is damaged or truncated: {what}")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, config: IngestConfig, budget: Budget) -> Member:
    # zipfile decodes and cuts the name at a NUL; cp437 maps all 256 bytes, so encoding restores the raw name.
    name = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_NAME else "cp437")
    unix = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = stat.S_IFMT(unix)
    mode = MODE_SYMLINK if kind == stat.S_IFLNK else file_mode(unix)

    def refused(rule: str, reason: str) -> Member:
        return Member(name, mode, None, info.file_size, rule=rule, reason=reason)

    if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
        return Member(name, NO_MODE, None, None, rule="special_file", reason="a device, pipe or unknown type of member")
    if info.flag_bits & _ENCRYPTED:
        return refused("encrypted_member", "the member is encrypted")
    if info.compress_type not in _BOUNDED_METHODS:
        return refused("unreadable_member", f"compression method {info.compress_type} is not read")
    if kind == stat.S_IFLNK and info.file_size > MAX_LINK_BYTES:
        return refused("symlink", "a symbolic link of absurd length")
    keep = MAX_LINK_BYTES if kind == stat.S_IFLNK else config.max_file_bytes
    try:
        with archive.open(info) as stream:
            blob, data = measure(Metered(cast("Readable", stream), budget), info.file_size, keep)
            if stream.read(1):  # also what makes zipfile check the sum of an empty member
                raise LengthError
    except (*_DAMAGE, NotImplementedError, RuntimeError, LengthError):
        return refused("unreadable_member", "the member is damaged, or its two headers disagree")
    if kind == stat.S_IFLNK:
        text = data or b""
        return Member(
            name,
            MODE_SYMLINK,
            content_id(text),
            len(text),
            rule="symlink",
            reason="a symbolic link; not followed",
        )
    return Member(name, mode, blob, info.file_size, data)
