"""The verdict on a file: what holds at its path joined with what it says about itself, under a policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.stages.license import names, stack_v2
from pipeline.stages.license.config import STACK_V2, Mode
from pipeline.stages.license.evidence import Evidence, combine, combine_beside_header
from pipeline.stages.license.expression import SpdxExpression, all_of, parse, spdx_ids, states_license
from pipeline.stages.license.policy import LicenseType, Policy

OwnWord = Literal["whole", "generator", "license_text"]

OVER_BUDGET = "LicenseRef-permastack-over-budget"

_GENERATED_BUILD = frozenset({b"Makefile.in", b"GNUmakefile.in", b"configure", b"aclocal.m4"})
_GENERATOR_PERMISSIONS = frozenset(
    {"FSFUL", "FSFULLR", "FSFULLRWD", "FSFULLRSD", "FSFAP", "LicenseRef-scancode-fsf-notice"}
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict, the expression that it is about, the rule (a short fixed name) and the reason in words.

    `or_choice`: the expression with the best operand in place of each OR, by which it was judged; None without one.
    """

    license_type: LicenseType
    expression: SpdxExpression | None
    rule: str
    reason: str
    or_choice: SpdxExpression | None = None


@dataclass(frozen=True, slots=True)
class AtPath:
    """What holds at a path; and what of it, where the file there states a licence itself."""

    expression: SpdxExpression | None
    beside_header: SpdxExpression | None

    @classmethod
    def of(cls, rows: Sequence[Evidence]) -> AtPath:
        """From the set of evidence that holds at the path."""
        return cls(combine(rows), combine_beside_header(rows))


def verdict(
    at_path: AtPath,
    header_expressions: Sequence[SpdxExpression],
    policy: Policy,
    mode: Mode,
    *,
    own_word: OwnWord = "whole",
) -> Verdict:
    """Decide one occurrence: the table of docs/stages/license.md. Where the budget for reading ran out, the rule says
    so.

    `strict`: path and header must both be permissive where they speak, either can veto; but a weak path does not weaken
    a header. `standard`: a header that speaks decides alone. `stack-v2`: the ids at the path decide. A header that only
    points elsewhere ("see LICENSE") counts as none. What a file states counts by its `own_word`.
    """
    found = _verdict(at_path, header_expressions, policy, mode, own_word)
    chosen = policy.choose(found.expression) if found.expression and mode != STACK_V2 else found.expression
    if chosen != found.expression:
        found = replace(found, or_choice=chosen)
    if (
        found.license_type is LicenseType.NON_PERMISSIVE
        and found.expression
        and OVER_BUDGET in spdx_ids(found.expression)
    ):
        return replace(
            found, rule="over_budget", reason=f"not all that may state a licence was read: {found.expression}"
        )
    return found


def _verdict(
    at_path: AtPath, header_expressions: Sequence[SpdxExpression], policy: Policy, mode: Mode, own_word: OwnWord
) -> Verdict:
    path_expression = at_path.expression
    if mode == STACK_V2:
        return _by_stack_v2(path_expression, policy)
    header = all_of(e for e in header_expressions if states_license(e))
    header_type = policy.classify(header)
    path_type = policy.classify(path_expression)
    if header is None or header_type is LicenseType.NO_LICENSE:
        return _of_path(path_expression, path_type)
    generator_only = own_word == "generator" and set(spdx_ids(header)) <= _GENERATOR_PERMISSIONS
    # What only adds to the path neither frees a file from it nor decides alone.
    only_adds = generator_only or own_word == "license_text"
    if generator_only and (path_expression is None or path_type is LicenseType.NO_LICENSE):
        return Verdict(
            LicenseType.NO_LICENSE, header, "generator_permission", f"only its generator's authors speak: {header}"
        )
    path = path_expression if only_adds else at_path.beside_header
    path_type = policy.classify(path)
    weak = path_type is LicenseType.PERMISSIVE_WEAK and header_type is LicenseType.PERMISSIVE
    alone = (mode == "standard" or weak) and not only_adds
    if alone or path is None or path_type is LicenseType.NO_LICENSE:
        rule = "header_veto" if header_type is LicenseType.NON_PERMISSIVE else f"header_{header_type}"
        return Verdict(header_type, header, rule, f"the file states {header}")
    both = all_of([path, header])
    joined = policy.classify(both)
    if joined is header_type and joined is not path_type:
        rule = "header_veto" if joined is LicenseType.NON_PERMISSIVE else f"header_{joined}"
        reason = f"{path} holds at the path, but the file states {header}"
    else:
        rule = f"path_{joined}"
        reason = f"{path} holds at the path; the file states {header}"
    return Verdict(joined, both, rule, reason)


def own_word_of(path: bytes) -> OwnWord:
    """What a file's own statement is worth: `whole`; `generator`, in what Autoconf and Automake write from a project's
    sources, where their authors' permission is no word about these; `license_text`, in a licence file, whose text is
    about other files.

    >>> own_word_of(b"src/Makefile.in"), own_word_of(b"LICENSES/CC0-1.0.txt"), own_word_of(b"m4/ltsugar.m4")
    ('generator', 'license_text', 'whole')
    """
    if path.rpartition(b"/")[2] in _GENERATED_BUILD:
        return "generator"
    return "license_text" if names.kind_of(path) == names.LICENSE else "whole"


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


def _by_stack_v2(expression: SpdxExpression | None, policy: Policy) -> Verdict:
    ids = spdx_ids(expression) if expression else []
    found = stack_v2.license_type(ids, lambda spdx: policy.classify(parse(spdx)) is LicenseType.PERMISSIVE)
    rule = found if found == "no_license" else f"stack_v2_{found}"
    reason = f"by The Stack v2's rules {expression or 'nothing'} holds at the path"
    return Verdict(LicenseType(found), expression, rule, reason)


def _of_path(expression: SpdxExpression | None, path_type: LicenseType) -> Verdict:
    if expression is None or path_type is LicenseType.NO_LICENSE:
        return Verdict(
            LicenseType.NO_LICENSE,
            expression,
            "no_license",
            "neither its folders nor the file state a licence",
        )
    return Verdict(path_type, expression, f"path_{path_type}", f"{expression} holds at the path")
