"""Steps over a graph export: origins to root directories, entries into buckets, the walk, and what contents there are.

They run only where a configuration has a source `swh`. What they hand on is by part of the origins, so that
ingest.list makes its listings as for any other source.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.artefacts import read_slice
from pipeline.engine.keys import digest_of, file_sha256
from pipeline.engine.rows import constant, distinct, is_among, positions, stack
from pipeline.engine.step import Job, Partitioning, blob_buckets, origin_buckets
from pipeline.engine.storage import located
from pipeline.schema import (
    ANSWERS,
    BYTES,
    COLLECTIONS,
    DIRECTORY_ENTRIES,
    DIRECTORY_MANIFESTS,
    FRONTIER,
    GRAPH_CONTENTS,
    HEADS,
)
from pipeline.stages.ingest.config import IngestConfig, SwhSource, is_sampled
from pipeline.stages.ingest.source import Listing, OriginInput, UnusableOrigin
from pipeline.stages.ingest.swh.errata import warnings_of
from pipeline.stages.ingest.swh.export import GraphExport, OpenTable, TableFile
from pipeline.stages.ingest.swh.heads import find_heads
from pipeline.stages.ingest.swh.listing import Forest, Known, listing
from pipeline.stages.ingest.swh.selection import read_origin_list
from pipeline.stages.ingest.swh.trees import Trees, by_directory, directory_slices, distinct_directories
from pipeline.stages.ingest.swh.walk import Walker

if TYPE_CHECKING:
    from pipeline.config import Config, ExecutionConfig

_SCANNED = ("directory_entry", "directory", "content", "skipped_content")
_MOST_BUCKETS = 65_536


def is_needed(config: Config) -> bool:
    """Whether a configuration has a source `swh`."""
    return bool(swh_sources(config.ingest))


def swh_sources(config: IngestConfig) -> dict[int, SwhSource]:
    return {number: source for number, source in enumerate(config.sources) if isinstance(source, SwhSource)}


def export_name(source: SwhSource) -> str:
    """What an export is called in a release."""
    parts = [part for part in PurePosixPath(source.export).parts if part not in ("orc", "parquet")]
    return source.name or (parts[-1] if parts else "export")


def discover(config: IngestConfig, execution: ExecutionConfig) -> tuple[list[dict[str, Any]], dict[Partitioning, int]]:
    """The inputs of the steps here, one per export and one per group of stripes, and how many parts there are."""
    items: list[dict[str, Any]] = []
    rows = 0
    for number, source in swh_sources(config).items():
        export = GraphExport(located(source.export, execution.storage))
        name = export_name(source)
        described = export.described()
        items.append(
            {
                "by": "one",
                "source": number,
                "name": name,
                "kind": "swh",
                "digest": digest_of([name, described, source.origin_list and file_sha256(Path(source.origin_list))]),
                "described": described,
                "warnings": warnings_of(name, described),
                "locator": source.export,
                "versions": sorted(f"{f.path} {f.version}" for files in export.tables.values() for f in files),
            }
        )
        for table in _SCANNED:
            files = sorted(export.tables.get(table, []), key=lambda file: (file.digest, file.path))
            items += [
                {"by": "stripe", **group} for file in files for group in _groups(number, file, execution.directory_rows)
            ]
        if source.history:
            # A revision is some twenty times as large as an entry.
            size = max(1, execution.directory_rows // 20)
            files = sorted(export.tables.get("revision", []), key=lambda file: (file.digest, file.path))
            items += [{"by": "revision", **group} for file in files for group in _groups(number, file, size)]
        rows += sum(file.rows for file in export.tables["directory_entry"])
    buckets = 1
    while buckets < _MOST_BUCKETS and buckets * execution.directory_rows < rows:
        buckets *= 2
    return items, {"directory": buckets}


def _groups(source: int, file: TableFile, rows: int) -> Iterator[dict[str, Any]]:
    """A file's stripes in runs of about `rows` rows."""
    size = max(1, int(rows * file.units / max(file.rows, 1)))
    for first in range(0, file.units, size):
        last = min(first + size, file.units)
        about = {
            "source": source,
            "kind": "swh",
            "table": file.table,
            "first": first,
            "last": last,
            "digest": [file.digest, file.version],
        }
        yield about | {"locator": file.path}


def heads(job: Job) -> None:
    """The origins that are taken, each with the root directory of its visit, or why it has none."""
    config: IngestConfig = job.settings
    found = [HEADS.empty_table()]
    exports = swh_sources(config)
    for item in job.items:
        if item["kind"] != "swh":
            continue
        source = exports[item["source"]]
        listed = read_origin_list(Path(source.origin_list)) if source.origin_list else None
        export = GraphExport(located(source.export, job.execution.storage))
        found.append(find_heads(export.read, source, item["source"], listed, lambda url: is_sampled(url, config)))
    # An origin in two exports is listed once: by the later visit, then the first source.
    table = pa.concat_tables(found).sort_by(
        [("origin", "ascending"), ("rule", "ascending"), ("visit_date", "descending"), ("source", "ascending")]
    )
    first = np.unique(table.column("origin").combine_chunks().dictionary_encode().indices, return_index=True)[1]
    table = table.take(pa.array(np.sort(first)))
    job.send_by_origin("heads", table)
    usable = table.filter(pc.is_null(table.column("rule")))
    parts = origin_buckets(usable.column("origin"), job.parts["origin"])
    frontier = pa.table([usable.column("directory"), pa.array(parts, pa.int32())], schema=FRONTIER)
    job.send("frontier", frontier, blob_buckets(frontier.column("directory"), job.parts["directory"]))
    about = [{name: i[name] for name in ("name", "kind", "warnings")} | i["described"] for i in job.items]
    job.write("collections", pa.table([[json.dumps(one, sort_keys=True) for one in about]], schema=COLLECTIONS))
    job.info["messages"] = [f"{item['name']}: {text}" for item in job.items for text in item["warnings"]]


def scan(job: Job, item: dict[str, Any]) -> None:
    """One group of stripes, each row into its bucket. Memory: one stripe, and what waits to be written."""
    source = swh_sources(job.settings)[item["source"]]
    table: str = item["table"]
    with OpenTable(located(source.export, job.execution.storage), table, item["locator"]) as opened:
        for unit in range(item["first"], item["last"]):
            _SCANS[table](job, opened, unit, item["source"], source)


def _scan_entries(job: Job, opened: OpenTable, unit: int, number: int, source: SwhSource) -> None:
    rows = opened.read(unit, ("directory_id", "name", "perms", "target"))
    entries = rows.set_column(2, "perms", rows.column("perms").cast(pa.int32())).rename_columns(DIRECTORY_ENTRIES.names)
    job.send("entries", entries, blob_buckets(entries.column("directory"), job.parts["directory"]))


def _scan_manifests(job: Job, opened: OpenTable, unit: int, number: int, source: SwhSource) -> None:
    rows = opened.read(unit, ("id", "raw_manifest")).rename_columns(DIRECTORY_MANIFESTS.names)
    rows = rows.filter(pc.is_valid(rows.column("manifest")))
    job.send("manifests", rows, blob_buckets(rows.column("directory"), job.parts["directory"]))


def _scan_contents(job: Job, opened: OpenTable, unit: int, number: int, source: SwhSource) -> None:
    inline = source.contents is None
    columns = ("sha1_git", "sha1", "sha256", "blake2s256", "length", "status", *(("data",) if inline else ()))
    rows = opened.read(unit, columns)
    count = rows.num_rows
    about = {
        "blob": rows.column("sha1_git"),
        "source": constant(number, count, pa.int32()),
        **{name: rows.column(name) for name in ("sha1", "sha256", "blake2s256", "length", "status")},
        "reason": pa.nulls(count, pa.string()),
    }
    job.send_by_blob("contents", pa.table([about[name] for name in GRAPH_CONTENTS.names], schema=GRAPH_CONTENTS))
    if inline:
        data = pa.table([rows.column("sha1_git"), rows.column("data").cast(pa.large_binary())], names=BYTES.names)
        job.send_by_blob("spool", data.filter(pc.is_valid(data.column("data"))))


def _scan_skipped(job: Job, opened: OpenTable, unit: int, number: int, source: SwhSource) -> None:
    names = ("sha1_git", "sha1", "sha256", "blake2s256", "length", "reason")
    rows = opened.read(unit, names)
    count = rows.num_rows
    about = {name: rows.column(name) for name in names[1:]} | {
        "blob": rows.column("sha1_git"),
        "source": constant(number, count, pa.int32()),
        "status": constant("absent", count, pa.string()),
    }
    table = pa.table([about[name] for name in GRAPH_CONTENTS.names], names=GRAPH_CONTENTS.names)
    job.send_by_blob("contents", table.filter(pc.is_valid(table.column("blob"))))


_SCANS: Mapping[str, Any] = {
    "directory_entry": _scan_entries,
    "directory": _scan_manifests,
    "content": _scan_contents,
    "skipped_content": _scan_skipped,
}


def sort_trees(job: Job) -> None:
    """The entries of this bucket's directories, sorted and cut into slices."""
    entries = by_directory(job.read("ingest.scan/entries"))
    directories = distinct_directories(entries)
    job.write("directories", pa.table([directories], names=["directory"]))
    slices = directory_slices(entries.column("directory"), job.parts["directory"])
    job.send("trees", entries, slices)


def walk(job: Job) -> None:
    """Expand the directories that were sent to this bucket, and what they lead to in it. Memory: the slices that hold
    them, at most the bucket."""
    expand(job, "ingest.heads/frontier", "ingest.walk")


def expand(job: Job, frontier: str, own: str) -> None:
    """A round of a walk that begins at the input `frontier`, by the step called `own`, whose outputs are tree, lost,
    frontier, seen and, where it is asked which contents there are, reached."""
    slices = job.slices("ingest.sort/trees")

    @cache  # later waves come back to most slices
    def read(number: int) -> pa.Table | None:
        return read_slice(slices[number][0]) if number in slices else None

    directories = job.read("ingest.sort/directories").column("directory").combine_chunks()
    stated = job.read("ingest.scan/manifests")
    manifests = dict(zip(stated.column("directory").to_pylist(), stated.column("manifest").to_pylist(), strict=True))
    walker = Walker(
        Trees(directories, job.parts["directory"], read), job.part, job.parts.get("blob"), manifests, job.send
    )
    walker.know(job.read(f"{own}/seen"))
    job.write("seen", walker.walk(job.read(f"{own}/frontier" if job.round else frontier)))
    job.info["expanded"] = {"directories": walker.expanded, "entries": walker.entries}


def lost_directories(job: Job, name: str) -> dict[bytes, tuple[str, str]]:
    """Of each directory that a walk could not expand, rule and reason."""
    return {row["directory"]: (row["rule"], row["reason"]) for row in job.read(name).to_pylist()}


def locate(job: Job) -> None:
    """What the exports know about each reached content of this bucket: kept for fetching, and told to who asked."""
    reached = stack([job.read("ingest.walk/reached"), job.read("ingest.scan/reached")])
    pieces = (p.filter(is_among(p.column("blob"), reached.column("blob"))) for p in job.pieces("ingest.scan/contents"))
    known = best_known(pa.concat_tables([GRAPH_CONTENTS.empty_table(), *pieces]))
    job.write("contents", known)
    asked = reached.group_by(["blob", "part"]).aggregate([]) if reached.num_rows else reached
    place = positions(asked.column("blob"), known.column("blob"))
    answered = asked.filter(pc.is_valid(place))
    answers = known.take(place.drop_null()).select(ANSWERS.names)
    job.send("answers", answers, answered.column("part").to_numpy())


def best_known(contents: pa.Table) -> pa.Table:
    """One row per blob (schema GRAPH_CONTENTS), sorted: hidden wherever an export hides it, else visible before absent;
    then the first source."""
    order = pc.index_in(contents.column("status"), value_set=pa.array(["hidden", "visible", "absent"]))
    keyed = contents.append_column("order", pc.fill_null(order, 0))
    keys = ("blob", "order", "source", "length", "sha1", "sha256", "reason")
    ordered = keyed.sort_by([(key, "ascending") for key in keys]).drop_columns(["order"])
    return distinct(ordered)


def listings(job: Job) -> Iterator[tuple[OriginInput, Listing | UnusableOrigin]]:
    """The listing of each of this part's heads."""
    found = job.read("ingest.heads/heads")
    if not found.num_rows:
        return
    forest = Forest(job.read("ingest.walk/tree"), lost_directories(job, "ingest.walk/lost"))
    answers = job.read("ingest.locate/answers")
    contents = {
        blob: Known(*about)
        for blob, *about in zip(*(answers.column(name).to_pylist() for name in ANSWERS.names), strict=True)
    }
    for name in ("visit_date", "revision_date"):
        place = found.column_names.index(name)
        found = found.set_column(place, name, found.column(name).cast(pa.int64()))
    for head in found.to_pylist():
        yield listing(head, forest, contents, job.settings["ingest"])
