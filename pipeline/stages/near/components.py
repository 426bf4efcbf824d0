"""The candidate graph: star edges within each band key, and its connected components."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled
from pipeline.stages.near.columns import blob_ranks, numbers
from pipeline.stages.near.tables import EDGES, MEMBERS


def star_edges(rows: pa.Table) -> pa.Table:
    """EDGES from the smallest blob of each (band, key) group to each other blob of it; distinct, sorted.

    Independent of the order of `rows`. A group must lie in one table: split rows by key, never within
    one. Time O(n log n), memory about 60 bytes per row. A group of n blobs gives n - 1 edges, not n^2.
    """
    row, starts = _groups(numbers(rows["band"], "band"), numbers(rows["key"], "key"))
    blobs, (blob,) = blob_ranks(rows["blob"].take(pa.array(row)))
    least = np.minimum.reduceat(blob, starts) if len(starts) else blob
    low = np.repeat(least, np.diff(np.append(starts, len(row))))
    different = low != blob  # a blob given twice has no edge to itself
    low, high = np.divmod(np.unique(low[different] * len(blobs) + blob[different]), max(len(blobs), 1))
    return pa.table([blobs.take(pa.array(low)), blobs.take(pa.array(high))], schema=EDGES)


def _groups(band: NDArray[np.uint16], key: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows whose (band, key) another row has too, group by group, and where each group starts."""
    by_band = np.argsort(band, kind="stable")
    rows, starts, before = [by_band[:0]], [by_band[:0]], 0
    for of_band in np.split(by_band, np.flatnonzero(np.diff(band[by_band])) + 1) if len(band) else ():
        keys = key[of_band]
        order = np.argsort(keys)
        keys = keys[order]
        same = keys[1:] == keys[:-1]
        # Most keys are nobody else's: only what is shared goes on.
        shared = np.append(same, False) | np.append(False, same)
        first = np.append(True, ~same)[shared]
        rows.append(of_band[order[shared]])
        starts.append(np.flatnonzero(first) + before)
        before += len(first)
    return np.concatenate(rows), np.concatenate(starts)


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


def reduced(edges: pa.Table) -> pa.Table:
    """As few EDGES as connect the same blobs: from the smallest of each component to each other one, sorted."""
    members = components(edges)
    members = members.filter(pc.not_equal(members["blob"], members["component"]))
    return (
        members.select(["component", "blob"])
        .rename_columns(EDGES.names)
        .sort_by([(n, "ascending") for n in EDGES.names])
    )
