"""Repositories that are copies of others: mirrors, forks, versions, and what is contained in another.

How much of an origin lies in another is counted over distinct contents, those that licence and opt-out left in. The
work for a content is bounded: its origins are paired with the best-ranked `ORIGINS_OF_A_BLOB` of them. A content that
lies in more, such as a licence text, is common; for pairs in which it was not counted it counts on neither side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.engine.rows import ids
from pipeline.schema import BLOB, DUPLICATES, VERDICTS

ORIGINS_OF_A_BLOB = 16
FEWEST_SHARED = 3  # contents, of a copy that nothing else gives away

Relation = Literal["mirror", "fork", "version", "contained"]


def _table(*fields: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields])


# How many distinct contents two origins share, and how many of these are common; `better` stands first in rank.
SHARES = _table(("better", pa.string()), ("worse", pa.string()), ("shared", pa.int64()), ("common", pa.int64()))

# How many distinct contents an origin has, how many of these are common, and its place in rank.
SIZES = pa.schema(
    [
        pa.field("origin", pa.string(), nullable=False),
        pa.field("contents", pa.int64(), nullable=False),
        pa.field("common", pa.int64(), nullable=False),
        pa.field("stars", pa.int64()),
        pa.field("date", VERDICTS.field("date").type),
    ]
)

# An origin that goes as a whole.
DROPPED_ORIGINS = _table(("origin", pa.string()), ("kept_origin", pa.string()), ("reason", pa.string()))


@dataclass(frozen=True)
class Copy:
    """An origin that is a copy of another. `containment` is the share of its distinct contents that lie there."""

    origin: str
    original: str
    relation: Relation
    containment: float
    jaccard: float


def ranked_origins(origins: pa.Table) -> pa.Table:
    """`origins` in rank order: most stars first (unknown last), then earliest date (unknown last), then name."""
    keys = pa.table(
        {
            "stars": pc.fill_null(pc.negate(origins.column("stars")), 1),
            "date": pc.fill_null(origins.column("date").cast(pa.int64()), 2**62),
            "origin": origins.column("origin"),
        }
    )
    return origins.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names]))


def shares(occurrences: pa.Table) -> tuple[pa.Table, pa.Table]:
    """`(SHARES, SIZES)` of occurrences that hold all of their blobs' (schema VERDICTS), by names.

    Independent of the order of rows. Time and memory O(n * ORIGINS_OF_A_BLOB) for n distinct (blob, origin).
    """
    about = occurrences.group_by("origin").aggregate([("stars", "max"), ("date", "min")])
    about = ranked_origins(about.rename_columns(["origin", "stars", "date"]))
    names = about.column("origin").combine_chunks()
    origin = pc.index_in(occurrences.column("origin"), value_set=names).to_numpy()
    _, blob = np.unique(ids(occurrences.column("blob")), return_inverse=True)
    blob, origin = np.divmod(np.unique(blob * max(len(names), 1) + origin), max(len(names), 1))
    sizes = np.bincount(origin, minlength=len(names))
    # In each blob's run of rows origins stand in rank order: pair each with the first ones of the run.
    starts = np.flatnonzero(np.diff(blob, prepend=-1))
    lengths = np.diff(np.append(starts, len(blob)))
    start = np.repeat(starts, lengths)
    common = np.repeat(lengths > ORIGINS_OF_A_BLOB, lengths)
    position = np.arange(len(blob)) - start
    pairs, of_common = [np.zeros(0, np.int64)], [np.zeros(0, np.bool_)]
    for other in range(ORIGINS_OF_A_BLOB):
        worse = np.flatnonzero(position > other)
        pairs.append(origin[start[worse] + other] * len(names) + origin[worse])
        of_common.append(common[worse])
    pair, number, count = np.unique(np.concatenate(pairs), return_inverse=True, return_counts=True)
    both_common = np.bincount(number, np.concatenate(of_common), len(pair)).astype(np.int64)
    better, worse = np.divmod(pair, max(len(names), 1))
    columns = [names.take(pa.array(better)), names.take(pa.array(worse)), pa.array(count), pa.array(both_common)]
    shared = pa.table(columns, schema=SHARES)
    about = about.append_column("contents", pa.array(sizes))
    about = about.append_column("common", pa.array(np.bincount(origin, common, len(names)).astype(np.int64)))
    table = about.select(SIZES.names).cast(SIZES)
    return shared.sort_by([("better", "ascending"), ("worse", "ascending")]), table.sort_by("origin")


def summed(shared: pa.Table, sizes: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The tables of all buckets as one each."""
    pairs = shared.group_by(["better", "worse"]).aggregate([("shared", "sum"), ("common", "sum")])
    pairs = pairs.rename_columns(SHARES.names)
    counts = [("contents", "sum"), ("common", "sum"), ("stars", "max"), ("date", "min")]
    origins = sizes.group_by("origin").aggregate(counts)
    return pairs.cast(SHARES), origins.rename_columns(SIZES.names).cast(SIZES)


def root_revisions(history: pa.Table, heads: list[bytes | None]) -> list[bytes | None]:
    """Of each head, the revision in which its line of first parents begins; None where the history does not tell.

    `history` (schema HISTORY) has every revision once, sorted. Forks of one repository have it in common, whatever
    became of them. Time O(n log d) for n revisions and lines of d, 24 bytes per revision.
    """
    known = ids(history.column("revision"))
    unknown = len(known)
    parents = history.column("parents").combine_chunks()
    first = pc.list_element(parents.filter(pc.greater(pc.list_value_length(parents), 0)), 0)
    above = np.arange(unknown + 1)
    has_parent = np.flatnonzero(np.asarray(pc.greater(pc.list_value_length(parents), 0)))
    above[has_parent] = _places(ids(first.cast(BLOB)), known)
    while not np.array_equal(further := above[above], above):
        above = further
    found = []
    for head in heads:
        place = unknown if head is None else int(_places(np.frombuffer(head, "V20"), known)[0])
        root = int(above[place])
        found.append(None if root == unknown else bytes(known[root].tobytes()))
    return found


def _places(wanted: NDArray[np.void], known: NDArray[np.void]) -> NDArray[np.int64]:
    """Where each id stands among `known`; behind all where it does not."""
    if not len(known):
        return np.zeros(len(wanted), np.int64)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, place, len(known))


def copies(shared: pa.Table, sizes: pa.Table, origins: pa.Table, containment: float) -> list[Copy]:
    """Which origins are copies of which other, by name of the copy.

    `origins` has origin, directory, fork_of and perhaps root (see `root_revisions`). Decided in rank order (a declared
    fork after all others), so that an original is never a copy of its copy; of several originals the one that has most
    of it is named, then the better-ranked one. An origin is a copy of a better-ranked one that is none itself if their
    root directories are the same (mirror); if it says to be its fork, or their histories begin in one revision, or both
    are of one package, and `FEWEST_SHARED` contents are shared; or if at least `containment` of its distinct contents
    lie there, and `FEWEST_SHARED` or all of them.
    """
    about = {row["origin"]: row for row in origins.to_pylist()}
    order = ranked_origins(sizes).column("origin").to_pylist()
    order.sort(key=lambda name: about[name]["fork_of"] is not None)
    size = {row["origin"]: (row["contents"], row["common"]) for row in sizes.to_pylist()}
    common: dict[str, dict[str, tuple[int, int]]] = {}
    for row in shared.to_pylist():
        for one, other in ((row["worse"], row["better"]), (row["better"], row["worse"])):
            common.setdefault(one, {})[other] = (row["shared"], row["common"])
    by_tree: dict[bytes, str] = {}
    originals: dict[str, int] = {}
    found: list[Copy] = []
    for place, name in enumerate(order):
        directory = about[name]["directory"]
        mirrored = by_tree.get(directory) if directory is not None else None
        candidates = [other for other in common.get(name, {}) if other in originals]
        if mirrored is not None:
            candidates.append(mirrored)
        best: tuple[float, int, Copy] | None = None
        for other in dict.fromkeys(candidates):
            both, of_common = size[name] if other == mirrored else common[name][other]
            own, others = (size[one][0] - size[one][1] + of_common for one in (name, other))
            inside = both / own
            relation = _relation(about[name], about[other], other == mirrored)
            few = both < min(FEWEST_SHARED, own)
            if other != mirrored and (few or (relation == "contained" and inside < containment)):
                continue
            copy = Copy(name, other, relation, inside, both / (own + others - both))
            key = (2.0 if other == mirrored else inside, -originals[other], copy)
            if best is None or key[:2] > best[:2]:
                best = key
        if best is not None:
            found.append(best[2])
        if best is None or best[2].containment < containment:  # a fork that went its own way has copies of its own
            originals[name] = place
            if directory is not None:
                by_tree.setdefault(directory, name)
    return sorted(found, key=lambda copy: copy.origin)


def _relation(copy: dict[str, Any], original: dict[str, Any], mirrored: bool) -> Relation:
    if mirrored:
        return "mirror"
    root = original.get("root")
    if copy["fork_of"] == original["origin"] or (root is not None and copy.get("root") == root):
        return "fork"
    package = _package(copy["origin"])
    return "version" if package is not None and package == _package(original["origin"]) else "contained"


def _package(origin: str) -> str | None:
    """The package of a purl, without its version.

    >>> _package("pkg:pypi/alpha@1.0?file_name=alpha-1.0.tar.gz")
    'pkg:pypi/alpha'
    """
    return origin.partition("?")[0].partition("@")[0] if origin.startswith("pkg:") else None


def as_duplicates(found: list[Copy], origins: pa.Table) -> pa.Table:
    """DUPLICATES of kind `repository`: root directories in place of contents, and the origins."""
    directory = dict(zip(origins.column("origin").to_pylist(), origins.column("directory").to_pylist(), strict=True))
    rows = [
        {
            "dropped": directory[copy.origin],
            "kept": directory[copy.original],
            "kind": "repository",
            "jaccard": copy.jaccard,
            "component": directory[copy.original],
            "relation": copy.relation,
            "dropped_origin": copy.origin,
            "kept_origin": copy.original,
            "containment": copy.containment,
        }
        for copy in found
    ]
    return pa.Table.from_pylist(rows, schema=DUPLICATES)


def whole_copies(found: list[Copy], containment: float, released_before: set[str]) -> pa.Table:
    """DROPPED_ORIGINS: the copies of which enough lies in an original; never what an earlier release has."""
    words = {"mirror": "a mirror of", "fork": "a fork of", "version": "a version of", "contained": "contained in"}
    rows = [
        {
            "origin": copy.origin,
            "kept_origin": copy.original,
            "reason": f"{words[copy.relation]} {copy.original}: {copy.containment:.2%} of its contents are there",
        }
        for copy in found
        if copy.containment >= containment and copy.origin not in released_before
    ]
    return pa.Table.from_pylist(rows, schema=DROPPED_ORIGINS)
