"""The step of optout: apply the registry to every occurrence that the licence left in."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.rows import distinct, is_among
from pipeline.engine.step import Job
from pipeline.stages.decisions import decisions
from pipeline.stages.optout.config import OptoutConfig
from pipeline.stages.optout.core import excluded_by
from pipeline.stages.optout.registry import load_registry


def versions(config: OptoutConfig) -> dict[str, str]:
    return {"registry": load_registry(Path(config.registry) if config.registry else None).digest}


def apply(job: Job) -> None:
    """Drop what opted out; blobs of which nothing is left become guards, so that no near-copy replaces them."""
    config: OptoutConfig = job.settings
    occurrences = job.read("license.decide/kept")
    rules = excluded_by(occurrences, load_registry(Path(config.registry) if config.registry else None))
    kept, dropped = occurrences.filter(pc.is_null(rules)), occurrences.filter(pc.is_valid(rules))
    rules = rules.drop_null()
    reasons = pa.array(["a request in the opt-out registry covers it"] * dropped.num_rows, pa.string())
    job.send_by_origin("decisions", decisions(dropped, "optout", rules, reasons))
    removed = distinct(dropped.select(["blob"]))
    job.write("guards", removed.filter(pc.invert(is_among(removed.column("blob"), kept.column("blob")))))
    job.write("kept", kept)
    job.counts.taken, job.counts.passed = occurrences.num_rows, kept.num_rows
    job.drop(rules.to_pylist())
