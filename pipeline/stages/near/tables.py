"""The tables that pass between the near stage's functions."""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import BLOB


def _table(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields])


# One row per document and band. Keys of different bands must never meet, so the band stands beside the key.
BAND_ROWS = _table(("band", pa.uint16()), ("key", pa.uint64()), ("blob", BLOB))

# Two blobs that share a band key; low < high.
EDGES = _table(("low", BLOB), ("high", BLOB))

# The component of each blob that has an edge, named by its smallest blob.
MEMBERS = _table(("blob", BLOB), ("component", BLOB))

# A component of more files than are decided together, how many these are, and how many pieces it is cut into.
GIANTS = _table(("component", BLOB), ("files", pa.int64()), ("pieces", pa.int64()))

# A document as the sorted set of its shingle hashes.
SHINGLES = _table(("blob", BLOB), ("shingles", pa.list_(pa.uint64())))

# A dropped document, the kept one (or the guard) that it duplicates, and how alike they are.
DUPLICATES = _table(
    ("dropped", BLOB),
    ("kept", BLOB),
    ("jaccard", pa.float64()),
    ("component", BLOB),
    ("against_guard", pa.bool_()),
    ("normalised", pa.bool_()),  # whether the two differ only in how their lines end
)

# A file of the earlier release, and the cluster that it was released with.
PRIORS = pa.schema([pa.field("blob", BLOB, nullable=False), pa.field("component", BLOB)])

# What the earlier release says of a file that it dropped for one that it has.
PRIOR_PAIRS = _table(
    ("dropped", BLOB), ("kept", BLOB), ("jaccard", pa.float64()), ("component", BLOB), ("normalised", pa.bool_())
)

# A file that the earlier release decides: it has it, or dropped it for one that it has.
SETTLED = pa.schema([*PRIORS, pa.field("dropped", pa.bool_(), nullable=False)])
