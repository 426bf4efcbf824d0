"""Whether a text parses, by the grammars of tree-sitter. Needs the extra `parse`."""

from __future__ import annotations

import functools
import importlib.util
from importlib import metadata
from typing import Any

from pipeline.errors import ConfigError
from pipeline.stages.screen.config import ScreenConfig

GRAMMARS = {
    "C": "c", "C#": "csharp", "C++": "cpp", "Dart": "dart", "Go": "go", "Haskell": "haskell", "Java": "java",
    "JavaScript": "javascript", "Kotlin": "kotlin", "Lua": "lua", "PHP": "php", "Python": "python", "R": "r",
    "Ruby": "ruby", "Rust": "rust", "SQL": "sql", "Scala": "scala", "Shell": "bash", "Swift": "swift",
    "TypeScript": "typescript", "TSX": "tsx",
}  # fmt: skip
"""By linguist's name, the grammar: the 17 languages of StarCoder2-3B (arXiv 2402.19173) and Dart, Haskell, Scala.
TSX is linguist's name for TypeScript with tags."""

MAX_BYTES = 1_000_000
_LIBRARIES = ("tree-sitter", "tree-sitter-language-pack", "tree-sitter-c-sharp")


def parses(text: bytes, language: str | None) -> bool | None:
    """Whether the grammar of the language takes the text without an error or a missing token.

    None: there is no grammar for it here, or the text is longer than MAX_BYTES. Python 2 does not parse, and C with
    macros in odd places may not: false is a hint, no proof. A pure function of text, language and grammars.
    """
    grammar = GRAMMARS.get(language or "")
    if grammar is None or len(text) > MAX_BYTES:
        return None
    return not _parser(grammar).parse(text).root_node.has_error


@functools.cache
def _parser(grammar: str) -> Any:
    from tree_sitter_language_pack import get_parser

    return get_parser(grammar)  # type: ignore[arg-type]


def parser_versions(config: ScreenConfig) -> dict[str, str]:
    """Versions of what decides; none where nothing is parsed. Raises ConfigError where the extra is not installed."""
    if not config.parse:
        return {}
    if not is_installed():
        raise ConfigError(
            "screen.parse is true, but tree-sitter's grammars are not installed: pip install 'permastack[parse]'"
        )
    return {name: metadata.version(name) for name in _LIBRARIES}


def is_installed() -> bool:
    return importlib.util.find_spec("tree_sitter_language_pack") is not None
