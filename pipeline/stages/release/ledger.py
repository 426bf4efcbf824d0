"""Which file of a ledger a row goes to."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.step import Job, blob_buckets, origin_buckets
from pipeline.schema import LEDGERS
from pipeline.stages.release import plan


def send_ledger(job: Job, name: str, table: pa.Table, planned: pa.Table) -> None:
    """Send rows of a ledger to its shards."""
    (first, files) = plan.first_shards(planned, name)[None]
    key = LEDGERS[name][1][0]
    column = (
        pc.fill_null(table.column(key), "") if pa.types.is_string(table.schema.field(key).type) else table.column(key)
    )
    buckets = origin_buckets(column, files) if pa.types.is_string(column.type) else blob_buckets(column, files)
    # Hidden rows meet in one place, to be merged.
    hidden = pc.is_null(table.column(key)).to_numpy() if table.num_rows else np.zeros(0, bool)
    job.send(name, table, first + np.where(hidden, 0, buckets))
