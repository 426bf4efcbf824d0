"""What a choice of bands can be expected to find and to cost, before anything runs."""

from __future__ import annotations

from typing import Any

from pipeline.stages.near.config import NearConfig

_BYTES_OF_KEY_ROW = 30  # band, key and blob, as they are exchanged
_MISSING_COSTS = 0.9  # how much a missed pair weighs against a needless comparison, where ours are chosen


def expectation(config: NearConfig) -> dict[str, Any]:
    """Recall by similarity, the share of unlike pairs that are compared, and the size of band keys.

    `optimum` and `optimum_for_recall` are the bands and rows that datasketch would take for the same threshold and
    length of signature: with equal weights of missed pairs and needless comparisons, and with 0.9 for missed ones.
    """
    from datasketch.lsh import _optimal_param

    if not config.enabled:
        return {"enabled": False}
    steps = sorted({config.threshold, *(j for j in (0.7, 0.75, 0.8, 0.85, 0.9, 0.95) if j > config.threshold)})
    optimum = _optimal_param(config.threshold, config.permutations, 0.5, 0.5)
    for_recall = _optimal_param(config.threshold, config.permutations, 1 - _MISSING_COSTS, _MISSING_COSTS)
    return {
        "enabled": True,
        "profile": config.profile,
        "bands": config.bands,
        "rows": config.rows,
        "optimum": list(optimum),
        "optimum_for_recall": list(for_recall),
        "recall": {f"{j:g}": round(config.candidate_probability(j), 4) for j in steps},
        "recall_if_evenly_spread": round(config.mean_candidate_probability(config.threshold, 1), 4),
        "compared_though_unlike": {f"{j:g}": round(config.candidate_probability(j), 4) for j in (0.3, 0.5, 0.6)},
        "key_bytes_per_file": config.bands * _BYTES_OF_KEY_ROW,
        "budgets": {"max_kept_per_key": config.max_kept_per_key, "max_component": config.max_component},
    }


def explanation(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    if not found["enabled"]:
        return ["near: off"]
    recall = ", ".join(f"{share:.1%} at {j}" for j, share in found["recall"].items())
    unlike = ", ".join(f"{share:.1%} at {j}" for j, share in found["compared_though_unlike"].items())
    (bands, rows), (more, fewer) = found["optimum"], found["optimum_for_recall"]
    after = (
        "each candidate is checked by exact Jaccard similarity, so a needless one costs time and nothing else"
        if found["profile"] == "verified"
        else "candidates are not checked: a chain of chance meetings removes what is unlike the file that stays"
    )
    return [
        f"near: {found['bands']} bands of {found['rows']} rows, profile {found['profile']}",
        f"  found, by Jaccard similarity: {recall}; {found['recall_if_evenly_spread']:.1%} if evenly spread above",
        f"  compared though less alike: {unlike}",
        f"  {after}",
        f"  datasketch would take {bands}x{rows} with equal weights, {more}x{fewer} with 0.9 on what is missed",
        f"  costs {found['key_bytes_per_file']:,} bytes of band keys a file; a file is compared with at most "
        f"{found['budgets']['max_kept_per_key']} kept files per band key, among at most "
        f"{found['budgets']['max_component']:,} of one component",
        "  files under one shingle, or with more symbols than word characters, are left to exact deduplication",
    ]
