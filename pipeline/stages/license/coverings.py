"""Files that say path by path what holds: REUSE.toml, .reuse/dep5 and debian/copyright.

The last paragraph that covers a path speaks for it. Names of licences in debian/copyright are Debian's short names, of
which the usual ones are understood; another one becomes a `LicenseRef-debian-...` that no policy lists, so that it
never makes a file permissive.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from pipeline.stages.license import names
from pipeline.stages.license.evidence import Fact, Finding
from pipeline.stages.license.expression import ExpressionError, SpdxExpression, all_of, any_of, parse
from pipeline.stages.license.scopes import EVERYTHING, MAX_PATTERNS, of_debian, scope_of
from pipeline.stages.license.spellings import normalise

_MAX_PARAGRAPHS = 20_000
_DEBIAN = {
    "expat": "MIT",
    "mit/x": "MIT",
    "mit/x11": "MIT",
    "x11/mit": "MIT",
    "zlib/libpng": "Zlib",
    "public-domain": "LicenseRef-scancode-public-domain",
    "pd": "LicenseRef-scancode-public-domain",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd-4": "BSD-4-Clause",
    "cc0": "CC0-1.0",
    "boost-1.0": "BSL-1.0",
    "apache-2": "Apache-2.0",
    "perl": "Artistic-1.0-Perl OR GPL-1.0-or-later",
    "artistic": "Artistic-1.0",
    "psf-2": "PSF-2.0",
    "python": "PSF-2.0",
    "permissive": "LicenseRef-scancode-other-permissive",
}
_VERSIONED = re.compile(
    r"(?P<name>[AL]?GPL|GFDL|MPL|EPL|CDDL|CPL|EUPL)[- ]?v?(?P<version>\d(?:\.\d)*)?(?P<plus>\+)?(?:-only)?",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(r"\s+with\s+(?:the\s+)?(?P<words>.*?)[\s-]*exceptions?\b.*", re.IGNORECASE)


def declarations(kind: str, data: bytes) -> dict[str, Any]:
    """What such a file declares, as it is stored: `paragraphs` of `expression`, `raw`, `scope`, `line`; or a `reason`
    why there is nothing. Never raises for what stands in it.
    """
    text = data.decode("utf-8", "replace")
    try:
        found = list(_reuse(text) if kind == names.REUSE_TOML else _debian(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return {"paragraphs": [], "reason": f"broken file: {type(error).__name__}"}
    return {"paragraphs": found[:_MAX_PARAGRAPHS], "reason": None}


def fact_of_declarations(blob: bytes, stored: dict[str, Any]) -> Fact:
    """The findings of such a file, in the order of its paragraphs."""
    return Fact(
        blob,
        tuple(
            Finding(parse(p["expression"]), p["rule"], "declared", 100.0, p["line"], p["line"], p["scope"])
            for p in stored["paragraphs"]
        ),
    )


def _paragraph(expression: SpdxExpression, rule: str, raw: str, patterns: list[str], line: int) -> dict[str, Any]:
    return {"expression": str(expression), "rule": rule, "raw": raw[:200], "scope": scope_of(patterns), "line": line}


def _reuse(text: str) -> Iterator[dict[str, Any]]:
    document = tomllib.loads(text)
    annotations = document.get("annotations")
    # TOML gives no lines; the number of the annotation stands for its place.
    for number, entry in enumerate(annotations if isinstance(annotations, list) else [], 1):
        if not isinstance(entry, dict):
            continue
        stated = _strings(entry.get("SPDX-License-Identifier"))
        expressions = [_read(raw) for raw in stated]
        joined = all_of(expressions)
        if joined is None:
            continue
        # A backslash escapes a star in REUSE, too; a question mark is only itself there.
        patterns = [p.replace("?", r"\?") for p in _strings(entry.get("path"))[:MAX_PATTERNS]]
        patterns = [EVERYTHING if p in ("**", "**/*") else p for p in patterns]
        if patterns:
            rule = f"annotations ({entry['precedence']})" if isinstance(entry.get("precedence"), str) else "annotations"
            yield _paragraph(joined, rule[:40], " AND ".join(stated), patterns, number)


def _debian(text: str) -> Iterator[dict[str, Any]]:
    for fields, line in _paragraphs(text):
        if "files" not in fields or "license" not in fields:
            continue
        raw = fields["license"].split("\n", 1)[0].strip()
        patterns = of_debian(fields["files"])
        if raw and patterns:
            yield _paragraph(debian_name(raw), "Files", raw, patterns, line)


def _paragraphs(text: str) -> Iterator[tuple[dict[str, str], int]]:
    """The fields of each paragraph of a control file, by lower-case name, and the line on which it begins."""
    fields: dict[str, str] = {}
    begun, name = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            if fields:
                yield fields, begun
            fields, name = {}, ""
        elif line[0] in " \t":
            if name:
                fields[name] += "\n" + line.strip()
        elif line[0] != "#":
            if not fields:
                begun = number
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    if fields:
        yield fields, begun


def debian_name(raw: str) -> SpdxExpression:
    """The expression of a License field's first line.

    >>> str(debian_name("GPL-2+ or Artistic")), str(debian_name("Expat and BSD-3-clause"))
    ('Artistic-1.0 OR GPL-2.0-or-later', 'BSD-3-Clause AND MIT')
    >>> str(debian_name("GPL-3+ with Autoconf exception")), str(debian_name("my-license"))
    ('GPL-3.0-or-later', 'LicenseRef-debian-my-license')
    """
    options = []
    for option in re.split(r"\s*(?:,\s*or\s|\bor\s|\|)\s*", raw, flags=re.IGNORECASE):
        parts = [_one(part.strip(" ,")) for part in re.split(r"\s*(?:,|\band\b)\s*", option, flags=re.IGNORECASE)]
        joined = all_of(part for part in parts if part is not None)
        if joined is not None:
            options.append(joined)
    return any_of(options) or _unknown(raw)


def _one(name: str) -> SpdxExpression | None:
    if not name or name.lower().startswith("with "):
        return None  # "GPL-2+, with an exception": it only adds permissions
    # An exception never makes a licence worse, and never permissive.
    name = _EXCEPTION.sub("", name)
    versioned = _VERSIONED.fullmatch(name)
    if versioned and versioned["name"].upper() in ("GPL", "LGPL", "AGPL", "GFDL"):
        return _gnu(versioned["name"].upper(), versioned["version"], versioned["plus"] is not None)
    if versioned and versioned["version"]:
        version = versioned["version"] if "." in versioned["version"] else f"{versioned['version']}.0"
        return _read(f"{versioned['name'].upper()}-{version}")
    known = _DEBIAN.get(name.lower())
    return parse(known) if known else normalise(name) or _unknown(name)


def _gnu(family: str, version: str | None, later: bool) -> SpdxExpression:
    first = {"GPL": "1.0", "LGPL": "2.0", "AGPL": "3.0", "GFDL": "1.1"}[family]
    if version is None:
        return _read(f"{family}-{first}-or-later")
    if "." not in version:
        version += ".0"
    return _read(f"{family}-{version}-{'or-later' if later else 'only'}")


def _read(raw: str) -> SpdxExpression:
    try:
        return parse(raw)
    except ExpressionError:
        return normalise(raw) or _unknown(raw)


def _unknown(name: str) -> SpdxExpression:
    return parse("LicenseRef-debian-" + (re.sub(r"[^A-Za-z0-9.]+", "-", name)[:60].strip("-.") or "unnamed"))


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
