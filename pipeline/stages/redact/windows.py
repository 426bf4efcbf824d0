"""What a detector looks at: a whole line, or an overlapping piece of a very long one.

A line of up to `WINDOW` bytes is one window. A longer one is cut into windows of `WINDOW` bytes, one every
`STEP` bytes from the start of the line. So the work per byte is bounded whatever the line's length, and which
windows exist depends on nothing but the line. A match that touches a cut is not trusted there (its context is
missing); if it is at most `WINDOW - STEP` bytes long, another window holds it whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

WINDOW = 16_384
STEP = 12_288
NEWLINE = b"\n"


class Window(NamedTuple):
    """Bytes `[start, end)` of a text, inside the line `[line_start, line_end)` (without its newline)."""

    start: int
    end: int
    line_start: int
    line_end: int

    def is_cut(self, start: int, end: int) -> bool:
        """Whether `[start, end)` touches an edge of the window that is not an edge of the line."""
        return (start <= self.start > self.line_start) or (end >= self.end < self.line_end)


def windows_of_line(line_start: int, line_end: int, first: int = 0, last: int | None = None) -> Iterator[Window]:
    """The windows of a line, or only those that hold an offset from `first` to `last`."""
    if line_end - line_start <= WINDOW:
        yield Window(line_start, line_end, line_start, line_end)
        return
    start = line_start
    if first >= line_start + WINDOW:
        start += ((first - line_start - WINDOW) // STEP + 1) * STEP
    stop = line_end - 1 if last is None else min(last, line_end - 1)
    while start <= stop:
        end = min(start + WINDOW, line_end)
        yield Window(start, end, line_start, line_end)
        if end == line_end:
            return
        start += STEP


def line_around(data: bytes, offset: int) -> tuple[int, int]:
    """Start and end of the line that holds `offset`; a newline belongs to the line that it ends."""
    end = data.find(NEWLINE, offset)
    return data.rfind(NEWLINE, 0, offset) + 1, len(data) if end < 0 else end


def all_windows(data: bytes) -> Iterator[Window]:
    """Every window of a text, in order."""
    start = 0
    while start <= len(data):
        end = data.find(NEWLINE, start)
        end = len(data) if end < 0 else end
        yield from windows_of_line(start, end)
        start = end + 1
