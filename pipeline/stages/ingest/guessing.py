"""Which encoding a text without any mark may be in: a guess, for `decoding` to prove or refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

# Python's names. Left out are what chardet takes others for (Mac Roman) or for others (ISO-8859-5), and what hardly any
# code is written in (DOS code pages but the Russian one, EBCDIC).
SINGLE_BYTE = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp866", "cp874"),
    *("iso8859-1", "iso8859-2", "iso8859-7", "iso8859-15", "koi8-r", "koi8-u"),
)
MULTI_BYTE = ("big5hkscs", "cp932", "cp949", "euc_jis_2004", "gb18030")

LEAST_CONFIDENCE = 0.05
_EXCERPT_BYTES = 64 * 1024
_HEAD_BYTES = 1024
_DECLARATION = re.compile(rb"(?i)coding|charset")
_FOREIGN = re.compile(rb"[\x80-\xff]")


def guess(data: bytes) -> str | None:
    """The encoding that `data` (not UTF-8, without NUL) is most likely in, of SINGLE_BYTE and MULTI_BYTE; None
    where nothing speaks for any, or where lines of it are UTF-8, so that no one encoding is right.

    chardet judges the lines that are not ASCII, 64 KiB of them at most, as the others say nothing and dilute what
    these say; and lines of the first KiB that may declare an encoding (PEP 263, HTML's charset). The bound on its
    confidence is measured: scripts/bench/encoding. Linear in the length of `data`.
    """
    # Not at the top: what only encodes, such as an audit, does without.
    import chardet

    excerpt = _excerpt(data)
    found = chardet.detect(
        excerpt,
        max_bytes=len(excerpt),
        compat_names=False,
        prefer_superset=True,
        # ASCII it is not; so that name says that nothing fits.
        include_encodings=(*SINGLE_BYTE, *MULTI_BYTE, "ascii"),
        no_match_encoding="ascii",
    )
    name = found["encoding"]
    if name not in (*SINGLE_BYTE, *MULTI_BYTE) or found["confidence"] < LEAST_CONFIDENCE:
        return None
    # Letters of one byte hardly ever make up lines of UTF-8; pairs of bytes may, by chance.
    return None if name in SINGLE_BYTE and _has_line_of_utf8(data) else name


def versions() -> dict[str, str]:
    """What decides a guess beside the code."""
    return {"chardet": metadata.version("chardet")}


def _excerpt(data: bytes) -> bytes:
    lines = [line for line in data[:_HEAD_BYTES].split(b"\n") if line.isascii() and _DECLARATION.search(line)]
    size = sum(map(len, lines))
    for line in _foreign_lines(data):
        line = line[: _EXCERPT_BYTES - size]
        lines.append(line)
        size += len(line)
        if size >= _EXCERPT_BYTES:
            break
    return b"\n".join(lines)


def _foreign_lines(data: bytes) -> Iterator[bytes]:
    """The lines that are not ASCII. Linear, however long a line is: each byte is looked at once or twice."""
    end = 0
    while found := _FOREIGN.search(data, end):
        start = data.rfind(b"\n", end, found.start()) + 1 or end
        end = data.find(b"\n", found.start())
        end = len(data) if end < 0 else end
        yield data[start:end]


def _has_line_of_utf8(data: bytes) -> bool:
    for line in _foreign_lines(data):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            continue
        return True
    return False
