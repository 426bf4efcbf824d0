"""Linguist's rules: the language of a named file with the rule that decided, the candidates left over, and its flags.

The chain is linguist's (`Linguist.detect`): modeline, file name, shebang, extension, XML header, manual page,
heuristics; the first that leaves one language decides. What names tell is looked up in linguist 9.6's own list
(`languages`); the rest is asked of enry, whose data are of about 9.4. Where several languages are left, linguist asks
its classifier; here the caller does.
"""

from __future__ import annotations

import functools
import os
import re
from types import ModuleType
from typing import NamedTuple

from pipeline.errors import PermastackError
from pipeline.stages.language.languages import by_extension, languages_by_filename

# Linguist looks at as many bytes in its heuristics and its classifier.
HEAD_BYTES = 50 * 1024
# Modelines may also stand in the last five lines.
FOOT_LINES = 5
FOOT_BYTES = 4 * 1024
_BINARY_BYTES = 8000


# What linguist 9.6 has and enry has not, or otherwise (docs/stages/language.md): modes spelt with hyphens, which enry
# spells with underscores; two interpreters of JavaScript as well; rules for `.pc`; vendored folders.
_HYPHENATED = re.compile(rb"((?:-\*-|mode[ \t]*:|(?:ft|filetype|syntax)[ \t]*=)[ \t]*)(\w+(?:-\w+)+)", re.IGNORECASE)
_JAVASCRIPT_TOO = re.compile(rb"#![^\n]*\b(?:bun|deno)\b")
_EMBEDDED_SQL = re.compile(rb"^\s*EXEC\s+SQL\s", re.MULTILINE)
_PKG_CONFIG = [re.compile(rb"^" + key + rb":[ \t]+\S", re.MULTILINE) for key in (b"Name", b"Description", b"Version")]
_VENDORED = re.compile(rb"(?:^|/)xvba_modules/")


class Detection(NamedTuple):
    """A language in linguist's spelling and the rule that decided; or twice None, and what the name still allows."""

    language: str | None
    method: str | None
    candidates: tuple[str, ...] = ()


class Flags(NamedTuple):
    """What linguist's lists say of a file beside its language."""

    is_generated: bool
    is_vendor: bool
    is_documentation: bool
    is_configuration: bool
    is_test: bool


class ForkedError(PermastackError):
    """enry was loaded in a process that then forked; calling it in the child would hang."""


@functools.cache
def _loaded() -> tuple[ModuleType, int]:
    # Not at the top: loading enry starts Go's threads, which no forked child inherits.
    import enry

    return enry, os.getpid()


def _enry() -> ModuleType:
    enry, owner = _loaded()
    if owner != os.getpid():
        raise ForkedError(
            f"language: enry (a Go library) was loaded in process {owner}, but process {os.getpid()} was "
            "forked from it and has none of its threads: its garbage collector would wait for ever. Start "
            "workers with the 'spawn' method, or tag only in the children."
        )
    return enry


def _path_text(path: bytes) -> str:
    """The path as enry takes it: UTF-8 without NUL; what is neither becomes U+FFFD, which no rule matches."""
    return path.decode("utf-8", "replace").replace("\0", "\ufffd")


def excerpt(data: bytes) -> bytes:
    """The part of a text that decides its language: the first 50 KiB and the last five lines (4 KiB at most).

    Bounds the time of the regular expressions, by bytes and so the same everywhere.
    """
    if len(data) <= HEAD_BYTES + FOOT_BYTES:
        return data
    lines = data[-FOOT_BYTES:].split(b"\n")
    return data[:HEAD_BYTES] + b"\n" + b"\n".join(lines[1:][-FOOT_LINES - 1 :])


def _may_have_modeline(text: bytes) -> bool:
    """Whether the lines where modelines stand hold the beginning of one; saves asking enry of most files."""
    head = text[:FOOT_BYTES].split(b"\n", FOOT_LINES)[:FOOT_LINES]
    foot = text[-FOOT_BYTES:].split(b"\n")[-FOOT_LINES - 1 :]
    lines = b"\n".join((*head, *foot))
    if len(head) < FOOT_LINES or len(foot) <= FOOT_LINES:
        lines = text  # long lines
    return b"-*-" in lines or b"vi" in lines or b"ex" in lines


def _by_modeline(text: bytes) -> str:
    """The language of a modeline, or nothing."""
    enry = _enry()
    found: str = enry.get_language_by_modeline(text).language
    if not found and (b"-*-" in text or b"vi" in text) and _HYPHENATED.search(text):
        spelt = _HYPHENATED.sub(lambda mode: mode[1] + mode[2].replace(b"-", b"_"), text)
        found = enry.get_language_by_modeline(spelt).language
    return found


def detect(path: bytes, data: bytes) -> Detection:
    """The language of `data` (text) under its full `path`, by linguist's rules.

    Methods: `enry:modeline`, `linguist:filename`, `enry:shebang`, `linguist:extension`, `enry:xml`,
    `linguist:heuristics`, `enry:heuristics`. None for binary text (a NUL in the first 8000 bytes), and where no rule
    leaves one language; then `candidates` has those that use the extension. Time is bounded by `excerpt`.

    Raises `ForkedError` in a child forked after the first call.
    """
    enry = _enry()
    name, text = _path_text(path), excerpt(data)
    if b"\0" in data[:_BINARY_BYTES]:
        return Detection(None, None)
    if _may_have_modeline(text) and (modeline := _by_modeline(text)):
        return Detection(modeline, "enry:modeline")
    base = name.rpartition("/")[2]
    by_filename = languages_by_filename().get(base, ())
    if len(by_filename) == 1:
        return Detection(by_filename[0], "linguist:filename")
    by_shebang = enry.get_languages_by_shebang(name, text) if text.startswith(b"#!") else []
    if by_shebang == ["TypeScript"] and _JAVASCRIPT_TOO.match(text):
        by_shebang = ["JavaScript", "TypeScript"]
    if len(by_shebang) == 1:
        return Detection(by_shebang[0], "enry:shebang")
    candidates = by_extension(base)
    if len(candidates) == 1:
        return Detection(candidates[0], "linguist:extension")
    candidates = candidates or tuple(sorted({*by_filename, *by_shebang}))
    if candidates == ("Pro*C", "pkg-config"):
        if _EMBEDDED_SQL.search(text):
            return Detection("Pro*C", "linguist:heuristics")
        if all(line.search(text) for line in _PKG_CONFIG):
            return Detection("pkg-config", "linguist:heuristics")
    if candidates:
        chosen = enry.get_language_by_content(name, text)
        if chosen.language and chosen.safe:
            return Detection(chosen.language, "enry:heuristics")
        return Detection(None, None, candidates)
    found = enry.get_languages(name, text)
    if len(found) == 1:
        return Detection(found[0], "enry:xml" if found == ["XML"] else "enry:heuristics")
    return Detection(None, None, tuple(sorted(found)))


def flags(path: bytes, data: bytes) -> Flags:
    """Linguist's flags by full path; `is_generated` also reads the whole content (line lengths, last lines).

    One linear pass. `data` must be shorter than 2 GiB (a C int). Raises `ForkedError` as `detect` does.
    """
    enry = _enry()
    name = _path_text(path)
    return Flags(
        is_generated=enry.is_generated(name, data),
        is_vendor=enry.is_vendor(name) or _VENDORED.search(path) is not None,
        is_documentation=enry.is_documentation(name),
        is_configuration=enry.is_configuration(name),
        is_test=enry.is_test(name),
    )
