"""The step of exact: keep one occurrence of each blob of the bucket."""

from __future__ import annotations

from pipeline.engine.step import Job
from pipeline.stages.exact.core import keep_one


def keep(job: Job) -> None:
    occurrences = job.read("optout.apply/kept")
    kept, copies = keep_one(occurrences)
    job.write("kept", kept)
    job.send_by_origin("copies", copies)
    job.counts.taken, job.counts.passed, job.counts.merged = occurrences.num_rows, kept.num_rows, copies.num_rows
