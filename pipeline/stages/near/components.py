"""The candidate graph: star edges within each band key, and its connected components."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import int64, uint64
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled
from pipeline.stages.near.columns import blob_ranks, numbers
from pipeline.stages.near.tables import EDGES, MEMBERS

_ROWS_OF_A_PART = 8192


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
    joined = np.sort(low[different] * len(blobs) + blob[different])
    joined = joined[np.diff(joined, prepend=-1) != 0]  # np.unique takes twice as long
    low, high = np.divmod(joined, max(len(blobs), 1))
    return pa.table([blobs.take(pa.array(low)), blobs.take(pa.array(high))], schema=EDGES)


def _groups(band: NDArray[np.uint16], key: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows whose (band, key) another row has too, group by group, and where each group starts.

    Rows are parted by hash first, so that what looks for equal ones stays in the processor's cache. O(n), 40 bytes
    per row.
    """
    rows, starts = np.empty(len(key), np.int64), np.empty(len(key) // 2, np.int64)
    found, groups = _group(band, key, max(len(key) // _ROWS_OF_A_PART, 1).bit_length(), rows, starts)
    return rows[:found], starts[:groups]


@compiled
def _hash(band: Any, key: Any) -> Any:
    return (key + uint64(band) * uint64(0x9E3779B97F4A7C15)) * uint64(0xD6E8FEB86659FD93)


@compiled
def _group(
    band: NDArray[np.uint16], key: NDArray[np.uint64], bits: int, rows: NDArray[np.int64], starts: NDArray[np.int64]
) -> Any:
    """Fill `rows` and `starts` as `_groups` says, by 2^bits parts; returns how many of each there are."""
    ends = np.zeros((1 << bits) + 1, np.int64)
    for row in range(len(key)):
        ends[int64(_hash(band[row], key[row]) >> uint64(64 - bits)) + 1] += 1
    largest = ends.max()
    for part in range(1 << bits):
        ends[part + 1] += ends[part]
    filled = ends[:-1].copy()
    order = np.empty(len(key), np.int64)
    hashes = np.empty(len(key), np.uint64)
    for row in range(len(key)):
        h = _hash(band[row], key[row])
        part = int64(h >> uint64(64 - bits))
        order[filled[part]] = row
        hashes[filled[part]] = h
        filled[part] += 1
    slots = 2
    while slots < 2 * largest:
        slots *= 2
    table = np.empty(slots, np.int64)  # of a part: the group that a slot has, or -1
    first = np.empty(largest, np.int64)  # of a group: its first row's place in `order`
    size = np.empty(largest, np.int64)
    group_of = np.empty(largest, np.int64)
    found, shared = 0, 0
    for part in range(1 << bits):
        start, end = ends[part], ends[part + 1]
        slots = 2
        while slots < 2 * (end - start):
            slots *= 2
        table[:slots] = -1
        groups = 0
        for i in range(start, end):
            h = hashes[i]
            slot = int64(h >> uint64(8)) & (slots - 1)
            group = table[slot]
            # A hash is a bijection of the key for a given band.
            while group >= 0 and (hashes[first[group]] != h or band[order[first[group]]] != band[order[i]]):
                slot = (slot + 1) & (slots - 1)
                group = table[slot]
            if group < 0:
                group = groups
                table[slot] = group
                first[group] = i
                size[group] = 0
                groups += 1
            group_of[i - start] = group
            size[group] += 1
        for group in range(groups):
            if size[group] > 1:
                starts[shared] = found
                first[group] = found
                found += size[group]
                shared += 1
            else:
                first[group] = -1
        for i in range(start, end):
            place = first[group_of[i - start]]
            if place >= 0:
                rows[place] = order[i]
                first[group_of[i - start]] += 1
    return found, shared


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
