"""Copyright statements of a text, as they stand there, and whom they name.

A line states a copyright where the word or the sign stands before a year or a name. Licences speak of "the copyright
holder" and "this copyright notice" everywhere: these are no statements. Each is kept once, without comment marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_STATEMENTS = 200  # of one text; what has more is a list of names, and says so
_MAX_LENGTH = 300  # characters
_STATEMENT = re.compile(
    r"(?:spdx-filecopyrighttext|copyright|&copy;|©|\(c\))(?:\W*(?:\(c\)|©|&copy;|copyright|by\b))*[\s,:-]*"
    r"(?P<years>(?:\d{4}(?:\s*[-–,]\s*(?:\d{2,4}|present))*[\s,]*)*)(?P<name>.*)",
    re.IGNORECASE,
)
_START = re.compile(r"copyright|©|&copy;|\(c\)\s*\d{4}|spdx-filecopyrighttext", re.IGNORECASE)
_MARKS = " \t\r*#/;-<>!|%\"'{}"
_OF_A_LICENSE = re.compile(
    r"^(?:holders?|owners?|notices?|statements?|laws?|law|licen[cs]e|licensed|and/or|and\b|or\b|is\b|in\b|to\b|of\b|the\s+(?:above|"
    r"following)|interest|status|protected|years?|disclaimer|permission|information|headers?|lines?|assign\w*|infring\w*"
    r"|treat\w*|terms?|material|ed\b|\W*$)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s,.;]*(?:all rights reserved\.?|<[^>]*>?|\([^)]*@[^)]*\)|https?://\S+)[\s,.;]*$", re.IGNORECASE)


def statements(text: str) -> list[tuple[str, str | None]]:
    """`(statement, holder)` in order, each statement once; the holder None where only a year is given.

    >>> statements("/* Copyright (c) 2019-2021 Ann Author <ann@example.com>. All rights reserved. */")
    [('Copyright (c) 2019-2021 Ann Author <ann@example.com>. All rights reserved.', 'Ann Author')]
    >>> statements("the above copyright notice and this permission notice")
    []
    """
    return list(dict.fromkeys(_found(text)))[:MAX_STATEMENTS]


def _found(text: str) -> Iterator[tuple[str, str | None]]:
    for match in re.finditer(r"^.*$", text, re.MULTILINE):
        line = match[0]
        start = _START.search(line[: _MAX_LENGTH * 2])
        if start is None:
            continue
        stated = line[start.start() : start.start() + _MAX_LENGTH].strip(_MARKS)
        parsed = _STATEMENT.match(stated)
        if parsed is None or (not parsed["years"] and _OF_A_LICENSE.match(parsed["name"].strip())):
            continue
        name = parsed["name"].strip(_MARKS + ",.:")
        while (shorter := _TAIL.sub("", name)) != name:
            name = shorter
        name = re.sub(r"^by\s+", "", name, flags=re.IGNORECASE).strip(_MARKS + ",.:")
        if parsed["years"] or re.search(r"[A-Z]", name):
            yield stated, name or None
