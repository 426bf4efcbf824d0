"""Scopes: for which paths a statement holds, where a file states different licences for different paths.

A scope is text, one pattern a line, relative to the folder that its file speaks for. In a pattern `*` stands for
anything within one name, `**` for anything, `?` for one byte, and a backslash takes the next character as it is.
A leading `+` says that the statement is in addition to what holds there anyway; without it, it is what holds there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

EVERYTHING = "**"
MAX_PATTERNS = 2000
_MAX_PROGRAM = 64 << 20  # bytes
_TOKEN = re.compile(
    rb"\\(?P<literal>.)|(?P<any>\*\*)|(?P<star>\*)|(?P<one>\?)|(?P<plain>[^\\*?]+)|(?P<odd>.)", re.DOTALL
)


def scope_of(patterns: Iterable[str], *, adds: bool = False) -> str:
    """The scope of these patterns."""
    return ("+" if adds else "") + "\n".join(dict.fromkeys(patterns))


def adds(scope: str) -> bool:
    """Whether the statement only adds to what holds otherwise."""
    return scope.startswith("+")


def patterns_of(scope: str) -> list[str]:
    """The patterns of a scope, in their order."""
    return scope.removeprefix("+").split("\n")


def is_everything(scope: str) -> bool:
    """Whether a scope leaves nothing out."""
    return EVERYTHING in patterns_of(scope)


def covers(scope: str, path: bytes) -> bool:
    """Whether a scope holds for a path that is relative to the scope's folder.

    >>> covers("src/lib/**", b"src/lib/a/b.c"), covers("*.md", b"docs/a.md"), covers("**.md", b"docs/a.md")
    (True, False, True)
    """
    return _compiled(scope).fullmatch(path) is not None


def below(folder: str) -> str:
    """The pattern of all that lies below a folder."""
    return f"{literal(folder.rstrip('/'))}/**"


def literal(path: str) -> str:
    """The pattern of one path."""
    return re.sub(r"([\\*?])", r"\\\1", path)


def of_debian(globs: str) -> list[str]:
    """The patterns of a `Files` field (DEP-5), whose `*` crosses folders and whose `.` may stand before a path.

    >>> of_debian("*.c src/* ./x\\\\*y")
    ['**.c', 'src/**', 'x\\\\*y']
    """
    globs_ = re.findall(r"(?:\\.|[^\s,\\])+", globs)[:MAX_PATTERNS]
    return [re.sub(r"(\\.)|\*+", lambda m: m[1] or "**", glob.removeprefix("./")) for glob in globs_]


@lru_cache(maxsize=4096)
def _compiled(scope: str) -> Any:
    import re2

    options = re2.Options()
    # Bytes as they are; and linear in the path, whatever the pattern: a backtracking engine is not.
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    options.max_mem = _MAX_PROGRAM
    options.log_errors = False
    alternatives = [_regex(pattern.encode("utf-8", "surrogateescape")) for pattern in patterns_of(scope)]
    try:
        return re2.compile(b"|".join(b"(?:%s)" % one for one in alternatives), options)
    except re2.error:
        # Too much for one program: a statement whose paths cannot be told holds for all.
        return re2.compile(b".*", options)


def _regex(pattern: bytes) -> bytes:
    parts = []
    for token in _TOKEN.finditer(pattern):
        if token["any"]:
            parts.append(b".*")
        elif token["star"]:
            parts.append(b"[^/]*")
        elif token["one"]:
            parts.append(b".")
        else:
            parts.append(re.escape(token["literal"] or token["plain"] or token["odd"]))
    return b"".join(parts)
