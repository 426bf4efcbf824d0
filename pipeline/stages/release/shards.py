"""A shard: one Parquet file, the same bytes for the same rows on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.manifest.digests import body_sha256, content_root, row_digests
from pipeline.manifest.model import Entry
from pipeline.schema import INDEX, LEDGERS
from pipeline.stages.release.account import merge_hidden
from pipeline.stages.release.config import ReleaseConfig

# Columns whose values repeat: a dictionary pays only there.
_REPEATING = (
    "origin", "repo_name", "license_type", "license_expression", "evidence_id", "header_evidence_id", "language",
    "or_choice", "notice", "language_type", "language_group", "language_method", "extension", "src_encoding", "stage",
    "encoding_method", "rule", "reason", "source", "matcher", "cls", "zone",
    "detector", "detector_version", "kind", "snapshot_id", "revision_id", "directory_id", "branch_name",
    "first_seen_revision", "last_changed_revision", "type", "author", "author_offset", "committer", "committer_offset",
    "message_encoding",
)  # fmt: skip
_REPEATING_LISTS = ("detected_licenses", "license_texts", "copyrights", "copyright_holders")
DATA_ORDER = ("origin", "path", "path_bytes")


def ordered(table: pa.Table, name: str) -> pa.Table:
    """The rows of a data shard or ledger in their total order; ledger rows that several parts wrote alike, once."""
    keys = DATA_ORDER if name == "data" else LEDGERS[name][1]
    if name == "decisions":
        table = merge_hidden(table)
    table = table.take(pc.sort_indices(table, sort_keys=[(key, "ascending") for key in keys])).combine_chunks()
    return _without_repeats(table) if name in ("evidence", "licenses", "revisions") else table


def _without_repeats(table: pa.Table) -> pa.Table:
    keep, last = [], None
    for number, row in enumerate(row_digests(table)):
        if row != last:
            keep.append(number)
        last = row
    return table.take(pa.array(keep, pa.int64()))


def write_shard(path: Path, table: pa.Table, config: ReleaseConfig) -> None:
    """Write rows, already in order, so that bytes depend on rows and settings alone."""
    table.validate(full=True)
    schema = table.schema
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=config.compression_level,
        version="2.6",
        use_dictionary=[
            *(name for name in _REPEATING if name in schema.names),
            *(f"{name}.list.element" for name in _REPEATING_LISTS if name in schema.names),
        ],
        write_page_index=True,
        write_page_checksum=True,
        use_content_defined_chunking=True,
        store_schema=True,
    ) as writer:
        writer.write_table(table.combine_chunks(), row_group_size=config.row_group_rows)


def entry_of(path: Path, released_path: str, name: str, table: pa.Table, sha256: str, place: dict[str, Any]) -> Entry:
    """The manifest's line for a written shard, with what the card counts; `place` may hold more that is known of it."""
    stats: dict[str, Any] = {}
    if name == "data":
        stats["text_bytes"] = pc.sum(pc.binary_length(table.column("content").cast(pa.large_binary()))).as_py() or 0
        stats["licenses"] = _tally(table, "license_expression")
    if name == "redactions":
        stats["classes"] = _tally(table, "cls")
    return Entry(
        path=released_path,
        table=name,
        bytes=path.stat().st_size,
        sha256=sha256,
        rows=table.num_rows,
        body_sha256=body_sha256(path),
        content_root=content_root(list(row_digests(table))),
        **place,
        **stats,
    )


def _tally(table: pa.Table, column: str) -> dict[str, int]:
    counted = table.group_by(column).aggregate([([], "count_all")])
    pairs = zip(counted.column(column).to_pylist(), counted.column("count_all").to_pylist(), strict=True)
    return {name or "": number for name, number in sorted(pairs, key=lambda pair: pair[0] or "")}


def index_rows(table: pa.Table, shard: str) -> pa.Table:
    """What finds a released row again without reading texts (schema INDEX)."""
    return pa.table(
        [
            table.column("swhid"),
            table.column("origin"),
            table.column("path"),
            pa.array([shard] * table.num_rows, pa.string()),
            pa.array(list(row_digests(table)), pa.binary(32)),
        ],
        schema=INDEX,
    )
