"""Bytes to text, such that the text gives the bytes back.

A byte order mark and valid UTF-8 are certain. Any other encoding is a guess, which stands only if the text goes
back to the same bytes; that proves no guess right, but keeps every id recomputable. An encoding's name ends in `-sig`
where the bytes begin with its byte order mark, which the text does not keep; other names are Python's codecs.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

from pipeline.stages.ingest.guessing import MULTI_BYTE, SINGLE_BYTE, guess

# UTF-32's little-endian mark begins with UTF-16's, so it is tried first.
_MARKED = (
    ("utf-8-sig", codecs.BOM_UTF8, "utf-8"),
    ("utf-32-le-sig", codecs.BOM_UTF32_LE, "utf-32-le"),
    ("utf-32-be-sig", codecs.BOM_UTF32_BE, "utf-32-be"),
    ("utf-16-le-sig", codecs.BOM_UTF16_LE, "utf-16-le"),
    ("utf-16-be-sig", codecs.BOM_UTF16_BE, "utf-16-be"),
)
CERTAIN = ("utf-8", *(name for name, _, _ in _MARKED))
GUESSED = ("utf-16-le", "utf-16-be", *SINGLE_BYTE, *MULTI_BYTE)
ENCODINGS = (*CERTAIN, *GUESSED)
Method = Literal["utf-8", "mark", "guess"]

# Controls that no text needs: all of C0 but backspace, tab, newlines, form feed, shifts and escape, and DEL.
_BINARY_CONTROL = re.compile(rb"[\x00-\x07\x10-\x19\x1c-\x1f\x7f]")
_CONTROL_CHARACTER = re.compile("[\x00-\x07\x0b\x0e-\x1f\x7f]")
_LEAST_UTF16 = 16  # bytes: a few look like UTF-16 by chance
# These show that a guess is wrong: hardly a text has them, and ISO-8859 has them where other encodings have signs.
_NO_TEXT = re.compile("[\x80-\x84\x86-\x9f]")


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


def decode(data: bytes, *, guessing: bool = False) -> Decoded | Undecodable:
    """`data` as text, or why not. `encode(text_utf8, encoding) == data` holds for every Decoded.

    With `guessing`, what is neither marked nor UTF-8 may be decoded in one of GUESSED.

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
            return Undecodable("binary", "it holds a NUL character") if marked else _unmarked(data, guessing)
        return _proved(text, name, data)
    if marked:
        return Undecodable("undecodable", f"it begins with the mark of {marked[0][2]} and is not valid in it")
    return _unmarked(data, guessing)


def encode(text_utf8: bytes, encoding: str) -> bytes:
    """The inverse of `decode`: the original bytes. Raises ValueError for an encoding that `decode` never
    names, UnicodeDecodeError where `text_utf8` is not UTF-8, and UnicodeEncodeError where it holds a character that
    the encoding has not."""
    if encoding == "utf-8":
        return text_utf8
    for name, mark, codec in _MARKED:
        if name == encoding:
            return mark + text_utf8.decode("utf-8").encode(codec)
    if encoding in GUESSED:
        return text_utf8.decode("utf-8").encode(encoding)
    raise ValueError(f"unknown encoding {encoding!r}: expected one of {', '.join(ENCODINGS)}")


def method_of(encoding: str) -> Method:
    """How an encoding (of ENCODINGS) is known: as UTF-8, by a byte order mark, or by a guess."""
    if encoding in GUESSED:
        return "guess"
    return "utf-8" if encoding == "utf-8" else "mark"


def _proved(text: str, name: str, data: bytes) -> Decoded | Undecodable:
    text_utf8 = text.encode("utf-8")
    try:
        same = encode(text_utf8, name) == data
    except UnicodeEncodeError:
        same = False
    if not same:
        return Undecodable("round_trip", f"decoded as {name} it does not give its bytes back")
    return Decoded(text_utf8, name)


def _unmarked(data: bytes, guessing: bool) -> Decoded | Undecodable:
    """What becomes of `data`, which has no mark and is not UTF-8 or holds NUL."""
    if b"\0" in data:
        wide = _utf16_by_looks(data)
        if wide is None:
            return Undecodable("binary", "it holds a NUL byte")
        if not guessing or len(data) < _LEAST_UTF16:
            return Undecodable(
                "undecodable", "it looks like UTF-16 without a byte order mark; it would have to be guessed"
            )
        return _proved(data.decode(wide), wide, data)
    if _BINARY_CONTROL.search(data):
        return Undecodable("binary", "it is not UTF-8 and holds control bytes")
    if not guessing:
        return Undecodable("undecodable", "it is not UTF-8; an 8-bit encoding would have to be guessed")
    name = guess(data)
    if name is None:
        return Undecodable("undecodable", "it is not UTF-8, and nothing speaks for one other encoding")
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        return Undecodable("undecodable", f"it is not UTF-8; {name} would be a guess, and it is not valid in it")
    if _NO_TEXT.search(text):
        return Undecodable("undecodable", f"it is not UTF-8; {name} would be a guess, and gives it control characters")
    return _proved(text, name, data)


def _utf16_by_looks(data: bytes) -> Literal["utf-16-le", "utf-16-be"] | None:
    """Text in UTF-16 that is mostly ASCII has NULs at every second place only, and decodes to no control
    character."""
    if len(data) % 2:
        return None
    orders: tuple[tuple[int, Literal["utf-16-le", "utf-16-be"]], ...] = ((1, "utf-16-le"), (0, "utf-16-be"))
    for first, codec in orders:
        if 0 in data[1 - first :: 2] or data[first::2].count(0) * 4 < len(data):
            continue
        try:
            return None if _CONTROL_CHARACTER.search(data.decode(codec)) else codec
        except UnicodeDecodeError:
            continue
    return None
