"""The trees of an export: sorted by directory, looked up by id, and each checked against its own id.

A directory's id is the sha1 of git's form of its entries, so an export that lost, gained or changed an entry of a
directory is found out wherever that directory is used (git's object format, "tree"; SWHID 1.2, "dir").
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.rows import ids
from pipeline.schema import DIRECTORY_ENTRIES
from pipeline.swhid import MODE_DIRECTORY

Numbers = np.ndarray[Any, np.dtype[Any]]

EMPTY_DIRECTORY = hashlib.sha1(b"tree 0\0", usedforsecurity=False).digest()
SLICES = 32
"""Into how many slices a bucket's trees are cut, so that a few directories are read without the rest."""


def directory_slices(directories: pa.ChunkedArray, parts: int) -> Numbers:
    """The slice of each directory within its bucket: by the bits of its id behind those that chose the bucket."""
    raw = np.frombuffer(ids(directories).tobytes(), np.uint8).reshape(-1, 20)[:, :3].astype(np.int64)
    head = (raw[:, 0] << 16) | (raw[:, 1] << 8) | raw[:, 2]
    return ((head * parts) & 0xFFFFFF) * SLICES >> 24


def by_directory(entries: pa.Table) -> pa.Table:
    """`entries` (schema DIRECTORY_ENTRIES) sorted by directory; within one, the order of the export is kept.

    About 0.3 s per million rows; memory: the table twice.
    """
    whole = ids(entries.column("directory"))
    prefixes = _prefixes(whole)
    order = np.argsort(prefixes, kind="stable")
    ordered = prefixes[order]
    alike = ordered[1:] == ordered[:-1]
    if np.any(whole[order[1:]][alike] != whole[order[:-1]][alike]):  # 64 bits in common: not in this universe
        order = np.argsort(whole.view("S20"), kind="stable")
    return entries.take(pa.array(order))


def distinct_directories(entries: pa.Table) -> pa.Array:
    """Each directory of sorted entries once."""
    whole = ids(entries.column("directory"))
    return entries.column("directory").combine_chunks().take(pa.array(starts_of(whole)))


@dataclass(frozen=True)
class Trees:
    """The sorted trees of one bucket. A directory is known by its number in `directories`, which is sorted.

    `read` gives the entries of a slice, or None where it holds none.
    """

    directories: pa.Array
    parts: int
    read: Callable[[int], pa.Table | None]

    def numbers(self, wanted: pa.Array) -> Numbers:
        """The number of each of `wanted`, -1 where the export has no entry of it."""
        found = pc.fill_null(pc.index_in(wanted, value_set=self.directories), -1)
        return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)

    def slices(self, numbers: Numbers) -> Iterator[tuple[Numbers, pa.Table, Numbers]]:
        """For the sorted `numbers`, slice by slice: `(numbers, entries, edges)`.

        The entries of the i-th of them are the rows `edges[i]:edges[i + 1]`. Memory: one slice.
        """
        table = pa.chunked_array([self.directories])
        where = directory_slices(table, self.parts) if len(self.directories) else np.zeros(0, np.int64)
        first = np.searchsorted(where, np.arange(SLICES + 1))
        of = where[numbers]
        for number in np.unique(of).tolist():
            own = numbers[of == number]
            entries = self.read(number)
            assert entries is not None, "the index and the slices were written together"
            starts = np.append(starts_of(ids(entries.column("directory"))), entries.num_rows)
            local = own - first[number]
            counts = starts[local + 1] - starts[local]
            edges = np.concatenate([[0], np.cumsum(counts)])
            yield own, entries.take(pa.array(ranges(starts[local], counts))), edges


@dataclass(frozen=True)
class Checked:
    """Entries whose directories have the ids that they claim, and the directories that have not."""

    entries: pa.Table
    edges: Numbers
    """Of the i-th directory: rows `edges[i]:edges[i + 1]`; none where it is lost."""
    lost: list[int]
    """Places of directories whose entries do not give their id."""


def checked(entries: pa.Table, edges: Numbers, manifests: Mapping[bytes, bytes]) -> Checked:
    """Each directory's entries held against its id.

    The export's order is tried first; then git's order without doubles; then the tree as the export gives it in
    raw_manifest, where git's form could not be made from the entries. Costs one sha1 over about 35 bytes an entry.
    """
    joined, places = git_form(entries)
    wanted = ids(entries.column("directory"))
    bad: list[int] = []
    for place in range(len(edges) - 1):
        start, end = int(edges[place]), int(edges[place + 1])
        body = joined[places[start] : places[end]]
        digest = hashlib.sha1(b"tree %d\0" % len(body), usedforsecurity=False)
        digest.update(body)
        if digest.digest() != wanted[start].tobytes():
            bad.append(place)
    if not bad:
        return Checked(entries, edges, [])
    return _mended(entries, edges, bad, manifests)


def _mended(entries: pa.Table, edges: Numbers, bad: list[int], manifests: Mapping[bytes, bytes]) -> Checked:
    pieces: list[pa.Table] = []
    counts = np.diff(edges)
    lost: list[int] = []
    done = 0
    for place in bad:
        start, end = int(edges[place]), int(edges[place + 1])
        pieces.append(entries.slice(done, start - done))
        done = end
        own = _canonical(entries.slice(start, end - start), manifests)
        if own is None:
            lost.append(place)
        else:
            pieces.append(own)
        counts[place] = 0 if own is None else own.num_rows
    pieces.append(entries.slice(done))
    table = pa.concat_tables(pieces).combine_chunks()
    return Checked(table, np.concatenate([[0], np.cumsum(counts)]), lost)


def _canonical(entries: pa.Table, manifests: Mapping[bytes, bytes]) -> pa.Table | None:
    directory = entries.column("directory")[0].as_py()
    rows = {
        (name + b"/" if mode == MODE_DIRECTORY else name, name, mode, target)
        for name, mode, target in zip(*(entries.column(c).to_pylist() for c in ("name", "mode", "target")), strict=True)
    }
    ordered = [row[1:] for row in sorted(rows)]
    body = b"".join(b"%o %s\0%s" % (mode, name, target) for name, mode, target in ordered)
    if _tree_id(body) != directory:
        # As the archive keeps it, it begins with git's header.
        stated = manifests.get(directory, b"")
        bodies = [body for body in (stated, stated.partition(b"\0")[2]) if _tree_id(body) == directory]
        parsed = parsed_tree(bodies[0]) if bodies else None
        if parsed is None:
            return None
        ordered = parsed
    columns = list(zip(*ordered, strict=True))
    return pa.table([[directory] * len(ordered), *map(list, columns)], schema=DIRECTORY_ENTRIES)


def _tree_id(body: bytes) -> bytes:
    return hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).digest()


def parsed_tree(body: bytes) -> list[tuple[bytes, int, bytes]] | None:
    """`(name, mode, target)` of each entry of a tree in git's form; None where it is none."""
    found: list[tuple[bytes, int, bytes]] = []
    place = 0
    while place < len(body):
        blank, nul = body.find(b" ", place), body.find(b"\0", place)
        mode = body[place:blank]
        if not 0 < blank - place <= 7 or nul < blank or nul + 21 > len(body) or mode.strip(b"01234567"):
            return None
        found.append((body[blank + 1 : nul], int(mode, 8), body[nul + 1 : nul + 21]))
        place = nul + 21
    return found


def git_form(entries: pa.Table) -> tuple[memoryview, Numbers]:
    """Every entry in git's form, one after another, and where each begins."""
    modes = entries.column("mode").combine_chunks().dictionary_encode()
    octal = pa.array([b"%o " % mode for mode in modes.dictionary.to_pylist()], pa.large_binary())
    joined = pc.binary_join_element_wise(
        octal.take(modes.indices),
        entries.column("name").combine_chunks().cast(pa.large_binary()),
        pa.scalar(b"\0", pa.large_binary()),
        entries.column("target").combine_chunks().cast(pa.binary()).cast(pa.large_binary()),
        pa.scalar(b"", pa.large_binary()),
    )
    if not len(joined):
        return memoryview(b""), np.zeros(1, np.int64)
    _, offsets, data = joined.buffers()
    places = np.frombuffer(offsets, np.int64)[joined.offset : joined.offset + len(joined) + 1]
    return memoryview(data), places


def ranges(starts: Numbers, counts: Numbers) -> Numbers:
    """The numbers `starts[i] .. starts[i] + counts[i] - 1`, for each i in turn."""
    total = int(counts.sum())
    before = np.repeat(np.cumsum(counts) - counts, counts)
    found: Numbers = np.arange(total) - before + np.repeat(starts, counts)
    return found


def _prefixes(whole: Numbers) -> Numbers:
    raw = np.frombuffer(whole.tobytes(), np.uint8).reshape(-1, 20)[:, :8]
    return np.ascontiguousarray(raw).view(">u8").reshape(-1).astype(np.uint64)


def starts_of(whole: Numbers) -> Numbers:
    """Where each run of equal ids begins."""
    if not len(whole):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], whole[1:] != whole[:-1]]))
