"""Steps over the histories of an export's heads: revisions, the trees of all of them, and the dates of paths.

They run only where a source `swh` has `history = true`. The present does not wait for the past: nothing of it enters
the steps that list and fetch.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.commitment import load_key
from pipeline.engine.rows import ids
from pipeline.engine.step import Job, blob_buckets, origin_buckets
from pipeline.engine.storage import located
from pipeline.schema import FRONTIER, HISTORY, REVISIONS
from pipeline.stages.ingest.config import IngestConfig, SwhSource
from pipeline.stages.ingest.swh.export import GraphExport, OpenTable
from pipeline.stages.ingest.swh.history import Ancestry, read_history
from pipeline.stages.ingest.swh.listing import Forest
from pipeline.stages.ingest.swh.path_dates import PathDates, path_dates
from pipeline.stages.ingest.swh.persons import redacted_message
from pipeline.stages.ingest.swh.revisions import COLUMNS, described
from pipeline.stages.ingest.swh.steps import expand, lost_directories, swh_sources
from pipeline.stages.redact import steps as redact

if TYPE_CHECKING:
    from pipeline.config import Config


def is_needed(config: Config) -> bool:
    """Whether a configuration has a source `swh` of which the history is wanted."""
    return bool(_sources(config.ingest))


def _sources(config: IngestConfig) -> dict[int, SwhSource]:
    return {number: source for number, source in swh_sources(config).items() if source.history}


def _heads(job: Job, config: IngestConfig) -> pa.Table:
    """The heads that have a history to be told."""
    heads = job.read("ingest.heads/heads")
    of = pc.is_in(heads.column("source"), value_set=pa.array(list(_sources(config)), pa.int32()))
    return heads.filter(pc.and_(of, pc.is_valid(heads.column("revision"))))


def read_revisions(job: Job) -> None:
    """The graph of revisions behind the heads, and the roots of their trees, for the parts that need them."""
    heads = _heads(job, job.settings)
    found = [HISTORY.empty_table()]
    for number, source in _sources(job.settings).items():
        own = heads.filter(pc.equal(heads.column("source"), number))
        export = GraphExport(located(source.export, job.execution.storage))
        found.append(read_history(export.read, own.column("revision").to_pylist()))
    history = pa.concat_tables(found)
    # What several exports have is taken from the first.
    history = history.take(pa.array(np.unique(ids(history.column("revision")), return_index=True)[1]))
    job.write("revisions", history)
    ancestry = Ancestry(history)
    numbers = ancestry.numbers(ids(heads.column("revision")))
    parts = origin_buckets(heads.column("origin"), job.parts["origin"])
    for part in np.unique(parts).tolist():
        of_part = numbers[parts == part]
        reached = np.sort(ancestry.reached(of_part[of_part >= 0]))
        job.send("history", history.take(pa.array(reached)), np.full(len(reached), part))
        roots = ancestry.directories(reached)
        frontier = pa.table([roots, pa.repeat(pa.scalar(part, pa.int32()), len(roots))], schema=FRONTIER)
        job.send("frontier", frontier, blob_buckets(frontier.column("directory"), job.parts["directory"]))
    job.info["revisions"] = {"read": history.num_rows, "missing_heads": int((numbers < 0).sum())}


def walk_past(job: Job) -> None:
    """The walk again, from the roots of every revision: trees alone, as contents of the past are not fetched."""
    expand(job, "ingest.revisions/frontier", "ingest.past")


def date_paths(job: Job) -> None:
    """When each listed path of this part's heads was first seen and last changed."""
    heads = _heads(job, job.settings)
    listed = job.read("ingest.list/origins")
    # Another source may have listed an origin of the export.
    of_export = listed.filter(pc.equal(listed.column("kind"), "swh")).column("origin").combine_chunks()
    heads = heads.filter(pc.is_in(heads.column("origin"), value_set=of_export))
    if not heads.num_rows:
        return
    ancestry = Ancestry(job.read("ingest.revisions/history"))
    forest = Forest(job.read("ingest.past/tree"), lost_directories(job, "ingest.past/lost"))
    revisions = dict(zip(heads.column("origin").to_pylist(), heads.column("revision").to_pylist(), strict=True))
    messages: list[str] = []
    for origin, files in _by_origin(job.read("ingest.list/occurrences", ["origin", "path", "blob"])):
        if origin in revisions:
            found = path_dates(origin, revisions[origin], ancestry, forest, files.column("path").to_pylist())
            job.send("dates", found.rows, blob_buckets(files.column("blob"), job.parts["blob"]))
            messages += _messages(origin, found)
    job.info["messages"] = messages


def _by_origin(occurrences: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    ordered = occurrences.sort_by([("origin", "ascending"), ("path", "ascending")])
    runs = pc.run_end_encode(ordered.column("origin").combine_chunks())
    start = 0
    for end, origin in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
        yield origin, ordered.slice(start, end - start).combine_chunks()
        start = end


def _messages(origin: str, found: PathDates) -> Iterator[str]:
    if found.missing_parents:
        yield (
            f"{origin}: the export lacks {found.missing_parents} parents of its revisions, so paths may be older "
            "than their first_seen"
        )
    if found.undated_paths:
        yield (
            f"{origin}: {found.undated_paths} paths have no dates, because revisions or {found.lost_directories} "
            "directories of the history are not in the export"
        )


def describe_versions(settings: dict[str, Any]) -> dict[str, str]:
    return redact.step_versions(settings["redact"])


def describe(job: Job) -> None:
    """Some stripes of the table of revisions, as rows of the ledger. Memory: one stripe, and what is kept of all."""
    (item,) = job.items
    source = swh_sources(job.settings["ingest"])[item["source"]]
    ancestry = Ancestry(job.read("ingest.revisions/revisions"))
    key = load_key(job.settings["redact"].commitment_key)
    message = partial(redacted_message, key=key, scanner=redact.scanner_of(job.settings["redact"]))
    with OpenTable(located(source.export, job.execution.storage), item["table"], item["locator"]) as opened:
        units = range(item["first"], item["last"])
        found = [described(opened.read(unit, COLUMNS), ancestry, key, message) for unit in units]
    job.write("revisions", pa.concat_tables([REVISIONS.empty_table(), *found]))
