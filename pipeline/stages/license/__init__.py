"""The licence stage: which licence holds for a file, on what evidence, and whether a policy calls it
permissive.
"""

from __future__ import annotations


def versions() -> dict[str, str]:
    """The versions of what decides this stage's facts, beside its own source: part of its steps' keys."""
    from pipeline.stages.license import scancode, table

    return {"detector": scancode.VERSION, "licenses": table.digest()}
