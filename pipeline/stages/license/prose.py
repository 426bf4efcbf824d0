"""What the prose around a match says about it: that it is no statement, or for which paths it is one.

ScanCode finds licences; these few patterns read what stands beside them. They are narrow on purpose: where prose is not
understood, a match holds for all that its file speaks for.

- **Mentions.** "GPL-compatible", "unlike the GPL", "other software that is released under the GPL" name a licence that
  does not hold. A match is a mention if every name of its licence in its lines stands in such a phrase.
- **Deference.** "unless otherwise mentioned at the beginning of the file": what a file states about itself goes before.
- **Scopes.** "Everything in src/lib/ is under the MIT license", "src/lib/sha1.c:" above a licence text. The paths that
  the match's paragraph names, or the line right above it that ends with a colon, are what it holds for. `also`,
  `portions`, `derived` and the like make it an addition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.stages.license import table
from pipeline.stages.license.expression import leaves, parse
from pipeline.stages.license.scopes import below, literal, scope_of

_NAME = (
    r"(?:GNU[ -])?(?:(?:[AL]|Lesser |Affero |Library )?GPL(?:[ -]?v?[0-9.]+\+?)?"
    r"|(?:Lesser |Affero |Library )?General Public Licen[cs]e)"
)
_NAMES = re.compile(rf"\b{_NAME}", re.IGNORECASE)
_MENTIONS = re.compile(
    rf"\b{_NAME}[- ]+(?:in)?compatib"
    rf"|(?:in)?compatib\w*[\"']?\s+(?:with|to)\s+(?:the\s+|both\s+(?:the\s+)?)?{_NAME}"
    rf"|unlike\s+(?:the\s+)?{_NAME}"
    rf"|(?:contains?|there\s+is|has|with)\s+no\s+{_NAME}"
    rf"|other\s+software\s+(?:that|which)\s+is\s+(?:released|licensed|distributed)\s+under\s+the\s+{_NAME}"
    rf"|n[o']t\s+mean\s+that\s+we're\s+distributing\s+\w+\s+under\s+the\s+{_NAME}",
    re.IGNORECASE,
)
_FAMILY = re.compile(r"\b[AL]?GPL-")

_PATH = re.compile(
    r"(?<![\w/.:@+-])(?:[\w.+-]+(?:/[\w.*+-]+)+/?(?!\w|:\S)|[\w.+-]+/(?![\w/])|\w[\w+-]*\.[A-Za-z]\w{0,4}\b)"
)
_HOST = re.compile(r"^(?:www\.|[\w.-]+\.(?:com|org|net|edu|io|de|uk|fr)(?:/|$))|^\w+@", re.IGNORECASE)
_ABOUT_LICENSE = re.compile(r"licen[cs]e|copying|copyright|unlicense|notice|readme", re.IGNORECASE)
_ADDITION = re.compile(
    r"\b(?:also|in part|portions?|parts? of|contains?|includes?|derived|based on|copied|borrowed|adapted|taken|some)\b",
    re.IGNORECASE,
)
# What stands before a path that only says where something can be read, or left out.
_POINTER = re.compile(
    r"\b(?:see|refer\w*(?:\s+to)?|(?:found|contained|available|listed|described|included|stored|given|stated|lies?)\s+in|read"
    r"|consult|check|details?|text|copy|exclud\w+|remov\w+|except\w*|file)\b\W+(?:[\w'`\"]+\W+){0,3}$",
    re.IGNORECASE,
)
_LICENSE_WORD = re.compile(
    r"licen[cs]|GPL|copyright|warrant|\bMIT\b|\bBSD\b|public domain|is free software", re.IGNORECASE
)
_LISTED = re.compile(r"(?:^|\n)[^\n]{0,3}$|,\s*$|\band\s+$")
_CREDIT = re.compile(r"copyright|\(c\)|©|all rights reserved|author|written by|@", re.IGNORECASE)
_COMPONENT = re.compile(
    r"(?:the\s+)?(?:(?:bundled|included|embedded|vendored)\s+)?(?P<name>\w[\w-]+)\s+"
    r"(?:framework|library|code|implementation|module|parser|component|package|sources?)\s+(?:is|are)\s+"
    r"(?:licen[cs]ed|distributed|released|available|provided|covered)\b",
    re.IGNORECASE,
)
_DEFERENCE = re.compile(
    r"\b(?:unless|except\s+(?:where|as|when))\s+(?:\w+\s+){0,3}(?:stated|mentioned|noted|specified|indicated|marked|declared)\s+"
    r"(?:otherwise\s+)?(?:at|in|on|by|within)\s+(?:\w+\s+){0,5}(?:files?|headers?)\b"
    r"|\b(?:look\s+at|see|check|read|consult|refer\s+to)\s+the\s+(?:copyright|licen[cs]e)\s+(?:headers?|notices?|statements?)\s+"
    r"(?:of|in)\s+(?:each|every|the\s+individual)\s+(?:source\s+)?files?\b"
    r"|\bstatements?\s+in\s+the\s+(?:individual\s+)?files?\s+(?:are\s+controlling|control|prevail|take\s+precedence)\b",
    re.IGNORECASE,
)
_MAX_WORDS_BEFORE = 8
_MAX_PARAGRAPH = 40  # lines
_MAX_PATHS = 500
_MAX_AROUND = 4_000  # characters: what stands around a match is read up to this length, and else says nothing
MAX_MATCHES = 2_000  # of one text whose surroundings are read


class Prose:
    """A text by its lines and paragraphs, asked about the matches in it."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")

    def is_mention(self, match: Mapping[str, Any]) -> bool:
        """Whether a match only names a licence that does not hold."""
        if match["kind"] == "text" or not _FAMILY.search(match["spdx"]):
            return False
        first, last = match["start_line"] - 1, match["end_line"]
        if last - first > _MAX_PARAGRAPH:
            return False
        # A phrase may begin on the line before and end on the line after.
        around = [self._line(first - 1), *self._lines[first:last], self._line(last)]
        if sum(map(len, around)) > _MAX_AROUND:
            return False
        text = "\n".join(map(_undecorated, around))
        start = len(_undecorated(around[0])) + 1
        end = len(text) - len(_undecorated(around[-1])) - 1
        spans = [found.span() for found in _MENTIONS.finditer(text)]
        names = [found.span() for found in _NAMES.finditer(text) if start <= found.start() < end]
        return bool(names) and all(any(a <= x and y <= b for a, b in spans) for x, y in names)

    def scope(self, match: Mapping[str, Any]) -> str | None:
        """For which paths a match holds; None where the prose names none."""
        start, end = match["start_line"] - 1, match["end_line"]
        first = self._paragraph_start(start)
        if match["kind"] == "text":
            # Paths in a licence's own words are no scope; what announces it is.
            lines = self._lines[first : start + 1]
            subject, listed = self._heading_above(first) or lines[:-1], False
        else:
            lines = self._lines[first : self._paragraph_end(end)]
            subject, listed = lines, "following" in lines[0].lower()
            if sum(map(len, lines)) > _MAX_AROUND:
                return None
            if not any(map(_paths, lines)):
                subject = self._heading_above(first)
        if sum(map(len, subject)) + sum(map(len, lines)) > _MAX_AROUND:
            return None
        found = _subjects(subject, listed)
        if not found and _is_permissive(match["spdx"]):
            # "The Clar framework is licensed under ...": a folder of that name, inside another one.
            named = _COMPONENT.match(" ".join(map(_undecorated, lines)))
            return scope_of([f"**/{literal(named['name'].lower())}/**"]) if named else None
        if not found or len(subject) > _MAX_PARAGRAPH:
            return None
        folder = ""
        patterns = []
        for path in found[:_MAX_PATHS]:
            if path.endswith("/"):
                patterns.append(below(path))
            else:
                # "src/lib/sha1.c and sha2.c": the second lies beside the first.
                folder = path.rpartition("/")[0] or folder
                patterns += [spelled.replace(r"\*", "*") for spelled in _spellings(path, folder)]
        return scope_of(patterns, adds=_ADDITION.search("\n".join(subject)) is not None)

    def defers(self) -> bool:
        """Whether the text says that what a file states about itself goes before it."""
        return _DEFERENCE.search(" ".join(map(_undecorated, self._lines))) is not None

    def _line(self, number: int) -> str:
        return self._lines[number] if 0 <= number < len(self._lines) else ""

    def _paragraph_start(self, line: int) -> int:
        limit = max(0, line - _MAX_PARAGRAPH)
        while line > limit and _undecorated(self._lines[line - 1]) and not _is_item(self._lines[line]):
            line -= 1
        return line

    def _paragraph_end(self, line: int) -> int:
        limit = min(len(self._lines), line + _MAX_PARAGRAPH)
        while line < limit and _undecorated(self._lines[line]) and not _is_item(self._lines[line]):
            line += 1
        return line

    def _heading_above(self, line: int) -> list[str]:
        """The paragraph before another one, if it announces what follows. Credits may stand between the two."""
        at = line - 1
        while at >= 0 and line - at <= _MAX_PARAGRAPH:
            if not _undecorated(self._lines[at]):
                at -= 1
                continue
            first = self._paragraph_start(at)
            announced = self._lines[first : at + 1]
            if _undecorated(announced[-1]).endswith(":"):
                return announced
            if not all(map(_CREDIT.search, announced)):
                break
            at = first - 1
        return []


def _subjects(lines: list[str], listed: bool) -> list[str]:
    """The paths that a paragraph is about: among its first words, or listed under them; not those that it points to."""
    text = "\n".join(map(_undecorated, lines))
    found = [(path, at) for path, at in _paths(text) if not _POINTER.search(text[max(0, at - 60) : at])]
    if not found:
        return []
    before = text[: found[0][1]]
    if listed:
        return [path for path, at in found if _LISTED.search(text[:at])]
    if len(before.split()) > _MAX_WORDS_BEFORE or _LICENSE_WORD.search(before):
        return []
    return [path for path, _ in found]


def _spellings(path: str, folder: str) -> list[str]:
    spelled = [literal(path)]
    if folder and "/" not in path:
        spelled.append(literal(f"{folder}/{path}"))
    if "." not in path.rpartition("/")[2]:
        spelled.append(below(path))
    return spelled


def _paths(text: str) -> list[tuple[str, int]]:
    """What looks like a path, and where: with a slash or a suffix, no address, no licence file."""
    found = []
    for match in _PATH.finditer(text):
        path = match[0].removeprefix("./").rstrip(".")
        name = path.rstrip("/").rpartition("/")[2]
        if _ABOUT_LICENSE.search(name) or _HOST.search(path) or not re.search(r"[a-zA-Z]", path):
            continue
        found.append((path, match.start()))
    return found


def _is_permissive(spdx: str) -> bool:
    entries = [table.by_id(leaf.spdx) for leaf in leaves(parse(spdx))]
    return all(entry is not None and entry.category in ("Permissive", "Public Domain") for entry in entries)


def _undecorated(line: str) -> str:
    """A line without comment marks and rulers."""
    return line.strip(" \t\r*#/;-=_<>!|")


def _is_item(line: str) -> bool:
    return re.match(r"\s*(?:[-*•]|\d+[.)])\s", line) is not None
