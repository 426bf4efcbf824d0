"""Where in a text a finding lies: code, a comment, a string or a copyright notice.

A light lexer by family of languages, which the file's name tells: it knows how comments and strings begin and end and
nothing else. What is left open ends with its line (a string) or with the text (a block). A file of no known family is
`code` throughout. Linear: each family is one expression whose alternatives cannot overlap.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Literal

Zone = Literal["code", "comment", "string", "notice"]

_REACH = 1000
_DOUBLE = rb'"(?:[^"\\\r\n]|\\[^\r\n])*+"?'
_SINGLE = rb"(?<!\w)'(?:[^'\\\r\n]|\\[^\r\n])*+'?"
_TRIPLE = rb'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?|\'\'\'(?:[^\'\\]|\\.|\'(?!\'\'))*+(?:\'\'\')?'
_TICKED = rb"`(?:[^`\\]|\\.)*+`?"
_BLOCK = rb"/\*(?:[^*]|\*(?!/))*+(?:\*/)?"
_LINE = rb"//[^\r\n]*+"
_HASH = rb"#[^\r\n]*+"


def _family(comments: tuple[bytes, ...], strings: tuple[bytes, ...]) -> re.Pattern[bytes]:
    return re.compile(b"(?P<comment>" + b"|".join(comments) + b")|(?P<string>" + b"|".join(strings) + b")", re.DOTALL)


_SPACED_HASH = rb"(?:^|(?<=[\s;]))#[^\r\n]*+"
_FAMILIES = {
    "c": _family((_LINE, _BLOCK), (_DOUBLE, _SINGLE)),
    "javascript": _family((rb"(?<!:)//[^\r\n]*+", _BLOCK), (_DOUBLE, _SINGLE, _TICKED)),
    "python": _family((_HASH,), (_TRIPLE, _DOUBLE, _SINGLE)),
    "shell": _family((_SPACED_HASH,), (_DOUBLE, _SINGLE)),
    "php": _family((_LINE, _BLOCK, _SPACED_HASH), (_DOUBLE, _SINGLE)),
    "sql": _family((rb"--[^\r\n]*+", _BLOCK), (_DOUBLE, _SINGLE)),
    "lua": _family((rb"--[^\r\n]*+",), (_DOUBLE, _SINGLE)),
    "ini": _family((rb"(?m:^[ \t]*[#;!][^\r\n]*+)",), (_DOUBLE, _SINGLE)),
    "toml": _family((_HASH,), (_TRIPLE, _DOUBLE, _SINGLE)),
    "xml": _family((rb"<!--(?:[^-]|-(?!->))*+(?:-->)?",), (rb'(?<==)"[^"<]*+"?', rb"(?<==)'[^'<]*+'?")),
    "lisp": _family((rb";[^\r\n]*+",), (_DOUBLE,)),
    "tex": _family((rb"(?<!\\)%[^\r\n]*+",), (_DOUBLE,)),
    "json": _family((_LINE, _BLOCK), (_DOUBLE,)),
}
_SUFFIXES = {
    suffix: family
    for family, suffixes in {
        "c": "c h cc cpp cxx hh hpp hxx m mm java cs scala kt kts swift rs dart groovy gradle proto css scss "
        "less d zig v sol",
        "javascript": "js jsx mjs cjs ts tsx mts cts go vue svelte",
        "python": "py pyi pyw pyx",
        "shell": "sh bash zsh fish yml yaml rb pl pm r jl ex exs tf hcl cmake mk ps1 nix tcl awk coffee graphql "
        "env conf",
        "php": "php phtml",
        "sql": "sql hs adb ads elm vhd",
        "lua": "lua",
        "ini": "ini cfg properties editorconfig",
        "toml": "toml",
        "xml": "xml html htm xhtml svg xsd xsl plist csproj config pom",
        "lisp": "el lisp clj cljs scm asm s",
        "tex": "tex sty erl hrl",
        "json": "json json5 jsonc webmanifest",
    }.items()
    for suffix in suffixes.split()
}
_NAMES = {"makefile": "shell", "dockerfile": "shell", "gemfile": "shell", "vagrantfile": "shell", "jenkinsfile": "c"}
_NOTICE = (rb"copyright", rb"\(c\)(?<![a-z0-9_]...)", rb"\xc2\xa9")


class Zones:
    """The zones of one text, up to `limit`. `path` is its name."""

    def __init__(self, data: bytes, path: bytes, limit: int) -> None:
        self._data = data
        folded = data.lower()
        self._notices = sorted(found.start() for mark in _NOTICE for found in re.finditer(mark, folded))
        family = family_of(path.decode("utf-8", "replace"))
        self.is_known = family is not None
        self._starts: list[int] = []
        self._ends: list[tuple[int, Zone]] = []
        for found in _FAMILIES[family].finditer(data, 0, limit) if family else ():
            self._starts.append(found.start())
            self._ends.append((found.end(), "comment" if found.lastgroup == "comment" else "string"))

    def of(self, offset: int) -> Zone:
        """The zone of the byte at `offset`. O(log)."""
        if self._is_in_notice(offset):
            return "notice"
        at = bisect_right(self._starts, offset) - 1
        return self._ends[at][1] if at >= 0 and offset < self._ends[at][0] else "code"

    def _is_in_notice(self, offset: int) -> bool:
        """Whether the line says that it is a copyright notice, within a bounded reach."""
        if not self._notices:
            return False
        at = bisect_left(self._notices, offset)
        return any(
            abs(notice - offset) < _REACH and self._data.find(b"\n", min(notice, offset), max(notice, offset)) < 0
            for notice in self._notices[max(0, at - 1) : at + 1]
        )


def family_of(path: str) -> str | None:
    """How comments and strings are written in a file of this name, if that is known."""
    name = path.rpartition("/")[2].lower()
    return _NAMES.get(name) or _SUFFIXES.get(name.rpartition(".")[2])
