"""Bytes to text, such that the text gives the bytes back.

Only what is certain is decoded: a byte order mark, or valid UTF-8. An encoding that would have to be guessed
is refused with a reason. An encoding's name ends in `-sig` where the bytes begin with its byte order mark,
which the text does not keep; `utf-8` and `utf-8-sig` are Python's codecs of these names.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

# UTF-32's little-endian mark begins with UTF-16's, so it is tried first.
_MARKED = (
    ("utf-8-sig", codecs.BOM_UTF8, "utf-8"),
    ("utf-32-le-sig", codecs.BOM_UTF32_LE, "utf-32-le"),
    ("utf-32-be-sig", codecs.BOM_UTF32_BE, "utf-32-be"),
    ("utf-16-le-sig", codecs.BOM_UTF16_LE, "utf-16-le"),
    ("utf-16-be-sig", codecs.BOM_UTF16_BE, "utf-16-be"),
)
ENCODINGS = ("utf-8", *(name for name, _, _ in _MARKED))

# Controls that no text needs: all of C0 but backspace, tab, newlines, form feed, shifts and escape, and DEL.
_BINARY_CONTROL = re.compile(rb"[\x00-\x07\x10-\x19\x1c-\x1f\x7f]")
_CONTROL_CHARACTER = re.compile("[\x00-\x07\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A content as UTF-8 text without byte order mark, and the encoding (of ENCODINGS) that it came in."""

    text_utf8: bytes
    encoding: str


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Why a content is not text for us: rule `binary`, `undecodable` or `round_trip`."""

    rule: str
    reason: str


def decode(data: bytes) -> Decoded | Undecodable:
    """`data` as text, or why not. `encode(text_utf8, encoding) == data` holds for every Decoded.

    >>> decode(codecs.BOM_UTF16_LE + "é".encode("utf-16-le"))
    Decoded(text_utf8=b'\\xc3\\xa9', encoding='utf-16-le-sig')
    """
    marked = [(name, mark, codec) for name, mark, codec in _MARKED if data.startswith(mark)]
    candidates = marked or [("utf-8", b"", "utf-8")]
    for name, mark, codec in candidates:
        try:
            text = data[len(mark) :].decode(codec)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            return Undecodable("binary", "it holds a NUL character") if marked else _unmarked(data)
        text_utf8 = text.encode("utf-8")
        if encode(text_utf8, name) != data:
            return Undecodable("round_trip", f"decoded as {name} it does not give its bytes back")
        return Decoded(text_utf8, name)
    if marked:
        return Undecodable("undecodable", f"it begins with the mark of {marked[0][2]} and is not valid in it")
    return _unmarked(data)


def encode(text_utf8: bytes, encoding: str) -> bytes:
    """The inverse of `decode`: the original bytes. Raises ValueError for an encoding that `decode` never
    names, and UnicodeDecodeError where `text_utf8` is not UTF-8."""
    if encoding == "utf-8":
        return text_utf8
    for name, mark, codec in _MARKED:
        if name == encoding:
            return mark + text_utf8.decode("utf-8").encode(codec)
    raise ValueError(f"unknown encoding {encoding!r}: expected one of {', '.join(ENCODINGS)}")


def _unmarked(data: bytes) -> Undecodable:
    """Why `data`, which has no mark and is not UTF-8 or holds NUL, is refused."""
    if b"\0" not in data:
        if _BINARY_CONTROL.search(data):
            return Undecodable("binary", "it is not UTF-8 and holds control bytes")
        return Undecodable("undecodable", "it is not UTF-8; an 8-bit encoding would have to be guessed")
    if _looks_like_utf16(data):
        return Undecodable("undecodable", "it looks like UTF-16 without a byte order mark; it would have to be guessed")
    return Undecodable("binary", "it holds a NUL byte")


def _looks_like_utf16(data: bytes) -> bool:
    """Text in UTF-16 that is mostly ASCII has NULs at every second place only, and decodes to no control
    character."""
    if len(data) % 2:
        return False
    for first, codec in ((1, "utf-16-le"), (0, "utf-16-be")):
        if 0 in data[1 - first :: 2] or data[first::2].count(0) * 4 < len(data):
            continue
        try:
            return not _CONTROL_CHARACTER.search(data.decode(codec))
        except UnicodeDecodeError:
            continue
    return False
