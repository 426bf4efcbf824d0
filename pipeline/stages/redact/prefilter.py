"""Which detector has to look at which window: one multi-pattern pass over a text.

Both engines select a superset of the (window, detector) pairs in which a detector's pattern matches, so what
the detectors find is what brute force finds. Python's `str` patterns are Unicode-aware (`\\w`, case folding);
a byte-wise pattern is not a superset of them on non-ASCII text. Hence a second Hyperscan database in UTF-8
mode, and Unicode classes for RE2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, Literal, Protocol

from .detector import Necessary
from .pattern_syntax import to_re2, without_comments
from .windows import NEWLINE, STEP, Window, all_windows, line_around, windows_of_line

Selection = dict[Window, set[int]]
"""Windows, each with the numbers of the detectors that have to look at it."""


class Prefilter(Protocol):
    """Selects for `data`, which is valid UTF-8. Not picklable: one is built per process."""

    def select(self, data: bytes) -> Selection: ...


@lru_cache(maxsize=4)
def build(
    engine: Literal["hyperscan", "re2"], necessary: tuple[tuple[Necessary, ...], ...], unicode: tuple[bool, ...]
) -> Prefilter:
    """The prefilter of an engine for the patterns of each detector; the same one within a process.

    `unicode` says which detectors look at decoded text; the others look at bytes.
    """
    return HyperscanPrefilter(necessary, unicode) if engine == "hyperscan" else Re2Prefilter(necessary)


def as_valid_utf8(data: bytes) -> bytes:
    """`data` itself, or with every byte that is not UTF-8 replaced by one control character: offsets stay."""
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        # The detectors see such bytes as lone surrogates: no letter, no space, in no class. So is U+0001.
        return re.sub("[\udc80-\udcff]", "\x01", data.decode("utf-8", "surrogateescape")).encode()
    return data


class HyperscanPrefilter:
    """Hyperscan reports where matches end; HS_FLAG_PREFILTER turns what it lacks into a superset.

    Each database takes a second to compile, so each is made when a text first needs it.
    """

    def __init__(self, necessary: Sequence[Sequence[Necessary]], unicode: Sequence[bool]) -> None:
        import hyperscan

        common = hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_DOTALL
        self._expressions: list[bytes] = []
        self._flags: list[int] = []
        self._owner: list[int] = []
        self._in_unicode: list[int] = []
        for number, patterns in enumerate(necessary):
            for pattern in patterns:
                source, re_flags = without_comments(pattern.pattern, pattern.flags)
                self._expressions.append(source.encode())
                self._flags.append(common | (hyperscan.HS_FLAG_CASELESS if re_flags & re.IGNORECASE else 0))
                if unicode[number]:
                    self._in_unicode.append(len(self._owner))
                self._owner.append(number)
        self._unicode_flags = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_UCP

    @cached_property
    def _ascii(self) -> Any:
        return self._compiled(range(len(self._expressions)), 0)

    @cached_property
    def _unicode(self) -> Any:
        return self._compiled(self._in_unicode, self._unicode_flags)

    def _compiled(self, numbers: Sequence[int], extra: int) -> Any:
        import hyperscan

        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[self._expressions[n] for n in numbers],
            ids=list(numbers),
            flags=[self._flags[n] | extra for n in numbers],
        )
        return database

    def select(self, data: bytes) -> Selection:
        hits: list[tuple[int, int]] = []
        owner = self._owner
        latest = [-STEP] * (max(owner, default=0) + 1)
        find = data.find

        def on_match(expression: int, _start: int, end: int, _flags: int, _context: object) -> None:
            # A growing match ends at every byte; one hit stands for all in the same line within STEP bytes.
            number = owner[expression]
            last = latest[number]
            if 0 <= end - last < STEP and find(NEWLINE, last - 1, end - 1) < 0:
                return
            latest[number] = end
            hits.append((end - 1, number))

        self._ascii.scan(data, match_event_handler=on_match)
        if self._in_unicode and not data.isascii():
            latest = [-STEP] * len(latest)
            self._unicode.scan(data, match_event_handler=on_match)
        selection: Selection = {}
        line_start = line_end = -1
        for offset, number in sorted(hits):
            if not line_start <= offset <= line_end:
                line_start, line_end = line_around(data, offset)
            for window in windows_of_line(line_start, line_end, offset, offset + STEP):
                selection.setdefault(window, set()).add(number)
        return selection


class Re2Prefilter:
    """RE2 line by line: slower, for machines without Hyperscan. Linear on any input."""

    def __init__(self, necessary: Sequence[Sequence[Necessary]]) -> None:
        import re2

        options = re2.Options()
        options.dot_nl = True
        options.max_mem = 256 << 20
        options.log_errors = False
        sources = ["|".join(to_re2(p.pattern, p.flags) for p in patterns) for patterns in necessary]
        self._each = [re2.compile(source, options) for source in sources]
        self._any = re2.compile("|".join(f"(?:{source})" for source in sources), options)

    def select(self, data: bytes) -> Selection:
        if not self._any.search(data):
            return {}
        return {
            window: {number for number, pattern in enumerate(self._each) if pattern.search(text)}
            for window, text in self._windows(data)
            if self._any.search(text)
        }

    @staticmethod
    def _windows(data: bytes) -> Iterator[tuple[Window, bytes]]:
        for window in all_windows(data):
            # A cut may fall inside a character.
            yield window, data[window.start : window.end].decode("utf-8", "ignore").encode()
