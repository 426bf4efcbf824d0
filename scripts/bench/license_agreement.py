"""Agreement of verdicts with labels, with Wilson's 95 % intervals, as a Markdown table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

_Z = 1.959964


@dataclass
class Agreement:
    """Counts of one rule's verdicts (P permissive, C not, U none) over labelled files, and their sums by weight."""

    counts: Counter[tuple[bool, str]] = field(default_factory=Counter)
    weights: Counter[tuple[bool, str]] = field(default_factory=Counter)

    def add(self, permissive: bool, found: str, weight: float) -> None:
        self.counts[permissive, found] += 1
        self.weights[permissive, found] += weight  # type: ignore[assignment]


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share.

    >>> [round(x, 3) for x in wilson(4, 187)]
    [0.008, 0.054]
    """
    if not of:
        return 0.0, 1.0
    share = hits / of
    middle = share + _Z**2 / (2 * of)
    spread = _Z * math.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2))
    return max(0.0, (middle - spread) / (1 + _Z**2 / of)), min(1.0, (middle + spread) / (1 + _Z**2 / of))


def agreement_table(agreements: Mapping[str, Agreement]) -> str:
    """False permissives of the copyleft-labelled, and recall of the permissive-labelled, files as sampled and by
    weight.
    """
    lines = [
        "| rule | false permissive | 95 % | recall | 95 % | precision | no verdict | by weight: false, recall |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for rule, agreement in agreements.items():
        counts, weights = agreement.counts, agreement.weights
        wrong, right = counts[False, "P"], counts[True, "P"]
        copyleft = sum(n for (permissive, _), n in counts.items() if not permissive)
        permissive = sum(n for (permissive, _), n in counts.items() if permissive)
        silent = counts[False, "U"] + counts[True, "U"]
        low, high = wilson(wrong, copyleft)
        below, above = wilson(right, permissive)
        by_weight = [
            weights[label, "P"] / max(1e-12, sum(w for (own, _), w in weights.items() if own is label))
            for label in (False, True)
        ]
        lines.append(
            f"| {rule} | {wrong} of {copyleft} ({100 * wrong / max(1, copyleft):.1f} %) "
            f"| {100 * low:.1f}-{100 * high:.1f} % "
            f"| {right / max(1, permissive):.3f} ({right} of {permissive}) | {below:.3f}-{above:.3f} "
            f"| {right / max(1, right + wrong):.3f} | {silent} | {100 * by_weight[0]:.1f} %, {by_weight[1]:.3f} |"
        )
    return "\n".join(lines)
