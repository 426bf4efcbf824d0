"""Exact deduplication: of all occurrences of a blob, the best by rank is kept; the others are copies of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.rank import ranked
from pipeline.schema import COPIES, KEPT


def keep_one(occurrences: pa.Table) -> tuple[pa.Table, pa.Table]:
    """`(kept, copies)` of a table in the VERDICTS schema that holds every occurrence of its blobs.

    `kept` has one row per blob (schema KEPT), sorted by blob; `copies` has every other occurrence (schema COPIES),
    sorted by blob and rank. Independent of the order of rows. O(n log n), no Python per row.
    """
    table = ranked(occurrences)
    if not table.num_rows:
        return KEPT.empty_table(), COPIES.empty_table()
    blobs = table.column("blob").combine_chunks()
    ids = np.frombuffer(blobs.buffers()[1], "V20")[blobs.offset : blobs.offset + len(blobs)]
    _, first, group, sizes = np.unique(ids, return_index=True, return_inverse=True, return_counts=True)
    kept = table.take(first).append_column(KEPT.field("n_copies"), pa.array(sizes - 1, pa.int64()))
    others = np.setdiff1d(np.arange(table.num_rows), first)
    others = others[np.argsort(group[others], kind="stable")]
    copies = table.take(others).select([name for name in COPIES.names if not name.startswith("kept_")])
    keepers = table.take(first[group[others]])
    position = COPIES.get_field_index("kept_origin")
    copies = copies.add_column(position, COPIES.field("kept_origin"), keepers.column("origin"))
    copies = copies.add_column(position + 1, COPIES.field("kept_path"), keepers.column("path"))
    return kept.cast(KEPT), copies.cast(COPIES)
