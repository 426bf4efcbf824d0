"""Passwords in rows that a script puts into a table: `INSERT INTO users (name, password) VALUES ('bob', '...')`.

The names of the columns say which of the values is a password; nothing else in the statement does.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from .assignments import named_value
from .detector import RULES_VERSION, BlockDetector, Match, Necessary
from .names import kind_of

_INSERT = re.compile(rb"\b(?:insert|replace)[ \t]{1,8}(?:ignore[ \t]{1,8})?into[ \t]", re.IGNORECASE)
_COLUMNS = re.compile(
    rb"[ \t]{0,8}[\w.`\"\[\]]{1,128}[ \t]{0,8}\(([^()\n]{1,4096})\)\s{0,80}values?\s{0,80}(?=\()", re.IGNORECASE
)
_NECESSARY = Necessary(
    r"\b(?:insert|replace)[ \t]+(?:ignore[ \t]+)?into[ \t]+[\w.`\"\[\]]+[ \t]*"
    r"\([^()\n]*(?:pass|pwd|psw|secret|token|key)",
    re.IGNORECASE,
)
# A string of SQL, where a quote is doubled or escaped; else a number, a name or a call up to the next comma.
_STRING = re.compile(
    rb"[NnEeXxBb]?'((?:[^'\\\n]|''|\\.){0,1024})'|[NnEe]?\"((?:[^\"\\\n]|\"\"|\\.){0,1024})\"", re.DOTALL
)
_PUNCTUATION = re.compile(rb"[(),;'\"]")
_ROW_FOLLOWS = re.compile(rb"\s{0,80},\s{0,80}(?=\()")
_LONGEST = 1 << 20


def _find(data: bytes, start: int, end: int) -> Iterator[Match]:
    for insert in _INSERT.finditer(data, start, end):
        columns = _COLUMNS.match(data, insert.end())
        if columns is None:
            continue
        names = [name.strip(" \t`\"'[]") for name in columns.group(1).decode("utf-8", "replace").split(",")]
        if not any(map(kind_of, names)):
            continue
        at, stop = columns.end(), min(len(data), columns.end() + _LONGEST)
        while at < stop:
            at = yield from _row(data, at + 1, stop, names)
            follows = _ROW_FOLLOWS.match(data, at, stop)
            at = follows.end() if follows else stop


def _row(data: bytes, at: int, stop: int, names: list[str]) -> Generator[Match, None, int]:
    """What gives way in one row; returns where the row ends, or `stop` if it does not end."""
    column, depth = 0, 0
    while at < stop:
        mark = _PUNCTUATION.search(data, at, stop)
        if mark is None or mark.group() == b";":
            return stop
        at = mark.end()
        told = mark.group()
        if told == b"(":
            depth += 1
        elif told == b")":
            depth -= 1
            if depth < 0:
                return at
        elif told == b",":
            column += depth == 0
        elif told in b"'\"":
            string = _STRING.match(data, mark.start(), stop)
            if string is None:
                return stop
            at = string.end()
            if column < len(names):
                first, last = string.span(string.lastindex or 1)
                yield from named_value(data, first, last, names[column])
    return stop


SQL_INSERT = BlockDetector("sql-insert", RULES_VERSION, (_NECESSARY,), _find)
