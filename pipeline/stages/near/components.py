"""The candidate graph: star edges within each band key, and its connected components."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.stages.near.columns import blob_ranks, numbers
from pipeline.stages.near.compiled import compiled
from pipeline.stages.near.tables import EDGES, MEMBERS


def star_edges(rows: pa.Table) -> pa.Table:
    """EDGES from the smallest blob of each (band, key) group to each other blob of it; distinct, sorted.

    Independent of the order of `rows`. A group must lie in one table: split rows by key, never within
    one. Time O(n log n), memory about 100 bytes per row. A group of n blobs gives n - 1 edges, not n^2.
    """
    blobs, (blob,) = blob_ranks(rows["blob"])
    band, key = numbers(rows["band"], "band"), numbers(rows["key"], "key")
    order = np.lexsort((blob, key, band))
    band, key, blob = band[order], key[order], blob[order]
    first = np.ones(len(blob), np.bool_)
    first[1:] = (band[1:] != band[:-1]) | (key[1:] != key[:-1])
    low = blob[np.flatnonzero(first)][np.cumsum(first) - 1]
    different = low != blob  # a blob given twice has no edge to itself
    low, high = np.divmod(np.unique(low[different] * len(blobs) + blob[different]), max(len(blobs), 1))
    return pa.table([blobs.take(pa.array(low)), blobs.take(pa.array(high))], schema=EDGES)


@compiled
def _smallest_members(low: NDArray[np.int64], high: NDArray[np.int64], parent: NDArray[np.int64]) -> None:
    """Union-find with path halving; the smaller root wins, so each root is its component's minimum."""
    for e in range(len(low)):
        a, b = low[e], high[e]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)
    # Parents are smaller than their children: one ascending pass reaches the roots.
    for node in range(len(parent)):
        parent[node] = parent[parent[node]]


def components(edges: pa.Table) -> pa.Table:
    """MEMBERS of every connected component: each blob with the smallest of its component, sorted by blob.

    Independent of the order and direction of edges, and of repeats. A component only bounds where
    near-duplicates are looked for: that two blobs share one does not make either a duplicate. Time
    O(m log n) for m edges and n blobs, near linear in practice; memory about 60 bytes per edge.
    """
    blobs, (low, high) = blob_ranks(edges["low"], edges["high"])
    parent = np.arange(len(blobs))
    _smallest_members(low, high, parent)
    return pa.table([blobs, blobs.take(pa.array(parent))], schema=MEMBERS)
