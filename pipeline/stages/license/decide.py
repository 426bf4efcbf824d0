"""The verdict on a file: what holds at its path joined with what it says about itself, under a policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.stages.license.expression import SpdxExpression, all_of, states_license
from pipeline.stages.license.policy import LicenseType, Policy

Mode = Literal["strict", "standard"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict, the expression that it is about, the rule (a short fixed name) and the reason in words."""

    license_type: LicenseType
    expression: SpdxExpression | None
    rule: str
    reason: str


def verdict(
    path_expression: SpdxExpression | None,
    header_expressions: Sequence[SpdxExpression],
    policy: Policy,
    mode: Mode,
) -> Verdict:
    """Decide one occurrence.

    A header that only points elsewhere ("see LICENSE") counts as none. `strict`: path and header must both be
    permissive where they speak, either can veto. `standard`: a header that speaks decides alone. Where
    neither speaks: no_license.
    """
    header = all_of(e for e in header_expressions if states_license(e))
    header_type = policy.classify(header)
    path_type = policy.classify(path_expression)
    if header is None or header_type is LicenseType.NO_LICENSE:
        return _of_path(path_expression, path_type)
    if mode == "standard" or path_expression is None or path_type is LicenseType.NO_LICENSE:
        rule = "header_veto" if header_type is LicenseType.NON_PERMISSIVE else f"header_{header_type}"
        return Verdict(header_type, header, rule, f"the file states {header}")
    both = all_of([path_expression, header])
    joined = policy.classify(both)
    if joined is header_type and joined is not path_type:
        rule = "header_veto" if joined is LicenseType.NON_PERMISSIVE else f"header_{joined}"
        reason = f"{path_expression} holds at the path, but the file states {header}"
    else:
        rule = f"path_{joined}"
        reason = f"{path_expression} holds at the path; the file states {header}"
    return Verdict(joined, both, rule, reason)


def is_contested(header_expressions: Iterable[SpdxExpression], path_types: Iterable[LicenseType]) -> bool:
    """Whether copies of one blob contradict each other: it says nothing itself, and lies under a
    non-permissive path somewhere.

    `path_types` are the verdicts by path alone of all occurrences of the blob. Copying a GPL file into an MIT
    repository does not make it MIT.
    """
    return not any(map(states_license, header_expressions)) and LicenseType.NON_PERMISSIVE in path_types


def contest(decided: Verdict) -> Verdict:
    """The verdict on an occurrence of a contested blob: what was permissive becomes contested, the rest
    stays.
    """
    if decided.license_type not in (LicenseType.PERMISSIVE, LicenseType.PERMISSIVE_WEAK):
        return decided
    return replace(
        decided,
        license_type=LicenseType.CONTESTED,
        rule="contested_by_copy",
        reason=f"{decided.reason}, but an identical file lies under a licence that is not permissive",
    )


def _of_path(expression: SpdxExpression | None, path_type: LicenseType) -> Verdict:
    if expression is None or path_type is LicenseType.NO_LICENSE:
        return Verdict(
            LicenseType.NO_LICENSE,
            expression,
            "no_license",
            "neither its folders nor the file state a licence",
        )
    return Verdict(path_type, expression, f"path_{path_type}", f"{expression} holds at the path")
