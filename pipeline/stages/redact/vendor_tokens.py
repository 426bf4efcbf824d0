"""Tokens whose issuers publish their format: a fixed prefix, an alphabet, a length, sometimes a checksum.

The formats are data (`token_formats.tsv`), one a row. Where a format has a checksum, the right one raises the
confidence and a wrong one lowers it; it never acquits, since a token that was cut or edited in one place may be live in
another.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from .detector import RULES_VERSION, LineDetector, Match, Necessary
from .placeholders import is_made_up_token

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def has_crc32_of_github(token: str) -> bool:
    """Whether the last six characters are the CRC-32 of those between the prefix and them, in base 62.

    GitHub (its blog, April 2021) and npm make their tokens so.
    """
    body = token.partition("_")[2]
    check = zlib.crc32(body[:-6].encode())
    digits = ""
    for _ in range(6):
        check, digit = divmod(check, 62)
        digits = _BASE62[digit] + digits
    return len(body) == 36 and digits == body[-6:]


def has_crc32_of_gitlab(token: str) -> bool:
    """Whether a routable token (GitLab's handbook, cells) ends in the CRC-32, base 36, of what stands before."""
    head, tail = token[:-7], token[-7:]
    return tail.isalnum() and tail.islower() and int(tail, 36) == zlib.crc32(head.encode())


def has_bech32_checksum(token: str) -> bool:
    """BIP 173, as age's secret keys use it."""
    human, _, data = token.lower().rpartition("1")
    if any(c not in _BECH32 for c in data):
        return False
    values = [ord(c) >> 5 for c in human] + [0] + [ord(c) & 31 for c in human] + [_BECH32.index(c) for c in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check == 1


class Format(NamedTuple):
    cls: str
    pattern: str
    """In Python's syntax; the token is the first group, or all of it."""
    checksum: Callable[[str], bool] | None
    confidence: float


_TABLE = Path(__file__).with_name("token_formats.tsv")
_WORD, _UUID = r"[A-Za-z0-9_-]", r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_USUAL = 0.95
_CHECKSUMS = {
    "crc32_of_github": has_crc32_of_github,
    "crc32_of_gitlab": has_crc32_of_gitlab,
    "bech32_checksum": has_bech32_checksum,
}


@cache
def formats() -> tuple[Format, ...]:
    """The formats of the data file, in its order."""
    made = []
    for line in _TABLE.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            cls, pattern, *rest = line.split("\t")
            checksum = _CHECKSUMS.get(rest[0]) if rest else None
            confidence = float(rest[0]) if rest and checksum is None else _USUAL
            made.append(Format(cls, pattern.replace("<uuid>", _UUID).replace("<word>", _WORD), checksum, confidence))
    return tuple(made)


def _find(cls: str, expression: re.Pattern[str], known: Format, text: str, _path: str) -> Iterator[Match]:
    for found in expression.finditer(text):
        group = 1 if expression.groups else 0
        token = found.group(group)
        if is_made_up_token(token):
            continue
        confidence = known.confidence
        if known.checksum is not None:
            confidence = 0.99 if known.checksum(token) else 0.75
        yield Match(*found.span(group), cls, confidence, *found.span())


def _expression(known: Format) -> str:
    before = "" if known.pattern.startswith(("(?<", "(?i:", "hooks", "discord", "(?:webhook")) else "(?<![A-Za-z0-9])"
    return f"{before}(?:{known.pattern})(?![A-Za-z0-9])"


def detectors() -> tuple[LineDetector, ...]:
    """One detector a format, in the order of the table."""
    made = []
    for number, known in enumerate(formats()):
        pattern = _expression(known)
        find = partial(_find, known.cls, re.compile(pattern, re.ASCII), known)
        name = f"token/{known.cls.lower()}-{number}"
        made.append(LineDetector(name, RULES_VERSION, (Necessary(pattern),), find))
    return tuple(made)
