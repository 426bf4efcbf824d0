"""From Python's regular expression syntax to what the engines accept, never narrower than the original.

Covers what the registry's patterns use: verbose mode, one leading `(?i)`, look-around, `\\d` and `\\s`.
"""

from __future__ import annotations

import re

_DIGIT = r"\p{Nd}"
_SPACE = r"\s\x0b\x1c-\x1f\x{85}\p{Z}"
_RE2_REPEAT_LIMIT = 1000


def without_comments(pattern: str, flags: int) -> tuple[str, int]:
    """The pattern without inline `(?i)` and without verbose mode's white space and comments; its flags."""
    if pattern.startswith("(?i)"):
        pattern, flags = pattern[4:], flags | re.IGNORECASE
    if flags & re.VERBOSE:
        # No pattern of the registry has a blank or a '#' in a character class.
        pattern = re.sub(r"\s+", "", re.sub(r"(?<!\\)#.*", "", pattern))
    return pattern, flags & ~re.VERBOSE


def to_re2(pattern: str, flags: int) -> str:
    """A superset of the pattern in RE2's syntax: without look-around, with Unicode digits and spaces."""
    pattern, flags = without_comments(pattern, flags)
    pattern = _open_ended(_unicode_classes(_without_lookaround(pattern)))
    return f"(?{'i' if flags & re.IGNORECASE else ''}m:{pattern})"


def _without_lookaround(pattern: str) -> str:
    out: list[str] = []
    at, in_class = 0, False
    while at < len(pattern):
        if pattern[at] == "\\":
            out.append(pattern[at : at + 2])
            at += 2
        elif not in_class and re.match(r"\(\?<?[=!]", pattern[at:]):
            at = _group_end(pattern, at)
            out.append("(?:)")
        else:
            in_class = pattern[at] == "[" or (in_class and pattern[at] != "]")
            out.append(pattern[at])
            at += 1
    return "".join(out)


def _group_end(pattern: str, at: int) -> int:
    """The offset after the group that opens at `at`."""
    depth, in_class = 0, False
    while True:
        if pattern[at] == "\\":
            at += 2
            continue
        if not in_class:
            depth += {"(": 1, ")": -1}.get(pattern[at], 0)
        in_class = pattern[at] == "[" or (in_class and pattern[at] != "]")
        at += 1
        if depth == 0:
            return at


def _unicode_classes(pattern: str) -> str:
    out: list[str] = []
    in_class = negated = False
    for piece in re.findall(r"\\.|\[\^?|.", pattern, re.DOTALL):
        if piece == r"\d":
            out.append(_DIGIT)
        elif piece == r"\s" and not (in_class and negated):
            # In a negated class the narrower ASCII meaning makes the wider pattern.
            out.append(_SPACE if in_class else f"[{_SPACE}]")
        elif piece == r"\w":
            out.append(r"\p{L}\p{N}_" if in_class else r"[\p{L}\p{N}_]")
        else:
            if piece.startswith("[") and not in_class:
                in_class, negated = True, piece == "[^"
            elif piece == "]":
                in_class = False
            out.append(piece)
    return "".join(out)


def _open_ended(pattern: str) -> str:
    """Repetitions above RE2's limit lose their upper bound."""
    return re.sub(
        r"\{(\d+),(\d+)\}",
        lambda r: r.group() if int(r.group(2)) <= _RE2_REPEAT_LIMIT else f"{{{r.group(1)},}}",
        pattern,
    )
