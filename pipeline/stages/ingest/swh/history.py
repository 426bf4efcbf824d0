"""The revisions that lead to the chosen heads: read from an export, and as a graph.

Ids become numbers in the order of the ids, edges become two arrays (compressed sparse rows), and the loops over them
are compiled, so that a repository of five million revisions is a matter of seconds and of some hundred megabytes. A
parent that the export does not hold (a shallow clone, a hidden revision) is a missing parent: it is counted, and
keeps its id in the row of its child. Ids of revisions cannot be checked in a published export, whose persons are
pseudonyms; so a loop, which a true history cannot have, must not hang anything: the edge that closes it counts for
nothing when generations are numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from pipeline.engine.rows import ids
from pipeline.schema import HISTORY
from pipeline.stages.ingest.swh.identifiers import Identifiers, stacked
from pipeline.stages.ingest.swh.trees import Numbers, ranges

Read = Callable[[str, Sequence[str]], Iterable[pa.Table]]
"""Streams a table of the export: its name and the columns wanted (see export.SCHEMA)."""


def read_history(read: Read, heads: Iterable[bytes]) -> pa.Table:
    """The rows (schema HISTORY) of `heads` and of all their ancestors; heads that the export lacks have none.

    Three passes over two tables, of which none is held. Memory at its peak: about 60 bytes per revision of the export
    and 36 per edge, or later 40 per revision of the export, 12 per edge, 55 per revision reached and 20 per edge of
    those, whichever is more. Time O(n log n).
    """
    known = Identifiers(_column(piece, "id") for piece in read("revision", ("id",)))
    offsets, parents, missing = _edges(read, known)
    starts = known.numbers(stacked(np.frombuffer(head, "V20") for head in heads))
    reached = np.sort(_reached(offsets, parents, np.unique(starts[starts >= 0]), len(known.ids)))
    counts = np.diff(offsets)
    taken = np.zeros(len(known.ids), np.bool_)
    taken[reached] = True
    edges = parents[np.repeat(taken, counts)]
    del offsets, parents, taken
    inside = edges < len(known.ids)
    ancestors = np.empty(len(edges), "V20")
    ancestors[inside], ancestors[~inside] = known.ids[edges[inside]], missing.ids[edges[~inside] - len(known.ids)]
    directories, dates, dated = _described(read, known, reached)
    lists = pa.ListArray.from_arrays(
        pa.array(np.concatenate([[0], np.cumsum(counts[reached])]), pa.int32()),
        _array(ancestors),
        HISTORY.field("parents").type,
    )
    columns = [_array(known.ids[reached]), _array(directories), pa.array(dates, pa.int64(), mask=~dated), lists]
    return pa.table(columns, schema=HISTORY)


def _edges(read: Read, known: Identifiers) -> tuple[Numbers, Numbers, Identifiers]:
    """Parents of each known revision by rank; those that are not known are numbered after all that are."""
    children, parents, ranks, unknown = [], [], [], []
    for piece in read("revision_history", ("id", "parent_id", "parent_rank")):
        child = known.numbers(_column(piece, "id"))
        wanted = (child >= 0) & pc.is_valid(piece.column("parent_id")).to_numpy()
        named = _column(piece, "parent_id")[wanted]
        parent = known.numbers(named)
        unknown.append(named[parent < 0])
        children.append(child[wanted])
        parents.append(parent)
        ranks.append(piece.column("parent_rank").to_numpy()[wanted].astype(np.int32))
    child, parent, rank = _joined(children), _joined(parents), _joined(ranks)
    absent = stacked(unknown)
    missing = Identifiers([absent])
    parent[parent < 0] = len(known.ids) + missing.numbers(absent)
    children, parents, ranks = [], [], []
    order = np.lexsort((parent, rank, child))
    child, parent, rank = child[order], parent[order], rank[order]
    again = np.zeros(len(child), np.bool_)  # stripes may come twice
    again[1:] = (child[1:] == child[:-1]) & (rank[1:] == rank[:-1]) & (parent[1:] == parent[:-1])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(child[~again], minlength=len(known.ids)))])
    return offsets, parent[~again], missing


def _described(read: Read, known: Identifiers, reached: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    place = np.full(len(known.ids), -1, np.int32)
    place[reached] = np.arange(len(reached))
    directories, dates = np.zeros(len(reached), "V20"), np.zeros(len(reached), np.int64)
    dated = np.zeros(len(reached), np.bool_)
    for piece in read("revision", ("id", "directory", "committer_date")):
        at = place[known.numbers(_column(piece, "id"))]
        own, date = np.flatnonzero(at >= 0), piece.column("committer_date")
        directories[at[own]] = _column(piece, "directory")[own]
        dates[at[own]] = pc.fill_null(date, 0).to_numpy()[own]
        dated[at[own]] = pc.is_valid(date).to_numpy()[own]
    return directories, dates, dated


class Ancestry:
    """Rows of HISTORY as a graph. A revision is known by its number, which is its place in the order of the ids.

    `history` must hold, for every head that is asked about, all that `read_history` gives for it; more does not change
    an answer. Memory: about 60 bytes per revision and 4 per edge, 150 while it is made, besides the table.
    """

    def __init__(self, history: pa.Table) -> None:
        self._known = Identifiers([_column(history, "revision")])
        rows = self._known.numbers(_column(history, "revision"))
        if not np.array_equal(rows, np.arange(len(self._known.ids))):
            history = history.take(pa.array(np.unique(rows, return_index=True)[1]))
        self._directories = _column(history, "directory")
        date = history.column("committer_date")
        self._dated = pc.is_valid(date).to_numpy().astype(np.bool_)
        self._dates = pc.fill_null(date, 0).to_numpy()
        self._lists = lists = history.column("parents").combine_chunks()
        counts = pc.list_value_length(lists).to_numpy().astype(np.int64)
        self._offsets = np.concatenate([[0], np.cumsum(counts)])
        self._parents = self._known.numbers(ids(pc.list_flatten(lists).cast(pa.binary(20))))

    def __len__(self) -> int:
        return len(self._known.ids)

    def number(self, revision: bytes) -> int | None:
        """The number of a revision; None where the history has it not."""
        found = int(self._known.numbers(np.frombuffer(revision, "V20"))[0])
        return None if found < 0 else found

    def numbers(self, revisions: Numbers) -> Numbers:
        """The number of each id, -1 of those that the history has not."""
        return self._known.numbers(revisions)

    def revision(self, number: int) -> bytes:
        return bytes(self._known.ids[number].tobytes())

    def revisions(self, numbers: Numbers) -> pa.Array:
        """The ids of numbers."""
        return _array(self._known.ids[numbers])

    def directory(self, number: int) -> bytes:
        """The root directory of a revision."""
        return bytes(self._directories[number].tobytes())

    def directories(self, numbers: Numbers) -> pa.Array:
        """The distinct root directories of numbers, sorted."""
        return _array(Identifiers([self._directories[numbers]]).ids)

    def parents(self, number: int) -> list[int]:
        """The parents that are there, by rank, each once."""
        own = self._parents[self._offsets[number] : self._offsets[number + 1]].tolist()
        return list(dict.fromkeys(parent for parent in own if parent >= 0))

    def named_parents(self, number: int) -> list[bytes]:
        """The ids of all parents as the revision names them, by rank, there or not."""
        named: list[bytes] = self._lists[number].as_py()
        return named

    def missing_parents(self, numbers: Numbers) -> int:
        """How many parents of `numbers` are not there."""
        counts = self._offsets[numbers + 1] - self._offsets[numbers]
        return int((self._parents[ranges(self._offsets[numbers], counts)] < 0).sum())

    def committer_date(self, number: int) -> int | None:
        """Microseconds since 1970; None where the export could not say it."""
        return int(self._dates[number]) if self._dated[number] else None

    def reached(self, heads: Numbers) -> Numbers:
        """The numbers of `heads` (numbers too) and of all their ancestors, in some order. Time O(n)."""
        return _reached(self._offsets, self._parents, heads, len(self))

    def ancestors(self, head: bytes) -> Numbers:
        """The numbers of `head` and its ancestors: by generation, then by id, so that parents come before children.

        Empty where the history lacks the head. Time O(n log n) in the answer.
        """
        number = self.number(head)
        starts = np.array([] if number is None else [number], np.int64)
        found = self.reached(starts)
        return found[np.lexsort((found, self.generations[found]))]

    @cached_property
    def generations(self) -> Numbers:
        """Of each revision, one more than the greatest of its parents; 1 without any that is there."""
        found: Numbers = _generations(self._offsets, self._parents)
        return found

    @cached_property
    def ranks(self) -> tuple[Numbers, Numbers]:
        """Two orders of all revisions in time: where the greatest is the newest, and where the least is the oldest.

        By the committer's date to the microsecond, whatever the graph says (clocks go wrong, and nothing can tell
        which); of equal dates, the later generation is newer; of those, the greater id. A revision without a date is
        neither newest nor oldest as long as another has one. The order of two revisions depends on nothing but them
        and their ancestors.
        """
        order = np.lexsort((np.arange(len(self)), self.generations, self._dates, self._dated))
        newest = np.empty(len(self), np.int64)
        newest[order] = np.arange(len(self))
        return newest, np.where(self._dated, newest, newest + len(self))


def _reached(offsets: Numbers, parents: Numbers, starts: Numbers, size: int) -> Numbers:
    found: Numbers = _reach(offsets, parents, starts.astype(np.int64), size)
    return found


def _reach_loop(offsets: Any, parents: Any, starts: Any, size: int) -> Any:
    """All that can be reached from `starts` over edges to numbers below `size`, in some order."""
    seen = np.zeros(size, np.bool_)
    queue = np.empty(size, np.int32)
    filled = 0
    for start in starts:
        seen[start] = True
        queue[filled] = start
        filled += 1
    done = 0
    while done < filled:
        node = queue[done]
        done += 1
        for edge in range(offsets[node], offsets[node + 1]):
            parent = parents[edge]
            if 0 <= parent < size and not seen[parent]:
                seen[parent] = True
                queue[filled] = parent
                filled += 1
    return queue[:filled].copy()


def _generation_loop(offsets: Any, parents: Any) -> Any:
    """Depth first, on a stack of our own; an edge to a revision that is still open closes a loop and is left out."""
    count = len(offsets) - 1
    generation = np.zeros(count, np.int32)  # 0: not seen, -1: open
    stack = np.empty(count + 1, np.int32)
    following = np.empty(count + 1, np.int64)
    for start in range(count):
        if generation[start] != 0:
            continue
        depth = 0
        stack[0], following[0], generation[start] = start, offsets[start], -1
        while depth >= 0:
            node = stack[depth]
            if following[depth] < offsets[node + 1]:
                parent = parents[following[depth]]
                following[depth] += 1
                if parent >= 0 and generation[parent] == 0:
                    depth += 1
                    stack[depth], following[depth], generation[parent] = parent, offsets[parent], -1
                continue
            highest = 0
            for edge in range(offsets[node], offsets[node + 1]):
                parent = parents[edge]
                if parent >= 0 and generation[parent] > highest:
                    highest = generation[parent]
            generation[node] = highest + 1
            depth -= 1
    return generation


_reach = cast(Callable[..., Any], njit(cache=True, nogil=True)(_reach_loop))
_generations = cast(Callable[..., Any], njit(cache=True, nogil=True)(_generation_loop))


def _column(table: pa.Table, name: str) -> Numbers:
    return ids(table.column(name))


def _joined(pieces: list[Numbers]) -> Numbers:
    return np.concatenate([np.zeros(0, np.int32), *pieces])


def _array(whole: Numbers) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(20), len(whole), [None, pa.py_buffer(whole.view(np.uint8))])
