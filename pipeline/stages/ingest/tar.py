"""Members of tar archives, plain or compressed, read once from front to back.

Python's tarfile is lenient where we must not be: it takes a damaged header in mid-archive for the end. The
subclass below makes that an error, and bounds the headers that tarfile would read whole into memory.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from pipeline.stages.ingest.budget import Budget, Metered, Readable
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.members import (
    CHUNK_BYTES,
    MAX_LINK_BYTES,
    NO_MODE,
    LengthError,
    Member,
    file_mode,
    measure,
)
from pipeline.stages.ingest.paths import path_problem, without_dot_slash
from pipeline.stages.ingest.source import UnusableOrigin
from pipeline.swhid import MODE_SYMLINK, content_id

MAX_HEADER_BYTES = 1 << 20
"""Of a pax or GNU long-name header: names and a few numbers fit many times."""

_HEADER_TYPES = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)

# What tarfile and the decompressors raise on damaged and on crafted archives; all are about bytes, none
# about disks.
_DAMAGE = (
    tarfile.TarError,
    EOFError,
    LengthError,
    zlib.error,
    lzma.LZMAError,
    ValueError,
    OverflowError,
    IndexError,
    RecursionError,
)


def _damaged() -> UnusableOrigin:
    return UnusableOrigin("corrupt_archive", "it is damaged or truncated: it does not unpack to its end as tar")


# Absent from typeshed.
_END_MARKER: type[tarfile.HeaderError] = tarfile.EOFHeaderError  # type: ignore[attr-defined]


class _StrictTarInfo(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _StrictTarInfo:
        info = super().frombuf(buf, encoding, errors)
        if info.size < 0 or (info.type in _HEADER_TYPES and info.size > MAX_HEADER_BYTES):
            raise tarfile.ReadError("a header claims an absurd size")
        return info

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> _StrictTarInfo:
        try:
            info = super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            if isinstance(error, _END_MARKER):
                raise
            raise tarfile.ReadError("a damaged header") from error
        if info.size < 0:
            raise tarfile.ReadError("a negative size")
        return info


def tar_members(path: Path, config: IngestConfig, messages: list[str]) -> Iterator[Member]:
    """The members of the tar archive at `path`, folders left out.

    A hard link to an earlier regular member is another name of its content. Memory: one content within
    `max_file_bytes`, and one record per name. Raises UnusableOrigin for damage and overdrawn budgets, OSError
    where the disk fails.
    """
    budget = Budget(config, path.stat().st_size)
    try:
        with _decompressed(path) as unpacked:
            yield from _members(Metered(unpacked, budget), config, budget, messages)
    except _DAMAGE as error:
        raise _damaged() from error
    except OSError as error:
        # bz2, gzip and Arrow's zstd report damage as an OSError without a number.
        if error.errno is None:
            raise _damaged() from error
        raise


def _members(stream: Metered, config: IngestConfig, budget: Budget, messages: list[str]) -> Iterator[Member]:
    regular: dict[bytes, Member] = {}
    with tarfile.open(
        fileobj=cast("IO[bytes]", stream),
        mode="r|",
        tarinfo=_StrictTarInfo,
        encoding="utf-8",
        errors="surrogateescape",
    ) as archive:
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # it would keep every header
            budget.member()
            if info.isdir():
                continue
            member = _member(archive, info, config, regular)
            path = without_dot_slash(member.name)
            if member.rule is None and path_problem(path) is None:
                regular[path] = Member(member.name, member.mode, member.blob, member.length)
            else:
                regular.pop(path, None)
            yield member
        if _anything_but_zeros(cast("Readable", archive.fileobj)):
            messages.append("bytes after the end marker of the archive are not read")


def _member(
    archive: tarfile.TarFile, info: tarfile.TarInfo, config: IngestConfig, regular: dict[bytes, Member]
) -> Member:
    name = _raw(info.name)
    if info.issym():
        text = _raw(info.linkname)
        if len(text) > MAX_LINK_BYTES:
            return Member(
                name, MODE_SYMLINK, None, len(text), rule="symlink", reason="a symbolic link of absurd length"
            )
        return Member(
            name,
            MODE_SYMLINK,
            content_id(text),
            len(text),
            rule="symlink",
            reason="a symbolic link; not followed",
        )
    if info.islnk():
        target = regular.get(without_dot_slash(_raw(info.linkname)))
        if target is None:
            return Member(
                name,
                NO_MODE,
                None,
                None,
                rule="link",
                reason="a hard link to no earlier regular member of the archive",
            )
        return Member(name, target.mode, target.blob, target.length)
    if not info.isreg() or info.issparse():
        return Member(
            name,
            NO_MODE,
            None,
            None,
            rule="special_file",
            reason="a device, pipe, sparse file or unknown type of member",
        )
    stream = archive.extractfile(info)
    if stream is None:
        raise tarfile.ReadError("a regular member without content")
    blob, data = measure(cast("Readable", stream), info.size, config.max_file_bytes)
    return Member(name, file_mode(info.mode), blob, info.size, data)


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _anything_but_zeros(stream: Readable) -> bool:
    """Reads to the end, so that the decompressor checks its sums."""
    found = False
    while chunk := stream.read(CHUNK_BYTES):
        found = found or chunk.count(0) != len(chunk)
    return found


def _decompressed(path: Path) -> Any:
    """By its first bytes, because a suffix may be wrong."""
    with path.open("rb") as stream:
        start = stream.read(6)
    opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), open)
    return opener(path, "rb")


def _zstd(path: Path, mode: str) -> Any:
    import pyarrow  # slow to import, and rarely needed here

    return pyarrow.CompressedInputStream(pyarrow.OSFile(str(path), mode), "zstd")


_OPENERS: dict[bytes, Callable[[Path, str], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"\x28\xb5\x2f\xfd": _zstd,
}
