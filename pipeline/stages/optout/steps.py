"""The step of optout: apply the registry to every occurrence that the licence left in."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.step import Job
from pipeline.stages.decisions import decisions
from pipeline.stages.optout.config import OptoutConfig
from pipeline.stages.optout.core import COVERED, excluded_by, guards
from pipeline.stages.optout.registry import registry_of


def versions(config: OptoutConfig) -> dict[str, str]:
    registry = registry_of(config)
    return {"registry": registry.digest, "repositories": registry.aliases}


def apply(job: Job) -> None:
    """Drop what opted out; what is gone altogether becomes a guard, so that no near-copy takes its place."""
    config: OptoutConfig = job.settings
    occurrences = job.read("license.decide/kept")
    rules = excluded_by(occurrences, registry_of(config))
    kept, dropped = occurrences.filter(pc.is_null(rules)), occurrences.filter(pc.is_valid(rules))
    rules = rules.drop_null()
    reasons = pa.array([COVERED] * dropped.num_rows, pa.string())
    job.send_by_origin("decisions", decisions(dropped, "optout", rules, reasons))
    job.write("guards", guards(dropped, rules, kept))
    job.write("kept", kept)
    job.counts.taken, job.counts.passed = occurrences.num_rows, kept.num_rows
    job.drop(rules.to_pylist())
