"""Opt-out: which occurrences a registry excludes. Pure: Arrow in, Arrow out."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.stages.optout.registry import Registry
from pipeline.swhid import BlobId


def excluded_by(occurrences: pa.Table, registry: Registry) -> pa.Array:
    """Per occurrence (columns origin, path, blob) the rule that excludes it, or null.

    Entries for an origin, an owner or a path exclude occurrences; entries for a blob exclude every copy of it.
    Memory: a few bytes per row; each distinct origin is looked up once.
    """
    origins = occurrences.column("origin").combine_chunks().dictionary_encode()
    names = origins.dictionary.to_pylist()
    by_origin = pa.array([registry.origin_rule(name) for name in names], pa.string())
    rules = by_origin.take(origins.indices)
    if registry.paths:
        rows = zip(occurrences.column("origin").to_pylist(), occurrences.column("path").to_pylist(), strict=True)
        paths = pa.array([registry.path_excluded(origin, path) for origin, path in rows], pa.bool_())
        rules = pc.if_else(pc.and_(pc.is_null(rules), paths), "optout_path", rules)
    if registry.blobs:
        blobs = occurrences.column("blob").to_pylist()
        hit = pa.array([BlobId(blob) in registry.blobs for blob in blobs], pa.bool_())
        rules = pc.if_else(pc.and_(pc.is_null(rules), hit), "optout_blob", rules)
    return rules
