"""Parsing: one good and one bad text of each language."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.stages.screen import parsing
from pipeline.stages.screen.config import ScreenConfig
from pipeline.stages.screen.parsing import GRAMMARS, MAX_BYTES, parser_versions, parses

GOOD = {
    "C": "int f(int a) { return a; }\n",
    "C#": "class A { int F(int a) => a; }\n",
    "C++": "template <typename T> T f(T a) { return a; }\n",
    "Dart": "int f(int a) => a;\n",
    "Go": "package a\n\nfunc f(a int) int { return a }\n",
    "Haskell": "f :: Int -> Int\nf a = a\n",
    "Java": "class A { int f(int a) { return a; } }\n",
    "JavaScript": "const f = (a) => a;\n",
    "Kotlin": "fun f(a: Int): Int = a\n",
    "Lua": "local function f(a) return a end\n",
    "PHP": "<?php function f($a) { return $a; }\n",
    "Python": "def f(a):\n    return a\n",
    "R": "f <- function(a) a\n",
    "Ruby": "def f(a)\n  a\nend\n",
    "Rust": "fn f(a: i32) -> i32 { a }\n",
    "SQL": "SELECT a FROM b WHERE c = 1;\n",
    "Scala": "object A { def f(a: Int): Int = a }\n",
    "Shell": "f() { echo \"$1\"; }\n",
    "Swift": "func f(a: Int) -> Int { return a }\n",
    "TypeScript": "function f(a: number): number { return a }\n",
    "TSX": "const f = (a: string) => <b>{a}</b>;\n",
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_good_texts_parse_and_torn_ones_do_not(language: str) -> None:
    good = GOOD[language].encode()
    assert parses(good, language) is True
    assert parses(good + b"\n)]} ((( {{{ 'a\n", language) is False


def test_what_is_not_parsed_is_null() -> None:
    assert parses(b"x", None) is None
    assert parses(b"x", "COBOL") is None
    assert parses(b"#" * MAX_BYTES, "Python") is True
    assert parses(b"#" * (MAX_BYTES + 1), "Python") is None


def test_without_the_extra_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "is_installed", lambda: False)
    assert parser_versions(ScreenConfig()) == {}
    with pytest.raises(ConfigError, match=r"screen.parse is true, but .* pip install 'permastack\[parse\]'"):
        parser_versions(ScreenConfig(parse=True))


def test_versions_are_there_only_where_it_parses() -> None:
    assert set(parser_versions(ScreenConfig(parse=True))) >= {"tree-sitter", "tree-sitter-language-pack"}
    assert parser_versions(ScreenConfig()) == {}
