"""The walk from root directories to all that they hold, over one bucket of an export's directories.

The frontier carries distinct pairs (directory, part of the origins). A directory is read and checked once for all the
parts that reach it in one wave, so a subtree that a thousand origins share is expanded once; its entries go once to
each part. Children in the same bucket are the next wave; others are sent to their own bucket, which expands them in
the next round. There is no limit of depth: a directory whose id was checked cannot hold itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.step import blob_buckets
from pipeline.schema import FRONTIER, LOST_DIRECTORIES, REACHED
from pipeline.stages.ingest.swh.trees import EMPTY_DIRECTORY, Numbers, Trees, checked, ranges
from pipeline.swhid import MODE_DIRECTORY, MODE_SUBMODULE

_ROWS_AT_ONCE = 1_000_000
_PARTS = 1 << 17  # more than there can be; a pair is one number

Send = Callable[[str, pa.Table, np.ndarray[Any, Any]], None]
"""Takes rows of an output, and where each goes: `tree` and `lost` by part, `frontier` by bucket of directories,
`reached` by bucket of blobs."""


@dataclass
class Walker:
    """One bucket's share of the walk. Memory: eight bytes per pair, and one slice of the trees."""

    trees: Trees
    bucket: int
    blobs: int | None
    """Buckets of blobs; None where nobody asks which contents are reached."""
    manifests: Mapping[bytes, bytes]
    send: Send
    seen: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    expanded: int = 0
    """Directories read, for the receipt."""
    entries: int = 0

    def know(self, pairs: pa.Table) -> None:
        """Pairs (schema FRONTIER) that earlier rounds expanded."""
        self.seen = np.union1d(self.seen, self._coded(pairs)[0])

    def walk(self, frontier: pa.Table) -> pa.Table:
        """Expand `frontier` and what it leads to in this bucket; the pairs that were new, in the schema FRONTIER."""
        wave, fresh = self._fresh(frontier), []
        while len(wave):
            fresh.append(wave)
            self.seen = np.sort(np.concatenate([self.seen, wave]), kind="stable")
            local: list[pa.Table] = []
            for children in self._expanded(wave):
                here = blob_buckets(children.column("directory"), self.trees.parts) == self.bucket
                away = children.filter(pa.array(~here))
                self.send("frontier", away, blob_buckets(away.column("directory"), self.trees.parts))
                local.append(children.filter(pa.array(here)))
            wave = self._fresh(pa.concat_tables([*local, FRONTIER.empty_table()]))
        codes = np.concatenate([*fresh, np.zeros(0, np.int64)])
        directories = self.trees.directories.take(pa.array(codes // _PARTS))
        return pa.table([directories, pa.array(codes % _PARTS, pa.int32())], schema=FRONTIER)

    def _fresh(self, pairs: pa.Table) -> Numbers:
        """The codes of pairs that were not seen, sorted; directories without entries are settled here."""
        codes, absent = self._coded(pairs)
        self._lose(absent, "missing_directory", "the export lists this directory but none of its entries")
        codes = np.unique(codes)
        place = np.searchsorted(self.seen, codes)
        known = np.zeros(len(codes), bool)
        inside = place < len(self.seen)
        known[inside] = self.seen[place[inside]] == codes[inside]
        return codes[~known]

    def _coded(self, pairs: pa.Table) -> tuple[Numbers, pa.Table]:
        pairs = pairs.combine_chunks()
        numbers = self.trees.numbers(_one(pairs.column("directory")))
        parts = pairs.column("part").to_numpy().astype(np.int64)
        there = numbers >= 0
        return numbers[there] * _PARTS + parts[there], pairs.filter(pa.array(~there))

    def _lose(self, pairs: pa.Table, rule: str, reason: str) -> None:
        pairs = pairs.filter(pc.not_equal(pairs.column("directory"), pa.scalar(EMPTY_DIRECTORY, pa.binary(20))))
        rows = pairs.group_by(["directory", "part"]).aggregate([]) if pairs.num_rows else pairs
        count = rows.num_rows
        columns = [rows.column("directory"), pa.array([rule] * count, pa.string()), pa.array([reason] * count)]
        if count:
            self.send("lost", pa.table(columns, schema=LOST_DIRECTORIES), rows.column("part").to_numpy())

    def _expanded(self, wave: Numbers) -> Iterator[pa.Table]:
        """Send on what the pairs of `wave` hold; yields the directories among it, in the schema FRONTIER."""
        numbers, parts = wave // _PARTS, wave % _PARTS
        for own, entries, edges in self.trees.slices(np.unique(numbers)):
            good = checked(entries, edges, self.manifests)
            self.expanded += len(own)
            self.entries += entries.num_rows
            first, last = np.searchsorted(numbers, [own[0], own[-1] + 1])
            place = np.searchsorted(own, numbers[first:last])
            wanted = parts[first:last]
            if good.lost:
                self._lose_damaged(own[good.lost], own[place], wanted)
            starts, counts = good.edges[place], np.diff(good.edges)[place]
            for some in _chunks(counts):
                rows = good.entries.take(pa.array(ranges(starts[some], counts[some])))
                yield self._sent(rows, np.repeat(wanted[some], counts[some]))

    def _lose_damaged(self, damaged: Numbers, numbers: Numbers, parts: Numbers) -> None:
        of = np.isin(numbers, damaged)
        directories = self.trees.directories.take(pa.array(numbers[of]))
        pairs = pa.table([directories, pa.array(parts[of], pa.int32())], schema=FRONTIER)
        self._lose(pairs, "directory_mismatch", "the export's entries of this directory do not give its id")

    def _sent(self, rows: pa.Table, parts: Numbers) -> pa.Table:
        self.send("tree", rows, parts)
        modes = rows.column("mode").to_numpy()
        folders = modes == MODE_DIRECTORY
        if self.blobs is not None:
            reached = _pairs(rows, parts, ~folders & (modes != MODE_SUBMODULE), REACHED)
            self.send("reached", reached, blob_buckets(reached.column("blob"), self.blobs))
        return _pairs(rows, parts, folders, FRONTIER)


def _pairs(rows: pa.Table, parts: Numbers, chosen: Numbers, schema: pa.Schema) -> pa.Table:
    targets = rows.column("target").filter(pa.array(chosen))
    return pa.table([targets, pa.array(parts[chosen], pa.int32())], schema=schema)


def _chunks(counts: Numbers) -> Iterator[slice]:
    """Runs of pairs whose rows are at most about a million together, or one pair."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        limit = (ends[start - 1] if start else 0) + _ROWS_AT_ONCE
        end = max(int(np.searchsorted(ends, limit, "right")), start + 1)
        yield slice(start, end)
        start = end


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(column.chunks)
