"""The parts of a source file that can state a licence: what stands around the words that a statement needs.

ScanCode's exact stage takes time by the byte, and most bytes of most files are far from any such word. Windows are cut
at line ends, so that no word is halved; a file of one long line is cut at blanks. Each is scanned by itself, and equal
ones (the same header in every file of a project) once.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.stages.license.gate import places

MARGIN = 1_300  # bytes to either side of a word
_LONG_LINE = 400  # a window grows by at most this much to reach the end of a line


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a text, and the number of lines before it."""

    data: bytes
    lines_before: int


def windows(data: bytes) -> list[Window]:
    """The windows of a text, in order and apart from each other; none where no word of the gate stands in it.

    Linear: one pass per word of the gate, and one over what is in windows.
    """
    spans: list[list[int]] = []
    for place in places(data):
        start, end = max(0, place - MARGIN), min(len(data), place + MARGIN)
        if spans and start <= spans[-1][1]:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    found, line, counted, last = [], 0, 0, 0
    for start, end in spans:
        start, end = max(last, _cut_before(data, start)), _cut_after(data, end)
        if start >= end:
            continue
        line += data.count(b"\n", counted, start)
        found.append(Window(data[start:end], line))
        counted, last = start, end
    return found


def _cut_before(data: bytes, at: int) -> int:
    if at == 0:
        return 0
    for mark in (b"\n", b" "):
        found = data.rfind(mark, max(0, at - _LONG_LINE), at)
        if found >= 0:
            return found + 1
    return 0 if at <= _LONG_LINE else at


def _cut_after(data: bytes, at: int) -> int:
    if at >= len(data):
        return len(data)
    for mark in (b"\n", b" "):
        found = data.find(mark, at, at + _LONG_LINE)
        if found >= 0:
            return found + 1
    return min(len(data), at + _LONG_LINE) if len(data) - at <= _LONG_LINE else at
