"""Linguist's rules, run by enry: the language of a named file with the rule that decided, and its flags.

The chain is that of go-enry's `GetLanguages` (after linguist's `Linguist.detect`): modeline, file name,
shebang, extension, XML header, manual page, heuristics, classifier; the first that leaves one language
decides. enry names the language but not the rule, so the first four are asked one by one and only the rest
as a whole.
"""

from __future__ import annotations

import functools
import os
from types import ModuleType
from typing import NamedTuple

from pipeline.errors import PermastackError

# Linguist looks at as many bytes in its heuristics and its classifier.
HEAD_BYTES = 50 * 1024
# Modelines may also stand in the last five lines.
FOOT_LINES = 5
FOOT_BYTES = 4 * 1024

# enry's classifier walks a Go map, so languages that score the same come out in a random order; they do when
# a text holds no word that its samples hold. A few words of code appended break such ties the same way every
# time.
_PROBES = (b"\n(foo bar)\n", b"\nx = y;\n", b"\nif (a) { return b; }\n")


class Detection(NamedTuple):
    """A language in linguist's spelling and the rule that decided, or twice None."""

    language: str | None
    method: str | None


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

    Bounds the time of the regular expressions and of the classifier, by bytes and so the same everywhere.
    """
    if len(data) <= HEAD_BYTES + FOOT_BYTES:
        return data
    lines = data[-FOOT_BYTES:].split(b"\n")
    return data[:HEAD_BYTES] + b"\n" + b"\n".join(lines[1:][-FOOT_LINES - 1 :])


def _languages_by_extension(enry: ModuleType, path: str) -> list[str]:
    """All languages that use the extension; enry's public function gives only the first of them."""
    from enry._c_enry import ffi
    from enry.utils import go_str_slice_to_py

    library = enry.definitions.lib
    found = library.GetLanguagesByExtension(path.encode(), b"", 0, ffi.NULL)
    names: list[str] = go_str_slice_to_py(library, found)
    return names


def _classified(enry: ModuleType, path: str, text: bytes) -> str | None:
    """The classifier's choice if it stays the same beside each probe: else the text says too little."""
    choices = {enry.get_languages(path, text + probe)[0] for probe in _PROBES}
    return choices.pop() if len(choices) == 1 else None


def detect(path: bytes, data: bytes) -> Detection:
    """The language of `data` (text) under its full `path`, by linguist's rules.

    Methods: `enry:modeline`, `enry:filename`, `enry:shebang`, `enry:extension`, `enry:xml`,
    `enry:heuristics`, `enry:classifier`. None for binary text (a NUL in the first 8000 bytes), and where no
    rule or no stable choice is left. Time is bounded by `excerpt`; a classified file costs four times the
    classifier.

    Raises `ForkedError` in a child forked after the first call.
    """
    enry = _enry()
    name, text = _path_text(path), excerpt(data)
    if enry.is_binary(data):
        return Detection(None, None)
    if modeline := enry.get_language_by_modeline(text).language:
        return Detection(modeline, "enry:modeline")
    by_name = {
        "enry:filename": enry.get_languages_by_filename(name),
        "enry:shebang": enry.get_languages_by_shebang(name, text),
        "enry:extension": _languages_by_extension(enry, name),
    }
    for method, languages in by_name.items():
        if len(languages) == 1:
            return Detection(languages[0], method)
    chosen = enry.get_languages(name, text)
    if not chosen:
        return Detection(None, None)
    if len(chosen) == 1:
        # The XML rule asks only where nothing before it left candidates.
        xml = chosen == ["XML"] and not any(by_name.values())
        return Detection(chosen[0], "enry:xml" if xml else "enry:heuristics")
    stable = _classified(enry, name, text)
    return Detection(stable, "enry:classifier") if stable else Detection(None, None)


def flags(path: bytes, data: bytes) -> Flags:
    """Linguist's flags by full path; `is_generated` also reads the whole content (line lengths, last lines).

    One linear pass. `data` must be shorter than 2 GiB (a C int). Raises `ForkedError` as `detect` does.
    """
    enry = _enry()
    name = _path_text(path)
    return Flags(
        is_generated=enry.is_generated(name, data),
        is_vendor=enry.is_vendor(name),
        is_documentation=enry.is_documentation(name),
        is_configuration=enry.is_configuration(name),
        is_test=enry.is_test(name),
    )
