"""Copyright statements of a text, as they stand there, and whom they name.

A line states a copyright where the word or the sign stands before a year or a name. Licences speak of "the copyright
holder" and "this copyright notice" everywhere: these are no statements. Each is kept once, without comment marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_STATEMENTS = 200  # of one text: what has more is a list of names
_MAX_LENGTH = 300  # characters
_LONGEST_LINE = 10_000  # bytes before and after a word: what stands further off belongs to no statement
_WORDS = (b"copyright", b"&copy;", b"(c)", "©".encode())
_STATEMENT = re.compile(
    r"(?:spdx-filecopyrighttext|copyright|&copy;|©|\(c\))(?:\W*(?:\(c\)|©|&copy;|copyright|by\b))*[\s,:-]*"
    r"(?P<years>(?:\d{4}(?:\s*[-–,]\s*(?:\d{2,4}|present))*[\s,]*)*)(?P<name>.*)",
    re.IGNORECASE,
)
# "copyright.html" is a file.
_START = re.compile(r"copyright(?!\.\w)|©|&copy;|\(c\)\s*\d{4}|spdx-filecopyrighttext", re.IGNORECASE)
_MARKS = " \t\r*#/;-<>!|%\"'{}"
_OF_A_LICENSE = re.compile(
    r"^(?:holders?|owners?|notices?|statements?|laws?|law|licen[cs]e|licensed|and/or|and\b|or\b|is\b|in\b|to\b|of\b|the\s+(?:above|"
    r"following)|interest|status|protected|years?|disclaimer|permission|information|headers?|lines?|assign\w*|infring\w*"
    r"|treat\w*|terms?|material|ed\b|\W*$)",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s,.;]*(?:all rights reserved\.?|<[^>]*>?|\([^)]*@[^)]*\)|https?://\S+)[\s,.;]*$", re.IGNORECASE)


def statements(text: bytes) -> list[tuple[str, str | None]]:
    """`(statement, holder)` in order, each statement once, the first `MAX_STATEMENTS`; the holder None where nobody is
    named. `text` is UTF-8. Linear: one search per word, and some work on each line that has one.

    >>> statements(b"/* Copyright (c) 2019-2021 Ann Author <ann@example.com>. All rights reserved. */")
    [('Copyright (c) 2019-2021 Ann Author <ann@example.com>. All rights reserved.', 'Ann Author')]
    >>> statements(b"the above copyright notice and this permission notice")
    []
    """
    found: dict[str, str | None] = {}
    for line, after in _lines(text):
        if (stated := _stated(line)) is not None:
            if stated[1] is None and (name := after.strip(_MARKS)) and not _START.search(name):
                # "Copyright 2001, 2002" or "(c) 2001 by" at the end of a line: whose it is stands on the next one.
                stated = _stated(f"{line.rstrip(_MARKS)} {name}") or stated
            found.setdefault(*stated)
            if len(found) == MAX_STATEMENTS:
                break
    return list(found.items())


def _lines(text: bytes) -> Iterator[tuple[str, str]]:
    """The lines that hold one of the words, each with the line after it."""
    lowered = text.lower()
    at = 0
    nexts = [lowered.find(word) for word in _WORDS]
    while True:
        for number, word in enumerate(_WORDS):
            if 0 <= nexts[number] < at:
                nexts[number] = lowered.find(word, at)
        place = min((place for place in nexts if place >= 0), default=-1)
        if place < 0:
            return
        start = text.rfind(b"\n", max(0, place - _LONGEST_LINE), place) + 1 or max(0, place - _LONGEST_LINE)
        end = text.find(b"\n", place, place + _LONGEST_LINE)
        at = end if end >= 0 else min(len(text), place + _LONGEST_LINE)
        after = text.find(b"\n", at + 1, at + _MAX_LENGTH)
        following = text[at + 1 : after if after >= 0 else at + _MAX_LENGTH]
        yield text[start:at].decode("utf-8", "replace"), following.decode("utf-8", "replace")


def _stated(line: str) -> tuple[str, str | None] | None:
    start = _START.search(line)
    if start is None:
        return None
    stated = line[start.start() : start.start() + _MAX_LENGTH].strip(_MARKS)
    parsed = _STATEMENT.match(stated)
    if parsed is None or (not parsed["years"] and _OF_A_LICENSE.match(parsed["name"].strip())):
        return None
    name = parsed["name"].strip(_MARKS + ",.:")
    while (shorter := _TAIL.sub("", name)) != name:
        name = shorter
    name = re.sub(r"^by\b\s*", "", name, flags=re.IGNORECASE).strip(_MARKS + ",.:")
    return (stated, name or None) if parsed["years"] or re.search(r"[A-Z]", name) else None
