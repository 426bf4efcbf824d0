"""The steps of exact: find repositories that are copies of others, and keep one occurrence of each blob."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.engine.step import Job
from pipeline.schema import OCCURRENCES
from pipeline.stages.decisions import decisions
from pipeline.stages.exact import directories, repositories
from pipeline.stages.exact.core import keep_one
from pipeline.stages.exact.directories import SHARED_TREES, TREES
from pipeline.stages.exact.repositories import DROPPED_ORIGINS, SHARES, SIZES
from pipeline.stages.near.prior import prior_identity
from pipeline.swhid import TreeEntry, parse_swhid

__all__ = ["DROPPED_ORIGINS", "ORIGIN_NAMES", "PLACES", "SHARED_TREES", "SHARES", "SIZES", "TREES"]

ORIGIN_NAMES = pa.schema([OCCURRENCES.field("origin")])
PLACES = pa.schema([OCCURRENCES.field("origin"), OCCURRENCES.field("path")])


def compares_repositories(config: Any) -> bool:
    return bool(config.near.enabled and config.near.repositories != "off")


def repository_settings(config: Any) -> dict[str, Any]:
    names = ("repositories", "repository_containment", "prior")
    return {name: getattr(config.near, name) for name in names}


def prior_versions(settings: dict[str, Any]) -> dict[str, str]:
    """The earlier release's root: what it has of an origin stays."""
    drops = settings["repositories"] == "drop" and settings["prior"] is not None
    return {"prior": prior_identity(settings["prior"])} if drops else {}


def share(job: Job) -> None:
    """How many contents of this bucket each two origins share."""
    shared, sizes = repositories.shares(job.read("screen.scan/kept"))
    job.write("shares", shared)
    job.write("sizes", sizes)

    # An opt-out is seen from what is missing: decisions do not name who opted out.
    before, after = (job.read(name, PLACES.names) for name in ("license.decide/kept", "optout.apply/kept"))
    job.send_by_origin("left", after.group_by("origin").aggregate([]))
    if before.num_rows > after.num_rows:
        gone = before.join(after, PLACES.names, join_type="left anti")
        job.send_by_origin("gone", gone.select(PLACES.names))


def find_trees(job: Job) -> None:
    """The directories of the origins of which licence and opt-out left anything."""
    left = set(job.read("exact.share/left").column("origin").to_pylist())
    without: dict[str, set[bytes]] = {origin: set() for origin in left}
    for name in ("exact.share/gone", "ingest.list/decisions"):
        for row in job.read(name, PLACES.names).to_pylist():
            if row["origin"] in left and row["path"] is not None:
                without[row["origin"]].add(row["path"])
    about = {row["origin"]: row for row in job.read("ingest.list/origins").to_pylist() if row["origin"] in left}
    files: dict[str, list[TreeEntry]] = {origin: [] for origin in about}
    occurrences = job.read("ingest.list/occurrences", ["origin", "path", "mode", "blob"])
    for origin, path, mode, blob in zip(*(column.to_pylist() for column in occurrences.columns), strict=True):
        if origin in files:
            files[origin].append(TreeEntry(path, mode, blob))
    for origin, entries in files.items():
        known = {"origin": origin, "stars": about[origin]["stars"], "date": about[origin]["revision_date"]}
        rows = directories.trees(known, entries, without[origin])
        job.send_by_blob("trees", pa.Table.from_pylist(rows, schema=TREES), "directory")


def share_trees(job: Job) -> None:
    """Which directories of this bucket several origins have."""
    job.write("shared", directories.shared_trees(job.read("exact.trees/trees")))


def find_copies(job: Job) -> None:
    """Which repositories are copies of others; and, where that is wanted, which of them go as a whole."""
    wanted = job.settings
    shared, sizes = repositories.summed(job.read("exact.share/shares"), job.read("exact.share/sizes"))
    listing = job.read("ingest.list/origins", ["origin", "directory", "fork_of", "revision", "root_revision", "listed"])
    heads = [parse_swhid(revision)[1] if revision else None for revision in listing.column("revision").to_pylist()]
    walked = repositories.root_revisions(job.read("ingest.revisions/revisions"), heads)
    said = listing.column("root_revision").to_pylist()
    roots = [root or (parse_swhid(own)[1] if own else None) for root, own in zip(walked, said, strict=True)]
    origins = listing.append_column("root", pa.array(roots, pa.binary(20)))
    found = repositories.copies(shared, sizes, origins, wanted["repository_containment"])
    job.send_by_blob("duplicates", repositories.as_duplicates(found, origins), "dropped")
    listed = dict(zip(listing.column("origin").to_pylist(), listing.column("listed").to_pylist(), strict=True))
    shared_trees = job.read("exact.directories/shared")
    job.send_by_blob("duplicates", directories.as_duplicates(shared_trees, found, listed), "dropped")
    if wanted["repositories"] == "drop":
        before = _released_before(wanted["prior"])
        job.write("dropped", repositories.whole_copies(found, wanted["repository_containment"], before))


def _released_before(prior: str | None) -> set[str]:
    if prior is None:
        return set()
    index = pq.read_table(Path(prior) / "index" / "released.parquet", columns=["origin"])
    return set(pc.unique(index.column("origin")).to_pylist())


def keep(job: Job) -> None:
    """Of what is in no duplicate repository, one occurrence of each blob."""
    occurrences = job.read("screen.scan/kept")
    dropped = job.read("exact.repositories/dropped")
    place = pc.index_in(occurrences.column("origin"), value_set=dropped.column("origin").combine_chunks())
    gone = occurrences.filter(pc.is_valid(place))
    reasons = dropped.column("reason").take(place.drop_null()).combine_chunks()
    rules = pa.array(["duplicate_repository"] * gone.num_rows, pa.string())
    job.send_by_origin("decisions", decisions(gone, "exact", rules, reasons))
    kept, copies = keep_one(occurrences.filter(pc.is_null(place)))
    job.write("kept", kept)
    job.send_by_origin("copies", copies)
    job.counts.taken, job.counts.passed, job.counts.merged = occurrences.num_rows, kept.num_rows, copies.num_rows
    job.drop(rules.to_pylist())
