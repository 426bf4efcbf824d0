"""What readers of a named subset do with its texts. No step of a run does it: a release keeps each text once."""

from __future__ import annotations

import pyarrow as pa

from pipeline.stages.language.notebooks import without_outputs
from pipeline.stages.release.subsets import SubsetConfig, column


def texts_of(table: pa.Table, name: str, subset: SubsetConfig) -> pa.Table:
    """The released rows that are in a subset, their texts as its `transform` makes them.

    The release keeps each text once, as it was redacted; all other columns go on describing that one.
    """
    rows = table.filter(table.column(column(name)))
    if subset.transform is None:
        return rows
    pairs = zip(rows.column("content").to_pylist(), rows.column("output_spans").to_pylist(), strict=True)
    texts = pa.array([without_outputs(text, spans) for text, spans in pairs], pa.large_string())
    return rows.set_column(rows.schema.get_field_index("content"), rows.schema.field("content"), texts)
