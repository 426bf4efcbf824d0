"""What runs in the licence service: ScanCode, loaded once, asked text by text.

This is the only module that imports ScanCode, and only inside its functions: the index takes 6-12 s and 1.1
GB. An answer depends on the text and `VERSION` alone: no deadline is given, because budgets that decide are
deterministic (the caller chooses the depth by length, `LicenseConfig.depth_for`).
"""

from __future__ import annotations

import base64
from typing import Any, Literal

from pipeline.stages.license import candidates, shortcuts
from pipeline.stages.license.expression import parse
from pipeline.stages.license.prose import MAX_MATCHES, Prose

Depth = Literal["full", "exact"]

# The last number changes with what `scan` makes of ScanCode's answer.
VERSION = f"scancode-{candidates.CHECKED_VERSION}+candidates-1+scan-3"

# str.splitlines breaks a line at these, editors and `git blame` do not: line numbers would be off.
_NOT_LINE_ENDS = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")

# Rules of ScanCode whose licence is not what their text says. Each was read.
_CORRECTED = {
    # "Opus is subject to the royalty-free patent licenses which are specified at": it grants, and forbids nothing.
    "proprietary-license_375.RULE": "xiph-patent",
}

_SAMPLE = 2_000  # bytes, by which a text is taken for UTF-16 that has no mark
_MOSTLY = 0.8

_WARM_UP = "Licensed under the terms of an example: permission is granted to use, copy and distribute this example."


def load() -> None:
    """Load ScanCode's index, install the candidate index and touch what is loaded lazily. Call once, before a
    fork.
    """
    from licensedcode.cache import get_index, get_licensing

    candidates.install(get_index())
    shortcuts.install()
    get_licensing()
    scan(_WARM_UP, approximate=True)


def handle(request: dict[str, Any]) -> dict[str, Any]:
    """Answer `{"text": str}` or `{"bytes": base64}`, with `"mode"` "full" (the default) or "exact".

    Returns `{"matches": [...], "version": VERSION}`; the matches as `scan` gives them.
    """
    text = request["text"] if "text" in request else decode(base64.b64decode(request["bytes"]))
    mode = request.get("mode", "full")
    if mode not in ("full", "exact"):
        raise ValueError(f"mode: 'full' or 'exact' was expected, {mode!r} found")
    return {"matches": scan(text, approximate=mode == "full"), "version": VERSION}


def scan(text: str, approximate: bool) -> list[dict[str, Any]]:
    """The matches of ScanCode's licence detection in a text, in order of their place.

    Each: `expression` (ScanCode's keys), `spdx`, `rule`, `matcher`, `score` and `coverage` (0-100),
    `start_line`, `end_line` (from 1), `kind`: text, notice, reference, tag or intro; or `clue` where
    ScanCode's detection does not let the match count: a clue, a fragment, a likely false positive, an
    introduction that the licence itself follows; or `mention`: a licence that is named and does not hold. The AND of
    all other matches is the text's expression. `scope`: the paths that the prose around a match says it is for.

    Exact matching costs about 0.3 CPU s a MB, approximate matching some 0.1 s a licence file and grows with
    the text.
    """
    from licensedcode.detection import detect_licenses

    text = text.translate(_NOT_LINE_ENDS)
    if not text.strip():
        return []
    # A lazy generator: it is exhausted here, where the candidate index is in place.
    detections = list(detect_licenses(query_string=text, approximate=approximate))
    rows = []
    for detection in detections:
        counting = _counting(detection)
        rows += [_row(match, counts=id(match) in counting) for match in detection.matches]
    prose = Prose(text)
    defers = bool(rows) and prose.defers()
    for number, row in enumerate(rows):
        row |= {"defers": defers, "scope": None}
        if number >= MAX_MATCHES:
            continue
        if prose.is_mention(row):
            row["kind"] = "mention"
        elif row["kind"] != "clue":
            row["scope"] = prose.scope(row)
    return sorted(rows, key=lambda row: (row["start_line"], row["end_line"], row["rule"], row["matcher"]))


def decode(data: bytes) -> str:
    """A licence file's text: by its byte order mark, else UTF-16 where every other byte is zero, else UTF-8, else
    Latin-1, which reads any bytes.

    >>> decode("MIT License".encode("utf-16-le"))
    'MIT License'
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    zeros = [data[start:_SAMPLE:2].count(0) / max(1, len(data[start:_SAMPLE:2])) for start in (0, 1)]
    if max(zeros) > _MOSTLY > 1 - _MOSTLY > min(zeros):
        return data.decode("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _counting(detection: Any) -> set[int]:
    """The identities of a detection's matches that make its expression."""
    from licensedcode.detection import DetectionRule, filter_license_intros

    if detection.license_expression is None:
        return set()
    if DetectionRule.UNKNOWN_INTRO_FOLLOWED_BY_MATCH.value in detection.detection_log:
        return {id(match) for match in filter_license_intros(detection.matches)}
    return {id(match) for match in detection.matches}


def _row(match: Any, *, counts: bool) -> dict[str, Any]:
    rule = match.rule
    expression = _CORRECTED.get(rule.identifier, rule.license_expression)
    return {
        "expression": expression,
        "spdx": str(parse(expression)),
        "rule": rule.identifier,
        "matcher": match.matcher,
        "score": float(match.score()),
        "coverage": float(match.coverage()),
        "start_line": int(match.start_line),
        "end_line": int(match.end_line),
        "kind": _kind(rule) if counts else "clue",
    }


def _kind(rule: Any) -> str:
    for kind in ("text", "notice", "reference", "tag", "intro", "clue"):
        if getattr(rule, f"is_license_{kind}"):
            return kind
    return "reference"  # an SPDX-License-Identifier line has a rule made on the spot, without a kind
