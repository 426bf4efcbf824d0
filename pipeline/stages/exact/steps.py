"""The steps of exact: find repositories that are copies of others, and keep one occurrence of each blob."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.engine.step import Job
from pipeline.stages.decisions import decisions
from pipeline.stages.exact import repositories
from pipeline.stages.exact.core import keep_one
from pipeline.stages.exact.repositories import DROPPED_ORIGINS, SHARES, SIZES
from pipeline.stages.near.prior import prior_identity

__all__ = ["DROPPED_ORIGINS", "SHARES", "SIZES"]


def compares_repositories(config: Any) -> bool:
    return bool(config.near.enabled and config.near.repositories != "off")


def repository_settings(config: Any) -> dict[str, Any]:
    names = ("repositories", "repository_containment", "prior")
    return {name: getattr(config.near, name) for name in names}


def prior_versions(settings: dict[str, Any]) -> dict[str, str]:
    """The earlier release's root: what it has of an origin stays."""
    drops = settings["repositories"] == "drop" and settings["prior"] is not None
    return {"prior": prior_identity(settings["prior"])} if drops else {}


def share(job: Job) -> None:
    """How many contents of this bucket each two origins share."""
    shared, sizes = repositories.shares(job.read("redact.drop/kept"))
    job.write("shares", shared)
    job.write("sizes", sizes)


def find_copies(job: Job) -> None:
    """Which repositories are copies of others; and, where that is wanted, which of them go as a whole."""
    wanted = job.settings
    shared, sizes = repositories.summed(job.read("exact.share/shares"), job.read("exact.share/sizes"))
    origins = job.read("ingest.list/origins", ["origin", "directory", "fork_of"])
    found = repositories.copies(shared, sizes, origins, wanted["repository_containment"])
    job.send_by_blob("duplicates", repositories.as_duplicates(found, origins), "dropped")
    if wanted["repositories"] == "drop":
        before = _released_before(wanted["prior"])
        job.write("dropped", repositories.whole_copies(found, wanted["repository_containment"], before))


def _released_before(prior: str | None) -> set[str]:
    if prior is None:
        return set()
    index = pq.read_table(Path(prior) / "index" / "released.parquet", columns=["origin"])
    return set(pc.unique(index.column("origin")).to_pylist())


def keep(job: Job) -> None:
    """Of what is in no duplicate repository, one occurrence of each blob."""
    occurrences = job.read("redact.drop/kept")
    dropped = job.read("exact.repositories/dropped")
    place = pc.index_in(occurrences.column("origin"), value_set=dropped.column("origin").combine_chunks())
    gone = occurrences.filter(pc.is_valid(place))
    reasons = dropped.column("reason").take(place.drop_null()).combine_chunks()
    rules = pa.array(["duplicate_repository"] * gone.num_rows, pa.string())
    job.send_by_origin("decisions", decisions(gone, "exact", rules, reasons))
    kept, copies = keep_one(occurrences.filter(pc.is_null(place)))
    job.write("kept", kept)
    job.send_by_origin("copies", copies)
    job.counts.taken, job.counts.passed, job.counts.merged = occurrences.num_rows, kept.num_rows, copies.num_rows
    job.drop(rules.to_pylist())
