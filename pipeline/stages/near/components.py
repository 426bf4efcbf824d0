"""The candidate graph: star edges within each band key, and its connected components."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numba import int64, uint64
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled
from pipeline.stages.near.columns import blob_ranks, numbers
from pipeline.stages.near.tables import EDGES, MEMBERS

_ROWS_OF_A_PART = 8192


def star_edges(rows: pa.Table) -> pa.Table:
    """As few EDGES as connect the blobs that share a (band, key) in `rows`: from the smallest of each connected
    component to each other one, sorted.

    Independent of the order of `rows`. A group must lie in one table: split rows by key, never within one. Time
    near linear, memory about 12 bytes per row and 100 per row that shares its key. A group of n blobs gives n - 1
    edges, not n^2, and however many groups connect the same blobs, these have no more.
    """
    row, starts = _groups(numbers(rows["band"], "band"), numbers(rows["key"], "key"))
    blobs, (blob,) = blob_ranks(rows["blob"].take(pa.array(row)))
    parent = np.arange(len(blobs))
    _smallest_members(np.repeat(blob[starts], np.diff(np.append(starts, len(row)))), blob, parent)
    high = np.flatnonzero(parent != np.arange(len(blobs)))
    high = high[np.argsort(parent[high], kind="stable")]
    return pa.table([blobs.take(pa.array(parent[high])), blobs.take(pa.array(high))], schema=EDGES)


def _groups(band: NDArray[np.uint16], key: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows whose (band, key) another row has too, group by group, and where each group starts. O(n)."""
    bits = max((4 * len(key)).bit_length(), 10)
    chosen = np.empty(len(key), np.int64)
    chosen = chosen[: _perhaps_shared(band, key, np.zeros(2 << (bits - 6), np.uint64), bits, chosen)]
    rows, starts = np.empty(len(chosen), np.int64), np.empty(len(chosen) // 2, np.int64)
    parts = max(len(chosen) // _ROWS_OF_A_PART, 1).bit_length()
    found, groups = _group(band, key, chosen, parts, rows, starts)
    return rows[:found], starts[:groups]


@compiled
def _perhaps_shared(
    band: NDArray[np.uint16], key: NDArray[np.uint64], seen: NDArray[np.uint64], bits: int, chosen: NDArray[np.int64]
) -> int:
    """Fill `chosen` with the rows whose hash, or another of the same first `bits` bits, another row has; returns how
    many. Most keys are nobody else's, and are out of the way so. `seen` has two words of bits for each 64: of hashes
    that were seen, and of those that were seen again.
    """
    for row in range(len(key)):
        h = _hash(band[row], key[row]) >> uint64(64 - bits)
        word = uint64(h >> uint64(6)) << uint64(1)
        bit = uint64(1) << (h & uint64(63))
        seen[word + uint64(1)] |= seen[word] & bit
        seen[word] |= bit
    count = 0
    for row in range(len(key)):
        h = _hash(band[row], key[row]) >> uint64(64 - bits)
        chosen[count] = row
        count += int64(seen[(uint64(h >> uint64(6)) << uint64(1)) + uint64(1)] >> (h & uint64(63)) & uint64(1))
    return count


@compiled
def _hash(band: Any, key: Any) -> Any:
    return (key + uint64(band) * uint64(0x9E3779B97F4A7C15)) * uint64(0xD6E8FEB86659FD93)


@compiled
def _group(
    band: NDArray[np.uint16],
    key: NDArray[np.uint64],
    chosen: NDArray[np.int64],
    bits: int,
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> Any:
    """Fill `rows` and `starts` as `_groups` says, of the rows `chosen`; returns how many of each there are.

    Rows are parted by hash first, by `bits` bits, so that what looks for equal ones stays in the processor's cache.
    """
    ends = np.zeros((1 << bits) + 1, np.int64)
    for row in chosen:
        ends[int64(_hash(band[row], key[row]) >> uint64(64 - bits)) + 1] += 1
    largest = ends.max()
    for part in range(1 << bits):
        ends[part + 1] += ends[part]
    filled = ends[:-1].copy()
    order = np.empty(len(chosen), np.int64)
    hashes = np.empty(len(chosen), np.uint64)
    for row in chosen:
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
