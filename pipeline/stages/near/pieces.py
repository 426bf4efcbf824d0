"""Giant components, cut into pieces that are decided one by one.

A file is dropped only for one that stays, so a cut makes no drop wrong: it can only let two files stay that are alike.
What shares many band keys mostly comes into one piece, because the piece follows from the least hash of a file's keys.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.engine.rows import ids, positions
from pipeline.stages.near.columns import lists
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.tables import GIANTS

_MIX = np.uint64(0x9E3779B97F4A7C15)


def giants(decided: pa.Table, config: NearConfig) -> pa.Table:
    """GIANTS among the components of `decided` (MEMBERS): more files than `config.max_component`, and their pieces.

    Profile "stack-v2" keeps one file of each component, so that it has none.
    """
    if config.profile == "stack-v2":
        return GIANTS.empty_table()
    sizes = decided.group_by("component").aggregate([("blob", "count")])
    files = sizes.column("blob_count")
    pieces = pc.divide(pc.add(files, config.max_component - 1), config.max_component)
    table = pa.table([sizes.column("component"), files, pieces], schema=GIANTS)
    return table.filter(pc.greater(table.column("pieces"), 1)).sort_by("component")


def in_pieces(documents: pa.Table, giants: pa.Table, bands: int) -> pa.Table:
    """`documents` with their `piece`: 0, or in a giant component one of its pieces; a guard is in each of them.

    `documents` has blob, component, guard, keys and normalised. Files with the same `keys` are in one piece, and so are
    those without keys that have the same digest `normalised`. Two files of which `k` keys of `bands` are the same are
    in one with a probability of k / (2 * bands - k), or by chance.
    """
    place = positions(documents.column("component"), giants.column("component"))
    if pc.all(pc.is_null(place)).as_py():
        return documents.append_column("piece", pa.array(np.zeros(len(documents), np.uint32)))
    pieces = np.asarray(pc.fill_null(giants.column("pieces").take(place), 1)).astype(np.uint64)
    piece = _least_hash(documents, bands) % pieces
    guards = np.asarray(documents.column("guard"), np.bool_) & (pieces > 1)
    times = np.where(guards, pieces, np.uint64(1)).astype(np.int64)
    rows = np.repeat(np.arange(len(documents)), times)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
    piece = np.where(guards[rows], number, piece[rows].astype(np.int64))
    return documents.take(pa.array(rows)).append_column("piece", pa.array(piece.astype(np.uint32)))


def _least_hash(documents: pa.Table, bands: int) -> NDArray[np.uint64]:
    digests = pc.fill_null(documents.column("normalised"), bytes(16))
    least = ids(digests, 16).view(np.uint64).reshape(-1, 2)[:, 0].copy()
    keys = lists(documents.column("keys"), "keys")
    keyed = np.flatnonzero(np.diff(keys.offsets))
    table = keys.values[keys.offsets[0] : keys.offsets[-1]].reshape(len(keyed), bands)
    hashes = (table ^ np.arange(bands, dtype=np.uint64) * _MIX) * _MIX
    least[keyed] = ((hashes ^ hashes >> np.uint64(32)) * _MIX).min(1) if len(keyed) else least[keyed]
    return (least ^ least >> np.uint64(29)) * _MIX >> np.uint64(32)
