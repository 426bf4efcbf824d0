"""One gzip member, whole and nothing else, into bounded memory.

`gzip.decompress` takes an empty object for an empty content and two members for one longer content; zlib alone drops
what follows the first member. Here each is a fault of its own.
"""

from __future__ import annotations

from typing import Literal

from isal import isal_zlib

Fault = Literal["empty_object", "not_gzip", "corrupt_gzip", "truncated_gzip", "trailing_data", "too_long"]

REASONS: dict[Fault, str] = {
    "empty_object": "the object is empty: not even an empty gzip member",
    "not_gzip": "the object is not gzip",
    "corrupt_gzip": "the object's gzip data is corrupt",
    "truncated_gzip": "the object ends before its gzip data does",
    "trailing_data": "something follows the object's gzip data",
    "too_long": "it unpacks to more bytes than the export says",
}

_CHUNK = 1 << 16
_MAGIC = b"\x1f\x8b"
_unpacking = isal_zlib.decompressobj
_ERROR: type[Exception] = vars(isal_zlib)["error"]  # its stub takes it for an instance


def gunzip(data: bytes, length: int) -> bytes | Fault:
    """The content of a gzip member that should unpack to `length` bytes, or what is wrong with it.

    Memory: `length` and 64 KiB more, however much the object claims to hold.
    """
    unpacking = _unpacking(31)
    try:
        found: bytes = unpacking.decompress(data, length + 1)
        if not unpacking.eof and len(found) <= length:
            # The trailer may still be unread when exactly `length` bytes came out.
            found += unpacking.decompress(unpacking.unconsumed_tail, _CHUNK)
    except _ERROR:
        return "corrupt_gzip" if data.startswith(_MAGIC) else "not_gzip"
    if unpacking.eof and not unpacking.unused_data and len(found) <= length:
        return found
    if not data:
        return "empty_object"
    if len(found) > length:
        return "too_long"
    return "trailing_data" if unpacking.eof else "truncated_gzip"
