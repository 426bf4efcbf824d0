"""How The Stack v2 decides, as published: so that every difference from it can be shown.

Source: bigcode-project/the-stack-v2, `get_file_contents.py` and `get_license_types.py` (read), in which licence files
are chosen by name, the licences found in them are flattened to a set of ids, and each file gets the union over all its
ancestors, unless the repository has a licence of its own: then that alone decides. Headers are never read. The
whitelist is not in the repository; here it is whatever the policy at hand calls permissive. The deadline that made most
of its detection find nothing is no rule, and is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.stages.license import names
from pipeline.stages.license.evidence import UNRECOGNISED, Evidence, Fact, Finding, as_set, combine, rows_of
from pipeline.stages.license.expression import Leaf, SpdxExpression, leaves, parse
from pipeline.stages.license.resolve import Resolution, distance
from pipeline.stages.license.spellings import normalise
from pipeline.swhid import content_id

UNKNOWN = "LicenseRef-permastack-unknown"
_NO_ID = frozenset({"", "NONE"})
_NO_ASSERTION = frozenset({"NOASSERTION", "OTHER"})

_NEUTRAL = frozenset(
    f"LicenseRef-scancode-{key}"
    for key in (
        "dco-1.1", "generic-cla", "google-cla", "jetty-ccla-1.1", "newton-king-cla", "generic-exception",
        "generic-export-compliance", "generic-tos", "generic-trademark", "warranty-disclaimer",
    )
)  # fmt: skip
_POINTER = "LicenseRef-scancode-unknown-license-reference"


def fact_of_scan(blob: bytes, matches: Iterable[Mapping[str, Any]]) -> Fact:
    """What a text states, from the matches of `scancode.scan`: every id by itself, pointers and mentions among them."""
    found: dict[SpdxExpression, Finding] = {}
    for match in matches:
        if match["kind"] != "clue" and match["spdx"] != UNRECOGNISED:
            lines = (match["start_line"], match["end_line"])
            for one in flat(parse(match["spdx"])):
                found.setdefault(one, Finding(one, match["rule"], match["matcher"], float(match["score"]), *lines))
    return Fact(blob, tuple(found[one] for one in sorted(found, key=str)))


def flat(expression: SpdxExpression) -> list[SpdxExpression]:
    """The ids of an expression: AND, OR and WITH are lost, an exception is an id like a licence.

    >>> [str(one) for one in flat(parse("GPL-2.0-only WITH Classpath-exception-2.0 OR MIT"))]
    ['Classpath-exception-2.0', 'GPL-2.0-only', 'MIT']
    """
    ids = {i for leaf in leaves(expression) for i in (leaf.spdx, leaf.exception) if i is not None}
    return [Leaf(spdx) for spdx in sorted(ids)]


def resolve(paths: Sequence[bytes], facts: Mapping[bytes, Fact], declared: str | None) -> Resolution:
    """As `resolve.resolve`: what the repository is said to be under where that is known, else the union of what licence
    files state in the folder of a path and in all above. `declared`: the id that a forge gives the repository.

    One look-up per path, and one set per folder that has licence files.
    """
    said = _declared(declared)
    by_folder: dict[bytes, list[bytes]] = {}
    for path in sorted(facts):
        if names.stack_v2_kind_of(path) and facts[path].findings:
            by_folder.setdefault(path.rpartition(b"/")[0], []).append(path)
    sets: dict[str, list[Evidence]] = {}
    of_folder: dict[bytes, str | None] = {}

    def of(folder: bytes) -> str | None:
        if folder not in of_folder:
            if folder and folder not in by_folder:
                of_folder[folder] = of(folder.rpartition(b"/")[0])
            else:
                rows = as_set(_rows(folder, by_folder, facts, said))
                sets.update({rows[0].evidence_id: rows} if rows else {})
                of_folder[folder] = rows[0].evidence_id if rows else None
        return of_folder[folder]

    ids = [of(path.rpartition(b"/")[0]) for path in paths]
    used = sorted(set(filter(None, ids)))
    expressions = {key: joined for key in used if (joined := combine(sets[key])) is not None}
    return Resolution([row for key in used for row in sets[key]], expressions, ids)


def license_type(ids: Iterable[str], permitted: Callable[[str], bool]) -> str:
    """`permissive`, `no_license` or `non_permissive`, from the ids that hold at a path.

    >>> license_type(["MIT", "GPL-2.0-only"], {"MIT"}.__contains__)
    'non_permissive'
    """
    left = set(ids) - _NEUTRAL
    permissive = {spdx for spdx in left if permitted(spdx)}
    if permissive:
        left.discard(_POINTER)
        return "permissive" if permissive == left else "non_permissive"
    return "non_permissive" if left else "no_license"


def _rows(
    folder: bytes, by_folder: Mapping[bytes, list[bytes]], facts: Mapping[bytes, Fact], said: tuple[Fact, bool] | None
) -> list[Evidence]:
    if said is not None and said[1]:
        return rows_of(said[0], "repository", b"", 0)
    rows = []
    at, more = folder, True
    while more:
        for path in by_folder.get(at, ()):
            rows += rows_of(_flat(facts[path]), "license_file", path, distance(folder, path))
        at, more = at.rpartition(b"/")[0], bool(at)
    # Whoever asserts nothing forbids, where nothing is found either.
    return rows or (rows_of(said[0], "repository", b"", 0) if said is not None else [])


def _flat(fact: Fact) -> Fact:
    """Facts of the other modes, which are expressions for some of the paths, too."""
    flattened = [
        replace(finding, expression=one, scope=None, defers=False)
        for finding in fact.findings
        for one in flat(finding.expression)
    ]
    first: dict[SpdxExpression, Finding] = {}
    for finding in sorted(flattened, key=lambda f: (f.start_line or 0, f.rule, f.matcher, f.end_line or 0)):
        first.setdefault(finding.expression, finding)
    return Fact(fact.blob, tuple(first[one] for one in sorted(first, key=str)))


def _declared(declared: str | None) -> tuple[Fact, bool] | None:
    """What a repository is said to be under, and whether that decides alone; None where it is not said."""
    if declared is None or declared.upper() in _NO_ID:
        return None
    asserted = declared.upper() not in _NO_ASSERTION
    expression = (normalise(declared) if asserted else None) or parse(UNKNOWN)
    found = [Finding(one, "declared", "declared", 0.0) for one in flat(expression)]
    return Fact(content_id(declared.encode()), tuple(found)), asserted
