"""Private keys in armour: PEM (RFC 7468, RFC 1421), OpenSSH, PGP (RFC 9580), SSH2 (RFC 4716) and PuTTY's own.

The body is the secret, not the header. BEGIN and END lines stay, and so does every newline: each line of the
body gives way to one word. A body inside string literals keeps its quotes and escapes, so that the code
around it still parses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .detector import RULES_VERSION, BlockDetector, Match, Necessary

BODY_LIMIT = 65_536
"""Bytes after a header in which its body may lie. Twice a 16,384-bit RSA key."""

_BEGIN = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----|"
    rb"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
)
_END = re.compile(rb"-----? ?END ")
_RUN = re.compile(rb"(?:[A-Za-z0-9+/]|\\/){16,}")
_LONG_RUN = re.compile(rb"(?:[A-Za-z0-9+/]|\\/){40,}")
_KEY_LINE = re.compile(rb"[\s\"'`*#>+.(,;-]*+(?:[A-Za-z0-9+/=]|\\+(?:[nrt/]|(?=[\s\"']|\Z)))++[\s\"'`+;,.)-]*")
_LAST_LINE = re.compile(rb"[\s\"'*#>]*[A-Za-z0-9+/]{1,76}={0,2}(?:\\+[nr])*[\s\"'+;,]*")
_FIELD = re.compile(rb"\s*(?:[A-Z][A-Za-z-]{1,30}: .{0,200})?\s*")
_WORD = re.compile(r"\\+[nrt]|(?:[A-Za-z0-9+/=]|\\/){4,}")
_WHOLE_LINE = re.compile(r"(\s*)[A-Za-z0-9+/=]+(\s*)")


def _pem(data: bytes, start: int, end: int) -> Iterator[Match]:
    for header in _BEGIN.finditer(data, start, min(len(data), end + 80)):
        if header.start() >= end:
            break
        limit = min(len(data), header.end() + BODY_LIMIT)
        stop = data.find(b"----", header.end(), limit)
        closed = stop >= 0 and _END.match(data, stop) is not None
        if not closed:
            stop = _unclosed(data, header.end(), limit if stop < 0 else stop)
        yield from _body(data, header.end(), stop)


def _unclosed(data: bytes, start: int, limit: int) -> int:
    """Where the lines that look like a key's body end, if there is no END line."""
    at = done = start
    inside = False
    while at < limit:
        newline = data.find(b"\n", at, limit)
        newline = limit if newline < 0 else newline
        line = data[at:newline]
        if _LONG_RUN.search(line) and (at == start or _KEY_LINE.fullmatch(line)):
            inside, done = True, newline
        elif inside and _LAST_LINE.fullmatch(line):
            return newline
        elif inside or not (at == start or _FIELD.fullmatch(line)):
            break
        at = newline + 1
    return done


def _body(data: bytes, start: int, end: int) -> Iterator[Match]:
    """The body without the white space, quotes and escapes around it, if there is key material in it."""
    body = data[start:end]
    runs = _RUN.findall(body)
    varied = any(len(run) >= 40 or re.search(rb"(?=.*[0-9])(?=.*[A-Z]).*[a-z]", run) for run in runs)
    if not varied or 2 * sum(map(len, runs)) < len(b"".join(body.split())):
        return
    trimmed = re.match(rb"(?:\s|\\+[nrt]|[\"'+,;\\])*", body)
    first = trimmed.end() if trimmed else 0
    tail = re.search(rb"(?:\s|\\+[nrt](?![A-Za-z0-9+/=])|[\"',;\\+])*\Z", body[-256:])
    last = len(body) - (len(tail.group()) if tail else 0)
    yield Match(start + first, start + last, "PRIVATE_KEY", 0.99, start, end)


_PUTTY = re.compile(rb"PuTTY-User-Key-File-[0-9]: ")
_PUTTY_PRIVATE = re.compile(rb"Private-Lines: [0-9]{1,3}\r?\n((?:[A-Za-z0-9+/=]{1,80}(?:\r?\n|\Z))+)")


def _putty(data: bytes, start: int, end: int) -> Iterator[Match]:
    for header in _PUTTY.finditer(data, start, min(len(data), end + 40)):
        limit = min(len(data), header.end() + BODY_LIMIT)
        following = data.find(b"PuTTY-User-Key-File-", header.end(), limit)
        private = _PUTTY_PRIVATE.search(data, header.end(), limit if following < 0 else following)
        if private:
            yield from _body(data, private.start(1), private.end(1))


def without_key(body: str) -> str:
    """The body of a private key with its material replaced; line breaks, escapes and quotes stay. Linear."""
    return "\n".join(_line_without_key(line) for line in body.split("\n"))


def _line_without_key(line: str) -> str:
    whole = _WHOLE_LINE.fullmatch(line)
    if whole:
        return f"{whole.group(1)}REDACTED{whole.group(2)}"
    return _WORD.sub(lambda word: word.group() if _is_escape(word.group()) else "REDACTED", line)


def _is_escape(word: str) -> bool:
    return word.startswith("\\") and not word.startswith("\\/")


PEM = BlockDetector("pem", RULES_VERSION, (Necessary(r"BEGIN [A-Z0-9 ]*PRIVATE KEY"),), _pem)
PUTTY = BlockDetector("putty", RULES_VERSION, (Necessary(r"PuTTY-User-Key-File-[0-9]: "),), _putty)
