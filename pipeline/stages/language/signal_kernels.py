"""The compiled loops behind the quality signals: one pass over UTF-8 bytes each, no Python per file.

`signals` defines what they count. Texts are valid UTF-8; `offsets` has one more number than there are texts.
"""

from __future__ import annotations

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

ALPHA, ALNUM, DIGIT_16, WORD, BLANK, BASE_64 = 1, 2, 4, 8, 16, 32  # bits of the table of classes

LINES, LONGEST_LINE, CHARACTERS, LINE_CHARACTERS, ALPHAS, ALNUMS, TOKENS, FULL_LINES, REPEATED_LINES = range(9)
ENCODED, LONGEST_ENCODED, COMMENT, CODE, VISIBLE = range(9, 14)
COUNTS = 14

BASE_64_RUN, BASE_64_LINE, HEX_UNITS, UNICODE_UNITS = 64, 40, 8, 8
_NEWLINE, _RETURN, _EQUALS, _COMMA, _BACKSLASH, _BACKQUOTE = 10, 13, 61, 44, 92, 96
LINE_1, LINE_2, OPEN_1, _, OPEN_2, _, QUOTES = range(7)  # the rows of a syntax; what closes follows what opens
_FNV_BASIS, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


@compiled
def _count_lines(data: Bytes, start: int, end: int, classes: Bytes, found: Numbers) -> None:
    """Lines, characters, tokens, and lines that an earlier one repeats (without the blanks around them)."""
    lines = 0
    for i in range(start, end):
        lines += data[i] == _NEWLINE
    if end > start and data[end - 1] != _NEWLINE:
        lines += 1
    size = 16
    while size < 2 * lines:
        size *= 2
    seen = np.zeros(size, np.uint64)  # digests of lines, open addressing; 0 is free
    full = repeated = 0
    characters = line = longest = total = alphas = alnums = tokens = 0
    in_word = False
    digest, pending, has_text = uint64(_FNV_BASIS), uint64(_FNV_BASIS), False
    i = start
    while i <= end:
        if i == end or data[i] == _NEWLINE:
            if i < end:
                characters += 1
            elif end == start or data[end - 1] == _NEWLINE:
                break
            if line and data[i - 1] == _RETURN:
                line -= 1
            total += line
            longest = max(longest, line)
            if has_text:
                full += 1
                place = np.int64((digest ^ digest >> uint64(32)) & uint64(size - 1))
                while seen[place] != 0 and seen[place] != digest:
                    place = (place + 1) & (size - 1)
                repeated += seen[place] == digest
                seen[place] = digest
            line = 0
            digest, pending, has_text = uint64(_FNV_BASIS), uint64(_FNV_BASIS), False
            in_word = False
            i += 1
            continue
        c = np.int64(data[i])
        if c < 0x80:
            point, width = c, 1
        elif c < 0xE0:
            point, width = (c & 0x1F) << 6 | (np.int64(data[i + 1]) & 0x3F), 2
        elif c < 0xF0:
            point = (c & 0x0F) << 12 | (np.int64(data[i + 1]) & 0x3F) << 6 | (np.int64(data[i + 2]) & 0x3F)
            width = 3
        else:
            point = (c & 0x07) << 18 | (np.int64(data[i + 1]) & 0x3F) << 12
            point |= (np.int64(data[i + 2]) & 0x3F) << 6 | (np.int64(data[i + 3]) & 0x3F)
            width = 4
        kind = classes[point]
        characters += 1
        line += 1
        alphas += kind & ALPHA
        alnums += (kind & ALNUM) >> 1
        if kind & BLANK:
            in_word = False
        elif kind & WORD or c >= 0x80:
            tokens += not in_word
            in_word = True
        else:
            tokens += 1
            in_word = False
        blank = (kind & BLANK) != 0
        for k in range(i, i + width):
            # Blanks count once something follows them, and only after something stood before them.
            if not blank or has_text:
                pending = (pending ^ uint64(data[k])) * uint64(_FNV_PRIME)
        if not blank:
            has_text = True
            digest = pending
        i += width
    found[LINES], found[LONGEST_LINE], found[CHARACTERS], found[LINE_CHARACTERS] = lines, longest, characters, total
    found[ALPHAS], found[ALNUMS], found[TOKENS] = alphas, alnums, tokens
    found[FULL_LINES], found[REPEATED_LINES] = full, repeated


@compiled
def _mark(marks: Bytes, first: int, last: int) -> None:
    for i in range(first, last):
        marks[i] = 1


@compiled
def _find_base_64(data: Bytes, start: int, end: int, classes: Bytes, marks: Bytes) -> int:
    """Mark base64 and return the length of the longest piece: runs on one line, and blocks of lines of one length."""
    longest = 0
    block_start = block_width = block_length = block_lines = 0
    line = start
    while line < end:
        stop = line
        while stop < end and data[stop] != _NEWLINE:
            stop += 1
        # Runs within the line.
        i = line
        while i < stop:
            run = i
            while run < stop and data[run] < 0x80 and classes[data[run]] & BASE_64:
                run += 1
            if run - i >= BASE_64_RUN:
                padded = run
                while padded < stop and padded < run + 2 and data[padded] == _EQUALS:
                    padded += 1
                _mark(marks, i - start, padded - start)
                longest = max(longest, padded - i)
                run = padded
            i = max(run, i + 1)
        # The line as a whole, without blanks around it.
        first, last = line, stop
        while first < last and data[first] < 0x80 and classes[data[first]] & BLANK:
            first += 1
        while last > first and data[last - 1] < 0x80 and classes[data[last - 1]] & BLANK:
            last -= 1
        body = last
        while body > first and last - body < 2 and data[body - 1] == _EQUALS:
            body -= 1
        whole = last > first
        for k in range(first, body):
            if data[k] >= 0x80 or not classes[data[k]] & BASE_64:
                whole = False
                break
        width = last - first
        # A shorter line ends a block, but not after one line alone: that may be a word.
        if whole and block_width and (width == block_width or (width < block_width and block_lines > 1)):
            block_lines += 1
            block_length += width
            if block_length >= BASE_64_RUN:
                _mark(marks, block_start - start, last - start)
                longest = max(longest, block_length)
            if width < block_width:
                block_width = 0
        elif whole and width >= BASE_64_LINE:
            block_start, block_width, block_length, block_lines = first, width, width, 1
        else:
            block_width = 0
        line = stop + 1
    return longest


@compiled
def _is(data: Bytes, classes: Bytes, i: int, bit: int) -> bool:
    return bool(data[i] < 0x80 and (classes[data[i]] & bit) != 0)


@compiled
def _find_units(data: Bytes, start: int, end: int, classes: Bytes, marks: Bytes) -> int:
    r"""Mark runs of two-digit hexadecimal numbers and of `\uXXXX`; return the length of the longest."""
    longest = 0
    i = start
    while i < end:
        c = data[i]
        if c != _BACKSLASH and not _is(data, classes, i, DIGIT_16):
            i += 1
            continue
        j, units = i, 0
        while j + 6 <= end and data[j] == _BACKSLASH and data[j + 1] == 117:  # \u
            fits = True
            for k in range(j + 2, j + 6):
                fits = fits and _is(data, classes, k, DIGIT_16)
            if not fits:
                break
            units += 1
            j += 6
        if units >= UNICODE_UNITS:
            _mark(marks, i - start, j - start)
            longest = max(longest, j - i)
        if units:
            i = j
            continue
        j, units = i, 0
        while j < end:
            k = j
            if data[k] == _BACKSLASH and k + 1 < end and data[k + 1] == 120:  # \x
                k += 2
            elif k > start and _is(data, classes, k - 1, WORD):
                break
            elif data[k] == 48 and k + 1 < end and data[k + 1] == 120:  # 0x
                k += 2
            if k + 2 > end or not (_is(data, classes, k, DIGIT_16) and _is(data, classes, k + 1, DIGIT_16)):
                break
            k += 2
            if k < end and _is(data, classes, k, WORD):
                break
            while k < end and (data[k] == _COMMA or _is(data, classes, k, BLANK) or data[k] == _NEWLINE):
                k += 1
            units += 1
            j = k
        if units >= HEX_UNITS:
            _mark(marks, i - start, j - start)
            longest = max(longest, j - i)
        i = max(j, i + 1)
    return longest


@compiled
def _starts(data: Bytes, i: int, end: int, syntax: Bytes, marker: int) -> int:
    """The length of a marker (its length, then its bytes; length 0 is none) if it stands at `i`, else 0."""
    length = int(syntax[marker, 0])
    if length == 0 or i + length > end:
        return 0
    for k in range(length):
        if data[i + k] != syntax[marker, k + 1]:
            return 0
    return length


@compiled
def _count_comments(data: Bytes, start: int, end: int, syntax: Bytes, found: Numbers) -> None:
    """Bytes that are no blanks, in comments and in all. `syntax`: line markers, pairs of block markers, quotes."""
    not_blank = np.ones(256, np.uint8)
    for c in (9, 10, 11, 12, 13, 32):
        not_blank[c] = 0
    begins = np.zeros(256, np.uint8)  # which bytes can begin a comment (1) or a string (2)
    for marker in (LINE_1, LINE_2, OPEN_1, OPEN_2):
        if syntax[marker, 0]:
            begins[syntax[marker, 1]] |= 1
    for k in range(syntax[QUOTES, 0]):
        begins[syntax[QUOTES, k + 1]] |= 2
    comment = everything = 0
    i = start
    while i < end:
        c = data[i]
        kind = begins[c]
        if kind == 0:
            everything += not_blank[c]
            i += 1
            continue
        closing = -1
        if kind & 1:
            for marker in (OPEN_1, OPEN_2, LINE_1, LINE_2):
                length = _starts(data, i, end, syntax, marker)
                if length:
                    closing = marker + 1 if marker >= OPEN_1 else LINE_1
                    comment += length
                    everything += length
                    i += length
                    break
        if closing == LINE_1:
            while i < end and data[i] != _NEWLINE:
                comment += not_blank[data[i]]
                everything += not_blank[data[i]]
                i += 1
        elif closing > 0:
            last = syntax[closing, 1]
            while i < end:
                length = _starts(data, i, end, syntax, closing) if data[i] == last else 0
                if length:
                    comment += length
                    everything += length
                    i += length
                    break
                comment += not_blank[data[i]]
                everything += not_blank[data[i]]
                i += 1
        else:
            everything += 1
            i += 1
            if kind & 2:  # a string, to its quote or to the end of the line
                while i < end and data[i] != c and (data[i] != _NEWLINE or c == _BACKQUOTE):
                    if data[i] == _BACKSLASH and i + 1 < end and data[i + 1] != _NEWLINE:
                        everything += 1
                        i += 1
                    everything += not_blank[data[i]]
                    i += 1
                if i < end and data[i] == c:
                    everything += 1
                    i += 1
    found[COMMENT], found[CODE] = comment, everything


@compiled
def _lower(c: int) -> int:
    return c + 32 if 65 <= c <= 90 else c


@compiled
def _begins(data: Bytes, i: int, end: int, word: Bytes) -> bool:
    if i + len(word) > end:
        return False
    for k in range(len(word)):  # noqa: SIM110 - numba compiles no generator
        if _lower(data[i + k]) != word[k]:
            return False
    return True


@compiled
def _count_visible(data: Bytes, start: int, end: int, classes: Bytes, hidden: tuple[Bytes, ...]) -> int:
    """Characters of HTML outside of tags, comments, scripts and styles; a run of blanks counts as one."""
    open_comment, close_comment, script, end_script, style, end_style = hidden
    visible = 0
    after_blank = True
    i = start
    while i < end:
        c = data[i]
        if c == 60:  # <
            close = -1
            if _begins(data, i, end, open_comment):
                close = 0
            elif _begins(data, i, end, script):
                close = 1
            elif _begins(data, i, end, style):
                close = 2
            if close >= 0:
                i += 1
                while i < end:
                    if close == 0 and _begins(data, i, end, close_comment):
                        i += len(close_comment)
                        break
                    if (close == 1 and _begins(data, i, end, end_script)) or (
                        close == 2 and _begins(data, i, end, end_style)
                    ):
                        break
                    i += 1
                if close == 0:
                    continue
            while i < end and data[i] != 62:  # >
                i += 1
            i += 1
            continue
        if c == _NEWLINE or _is(data, classes, i, BLANK):
            visible += not after_blank
            after_blank = True
        elif c & 0xC0 != 0x80:
            visible += 1
            after_blank = False
        i += 1
    return visible


@compiled
def measure(
    data: Bytes, offsets: Numbers, classes: Bytes, syntaxes: NDArray[np.uint8], of_text: Numbers, is_html: Bytes,
    hidden: tuple[Bytes, ...],
) -> Numbers:  # fmt: skip
    """The counts of each text: one row of COUNTS numbers. `of_text` is its row of `syntaxes`, or -1."""
    n = len(offsets) - 1
    found = np.zeros((n, COUNTS), np.int64)
    for row in range(n):
        start, end = offsets[row], offsets[row + 1]
        _count_lines(data, start, end, classes, found[row])
        marks = np.zeros(end - start, np.uint8)
        longest = _find_base_64(data, start, end, classes, marks)
        longest = max(longest, _find_units(data, start, end, classes, marks))
        found[row, LONGEST_ENCODED] = longest
        if longest:
            found[row, ENCODED] = marks.sum()
        if of_text[row] >= 0:
            _count_comments(data, start, end, syntaxes[of_text[row]], found[row])
        if is_html[row]:
            found[row, VISIBLE] = _count_visible(data, start, end, classes, hidden)
    return found
