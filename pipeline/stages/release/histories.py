"""The step that sends revisions to the ledger: of all that the export has, those that lead to what is released."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.engine.rows import ids
from pipeline.engine.step import Job
from pipeline.stages.ingest.swh.history import Ancestry
from pipeline.stages.ingest.swh.trees import Numbers
from pipeline.stages.release.ledger import send_ledger
from pipeline.swhid import parse_swhid


def send_revisions(job: Job) -> None:
    """The revisions of this part that lead to a head of which something is released."""
    ancestry = Ancestry(job.read("ingest.revisions/revisions"))
    heads = ancestry.numbers(ids(job.read("release.account/revisions").column("blob")))
    rows = leading_to(heads[heads >= 0], ancestry, job.read("ingest.describe/revisions"))
    send_ledger(job, "revisions", rows, job.read("release.plan/shards"))


def leading_to(heads: Numbers, ancestry: Ancestry, rows: pa.Table) -> pa.Table:
    """Those of `rows` (schema REVISIONS) that are among `heads` (numbers) or their ancestors."""
    reached = np.zeros(len(ancestry), np.bool_)
    reached[ancestry.reached(heads)] = True
    found = [parse_swhid(revision)[1] for revision in rows.column("revision").to_pylist()]
    return rows.filter(pa.array(reached[ancestry.numbers(np.array(found, "V20"))]))
