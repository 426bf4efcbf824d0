"""Which document of several alike is kept: greedy by rank, by exact Jaccard similarity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled
from pipeline.engine.rows import ids
from pipeline.errors import InputError, IntegrityError
from pipeline.stages.near.columns import Ragged, blob_ranks, contiguous, lists, numbers
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.tables import DUPLICATES

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Choice:
    """What `choose` found. `budget_hits` counts documents for which a kept candidate was passed over."""

    dropped: pa.Table
    budget_hits: int


@compiled
def _jaccard(values: NDArray[np.uint64], a_start: int, a_end: int, b_start: int, b_end: int, floor: float) -> float:
    """Jaccard similarity of two ascending distinct slices; 0, found out early, if it is below `floor`.

    `floor` > 0. Where the result reaches it, it is the quotient of the two counts, correctly rounded.
    """
    total = a_end - a_start + b_end - b_start
    most = min(a_end - a_start, b_end - b_start)
    if most == 0 or most / (total - most) < floor:
        return 0.0
    # The fewest common values that reach the floor, by the very division that decides.
    need = min(int(floor * total / (1.0 + floor)), most)
    while need > 0 and (need - 1) / (total - need + 1) >= floor:
        need -= 1
    while need / (total - need) < floor:
        need += 1
    spare = a_end - a_start - need
    i, j, common = a_start, b_start, 0
    while i < a_end and j < b_end:
        x, y = values[i], values[j]
        common += x == y
        i += x <= y
        j += y <= x
        if i - a_start - common > spare:
            return 0.0
    return common / (total - common) if common >= need else 0.0


@compiled
def _greedy(
    order: Integers,
    guards: int,
    priors: int,
    groups: Integers,
    group_starts: Integers,
    offsets: Integers,
    values: NDArray[np.uint64],
    threshold: float,
    budget: int,
    against: Integers,
    similarity: NDArray[np.float64],
) -> int:
    """Decide documents in `order`: first `guards` guards, then `priors` of an earlier release, then the rest.

    `against[d]` becomes the position in `order` of what document d duplicates, or -1. Returns budget hits.
    """
    kept = np.empty(group_starts[-1], np.int64)  # per group: the positions of kept documents, ascending
    filled = np.zeros(len(group_starts) - 1, np.int64)
    guarded = np.zeros(len(group_starts) - 1, np.int64)
    compared = np.full(len(order), -1, np.int64)
    hits = 0
    for position in range(len(order)):
        d = order[position]
        best = threshold
        found = -1
        passed_over = False
        allowance = budget if position >= guards + priors else 0
        for band in range(groups.shape[1] if position >= guards else 0):
            g = groups[d, band]
            if g < 0:
                continue
            visible = min(filled[g], guarded[g] + allowance)
            passed_over |= allowance > 0 and visible < filled[g]
            for slot in range(group_starts[g], group_starts[g] + visible):
                candidate = kept[slot]
                if compared[candidate] == position:
                    continue
                compared[candidate] = position
                c = order[candidate]
                j = _jaccard(values, offsets[d], offsets[d + 1], offsets[c], offsets[c + 1], best)
                if j > best or (j == best and (found < 0 or candidate < found)):
                    best = j
                    found = candidate
        hits += passed_over
        against[d] = found
        if found >= 0:
            similarity[d] = best
            continue
        for band in range(groups.shape[1]):
            g = groups[d, band]
            if g >= 0:
                kept[group_starts[g] + filled[g]] = position
                filled[g] += 1
                guarded[g] += position < guards
    return hits


@compiled
def _collapse(
    order: Integers,
    guards: int,
    priors: int,
    component: Integers,
    offsets: Integers,
    values: NDArray[np.uint64],
    against: Integers,
    similarity: NDArray[np.float64],
) -> None:
    """Drop all but the best-ranked document of each component, however alike they are; priors and guards stay."""
    keeper = np.full(component.max() + 1, -1, np.int64)
    for position in range(guards, len(order)):
        d = order[position]
        if against[d] >= 0:
            continue
        first = keeper[component[d]]
        if first < 0:
            keeper[component[d]] = position
        elif position >= guards + priors:
            c = order[first]
            against[d] = first
            similarity[d] = _jaccard(values, offsets[d], offsets[d + 1], offsets[c], offsets[c + 1], 1e-12)


def _groups(keys: Ragged, bands: int) -> tuple[Integers, Integers]:
    """(documents x bands) the number of the group that shares the band key, -1 if none does; group starts."""
    lengths = np.diff(keys.offsets)
    keyed = np.flatnonzero(lengths)
    wrong = np.flatnonzero((lengths != 0) & (lengths != bands))
    if len(wrong):
        raise InputError(
            f"near: expected {bands} band keys (or none) of each document, found {lengths[wrong[0]]} in row "
            f"{wrong[0]}; band rows and choice must use one configuration"
        )
    table = keys.values[keys.offsets[0] : keys.offsets[-1]].reshape(len(keyed), bands)
    groups = np.full((len(lengths), bands), -1, np.int64)
    sizes = [np.zeros(1, np.int64)]
    count = 0
    for band in range(bands):
        _, group, size = np.unique(table[:, band], return_inverse=True, return_counts=True)
        shared = size > 1
        number = np.where(shared, count + np.cumsum(shared) - 1, -1)
        groups[keyed, band] = number[group]
        sizes.append(size[shared])
        count += int(shared.sum())
    return groups, np.cumsum(np.concatenate(sizes))


def _normalised(
    documents: pa.Table, order: Integers, guards: int, priors: int, keyless: NDArray[np.bool_], against: Integers
) -> NDArray[np.bool_]:
    """Which documents went for one of the same normalised content, after those without keys (`keyless`) went too.

    Those with keys have the same ones as their like, so that the choice by similarity has seen to them.
    """
    if "normalised" not in documents.column_names or documents["normalised"].null_count == len(documents):
        return np.zeros(len(documents), np.bool_)
    _, digest = np.unique(ids(pc.fill_null(documents["normalised"], bytes(16)), 16), return_inverse=True)
    known = np.asarray(documents["normalised"].is_valid())
    first: dict[int, int] = {}
    for position, d in enumerate(order.tolist()):
        if known[d] and keyless[d]:
            best = first.setdefault(digest[d], position)
            if best != position and (best < guards or position >= guards + priors) and position >= guards:
                against[d] = best
    gone = against >= 0
    same = np.zeros(len(documents), np.bool_)
    twins = order[against[gone]]
    same[gone] = known[gone] & known[twins] & (digest[gone] == digest[twins])
    return same


def _flags(documents: pa.Table, name: str) -> NDArray[np.bool_]:
    if name not in documents.column_names:
        return np.zeros(len(documents), np.bool_)
    return np.asarray(numbers(documents[name], name), np.bool_)


def choose(documents: pa.Table, config: NearConfig) -> Choice:
    """Drop each document that is a near-duplicate of a better-ranked one that is kept.

    `documents` is in rank order, the best first, with `blob`, `component`, `guard`, `shingles`
    (ascending, distinct) and `keys` (its band keys by band, or none), and perhaps `prior`. A document
    goes only against a document that is itself kept, shares a band key with it, and whose shingle set
    has Jaccard similarity of at least `config.threshold` with its own. Of several the most similar is
    named, of equal ones the first. So every dropped document has a kept one that is really like it,
    and choosing again among the kept ones drops nothing.

    A `guard` is a blob that was opted out: it comes before all documents wherever it stands, drops what
    is like it, and is neither kept nor dropped itself. A `prior` document, one of an earlier release,
    comes next, and goes against guards only.

    With `config.profile` "stack-v2" guards and prior documents are treated alike, but of the others all go that have a
    better-ranked one in their component, whatever their similarity; it is stated as it is.

    With a column `normalised`, a document without keys goes for the best one of the same digest.

    Budget: per band key a document is compared with the first `config.max_kept_per_key` kept documents,
    and with all guards. It depends on ranks alone, so that results stay deterministic.

    Result: DUPLICATES sorted by `dropped`. Documents that share a band key are to be in one table;
    whether other components are in it does not matter. Time O(sum of the compared lists), at most
    bands * max_kept_per_key comparisons of a document (guards apart); memory 16 bytes per document
    and band beside the table.

    Raises InputError for nulls or a wrong number of band keys, IntegrityError if a blob occurs twice.
    """
    blobs, (blob,) = blob_ranks(documents["blob"])
    if len(blobs) != len(documents):
        first = blobs[int(np.argmax(np.bincount(blob) > 1))].as_py().hex()
        raise IntegrityError(
            f"near: expected each blob once, but blob {first} occurs again among {len(documents)} documents; "
            "exact deduplication and opt-out must come first"
        )
    guard, prior = _flags(documents, "guard"), _flags(documents, "prior")
    order = np.argsort(np.select([guard, prior], [0, 1], 2), kind="stable")
    guards, priors = int(guard.sum()), int((prior & ~guard).sum())
    keys = lists(documents["keys"], "keys")
    groups, group_starts = _groups(keys, config.bands)
    values, offsets = lists(documents["shingles"], "shingles")
    against = np.empty(len(documents), np.int64)
    similarity = np.zeros(len(documents), np.float64)
    verified = config.profile == "verified"
    hits = _greedy(
        order,
        guards,
        priors,
        groups,
        group_starts,
        offsets,
        values,
        config.threshold,
        config.max_kept_per_key if verified else 0,
        against,
        similarity,
    )
    if not verified:
        _, component = np.unique(ids(documents["component"]), return_inverse=True)
        _collapse(order, guards, priors, component, offsets, values, against, similarity)
        hits = 0
    same = _normalised(documents, order, guards, priors, np.diff(keys.offsets) == 0, against)
    similarity[same] = 1.0
    dropped = np.flatnonzero(against >= 0)
    dropped = dropped[np.argsort(blob[dropped])]
    names, components = contiguous(documents["blob"], "blob"), contiguous(documents["component"], "component")
    columns = [
        names.take(pa.array(dropped)),
        names.take(pa.array(order[against[dropped]])),
        pa.array(similarity[dropped]),
        components.take(pa.array(dropped)),
        pa.array(against[dropped] < guards),
        pa.array(same[dropped]),
    ]
    return Choice(pa.table(columns, schema=DUPLICATES), int(hits))
