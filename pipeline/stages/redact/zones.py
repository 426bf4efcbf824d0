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
# How a comment or a string begins, and what follows its first character. The first characters of a family make one
# class, which the engine looks for at the speed of a plain search.
_Rule = tuple[bytes, bytes]
_DOUBLE: _Rule = (b'"', rb'(?:[^"\\\r\n]|\\[^\r\n])*+"?')
_SINGLE: _Rule = (b"'", rb"(?<!\w')(?:[^'\\\r\n]|\\[^\r\n])*+'?")
_TRIPLE: tuple[_Rule, ...] = (
    (b'"', rb'""(?:[^"\\]|\\.|"(?!""))*+(?:""")?'),
    (b"'", rb"''(?:[^'\\]|\\.|'(?!''))*+(?:\'\'\')?"),
)
_TICKED: _Rule = (b"`", rb"(?:[^`\\]|\\.)*+`?")
_BLOCK: _Rule = (b"/", rb"\*(?:[^*]|\*(?!/))*+(?:\*/)?")
_LINE: _Rule = (b"/", rb"/[^\r\n]*+")
_LINE_AFTER_NO_SCHEME: _Rule = (b"/", rb"(?<!:/)/[^\r\n]*+")
_HASH: _Rule = (b"#", rb"[^\r\n]*+")
_SPACED_HASH: _Rule = (b"#", rb"(?:(?<=\A#)|(?<=[\s;]#))[^\r\n]*+")
_DASHES: _Rule = (b"-", rb"-[^\r\n]*+")
_INI: tuple[_Rule, ...] = tuple((c, rb"(?:(?<=\A.)|(?<=[\r\n].))[^\r\n]*+") for c in (b"#", b";", b"!"))


def _family(comments: tuple[_Rule, ...], strings: tuple[_Rule, ...]) -> re.Pattern[bytes]:
    def one_of(rules: tuple[_Rule, ...]) -> bytes:
        return b"|".join(b"(?<=" + re.escape(first) + b")" + rest for first, rest in rules)

    firsts = b"".join(sorted({re.escape(first) for first, _ in comments + strings}))
    told = (b"[", firsts, b"](?:(?P<comment>", one_of(comments), b")|(?P<string>", one_of(strings), b"))")
    return re.compile(b"".join(told), re.DOTALL)


_FAMILIES = {
    "c": _family((_LINE, _BLOCK), (_DOUBLE, _SINGLE)),
    "javascript": _family((_LINE_AFTER_NO_SCHEME, _BLOCK), (_DOUBLE, _SINGLE, _TICKED)),
    "python": _family((_HASH,), (*_TRIPLE, _DOUBLE, _SINGLE)),
    "shell": _family((_SPACED_HASH,), (_DOUBLE, _SINGLE)),
    "php": _family((_LINE, _BLOCK, _SPACED_HASH), (_DOUBLE, _SINGLE)),
    "sql": _family((_DASHES, _BLOCK), (_DOUBLE, _SINGLE)),
    "lua": _family((_DASHES,), (_DOUBLE, _SINGLE)),
    "ini": _family(_INI, (_DOUBLE, _SINGLE)),
    "toml": _family((_HASH,), (*_TRIPLE, _DOUBLE, _SINGLE)),
    "xml": _family(
        ((b"<", rb"!--(?:[^-]|-(?!->))*+(?:-->)?"),), ((b'"', rb'(?<==")[^"<]*+"?'), (b"'", rb"(?<==')[^'<]*+'?"))
    ),
    "lisp": _family(((b";", rb"[^\r\n]*+"),), (_DOUBLE,)),
    "tex": _family(((b"%", rb"(?<!\\%)[^\r\n]*+"),), (_DOUBLE,)),
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
