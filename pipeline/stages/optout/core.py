"""Opt-out: which occurrences a registry excludes. Pure: Arrow in, Arrow out."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.rows import distinct, is_among
from pipeline.stages.license import names
from pipeline.stages.optout.registry import Registry, matches_any

COVERED = "a request in the opt-out registry covers it"


def excluded_by(occurrences: pa.Table, registry: Registry) -> pa.Array:
    """Per occurrence (columns origin, path, blob; these two may be null) the rule that excludes it, or null.

    Entries for an origin, an owner or a path exclude occurrences; entries for a blob exclude every copy of it.
    Where several hold, the first of optout_origin, optout_owner, optout_path, optout_blob is named. Each distinct
    origin is looked up once, and paths only where a glob holds in their origin. Memory: a few bytes per row.
    """
    origins = pa.array(occurrences.column("origin").to_pylist(), pa.string()).dictionary_encode()
    names = origins.dictionary.to_pylist()
    rules = pa.array([registry.origin_rule(name) for name in names], pa.string()).take(origins.indices)
    globs = [registry.path_patterns(name) for name in names]
    if any(globs):
        paths = occurrences.column("path").to_pylist()
        numbers = origins.indices.to_pylist()
        hits = [path is not None and matches_any(globs[n], path) for n, path in zip(numbers, paths, strict=True)]
        rules = pc.if_else(pc.and_(pc.is_null(rules), pa.array(hits, pa.bool_())), "optout_path", rules)
    if registry.blobs:
        blobs = occurrences.column("blob")
        hit = pc.is_in(blobs, value_set=pa.array(sorted(registry.blobs), blobs.type)).combine_chunks()
        rules = pc.if_else(pc.and_(pc.is_null(rules), hit), "optout_blob", rules)
    return rules


def guards(dropped: pa.Table, rules: pa.Array, kept: pa.Table) -> pa.Table:
    """The blobs (one column, sorted) whose near-copies must not take their place: nothing of them is left.

    Licence texts are no guards unless they were named by id: they are nobody's own, and nearly the same everywhere.
    """
    paths = dropped.column("path").to_pylist()
    own = [
        rule == "optout_blob" or names.kind_of(path) != names.LICENSE
        for rule, path in zip(rules.to_pylist(), paths, strict=True)
    ]
    gone = distinct(dropped.filter(pa.array(own, pa.bool_())).select(["blob"]))
    return gone.filter(pc.invert(is_among(gone.column("blob"), kept.column("blob"))))
