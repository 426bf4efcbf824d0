"""Steps of near: band keys, edges, components, exact Jaccard within components, and what is left.

Components are found on one node: 20 bytes an id and 4 bytes a union-find entry for each clustered blob.
Texts are read twice, once for band keys and once, of the clustered blobs alone, for shingles.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.keys import file_sha256
from pipeline.engine.rows import constant, ids, is_among, positions, stack
from pipeline.engine.step import Job, blob_buckets
from pipeline.errors import ConfigError
from pipeline.rank import ranked
from pipeline.schema import BLOB, NEAR_DOCUMENTS, SURVIVORS
from pipeline.stages.decisions import decisions
from pipeline.stages.near import versions as kernel
from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.components import components, star_edges
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.shingles import shingles
from pipeline.stages.near.tables import BAND_ROWS, DUPLICATES, EDGES, MEMBERS
from pipeline.stages.near.verify import choose

__all__ = ["BAND_ROWS", "DUPLICATES", "EDGES", "MEMBERS"]


def versions(config: NearConfig) -> dict[str, str]:
    return kernel.versions()


def document_versions(config: NearConfig) -> dict[str, str]:
    """With the digest of the prior release's index, which decides who ranks first."""
    if config.prior is None:
        return versions(config)
    index = Path(config.prior) / "index" / "released.parquet"
    if not index.is_file():
        raise ConfigError(f"near.prior: {config.prior} is no release: it has no index/released.parquet")
    return versions(config) | {"prior": file_sha256(index)}


def bands(job: Job) -> None:
    """Band keys of the kept blobs and of the guards, to their band buckets."""
    config: NearConfig = job.settings
    if not config.enabled:
        return
    wanted = stack([job.read("exact.keep/kept", ["blob"]), job.read("optout.apply/guards")])
    for contents in job.pieces("ingest.fetch/contents"):
        here = contents.filter(is_among(contents.column("blob"), wanted.column("blob"))).combine_chunks()
        for batch in here.to_batches(max_chunksize=2000):
            rows = band_rows(batch.column("blob"), batch.column("text"), config)
            keys = rows.column("key").to_numpy()
            job.send("rows", rows, (keys >> np.uint64(48)).astype(np.int64) * job.parts["band"] >> 16)


def edges(job: Job) -> None:
    """In each band, blobs with one key are joined to the smallest of them."""
    job.write("edges", star_edges(job.read("near.bands/rows")))


def find_components(job: Job) -> None:
    """Which blobs hang together. A component is released under its name, so that is never a guard's id."""
    members = components(job.read("near.edges/edges"))
    guarding = is_among(members.column("blob"), job.read("optout.apply/guards").column("blob"))
    others = members.filter(pc.invert(guarding))
    # Members come sorted by blob: the first of a component is its smallest.
    old, first = np.unique(ids(others.column("component")), return_index=True)
    renamed = pa.array([bytes(name) for name in old], BLOB)
    place = pc.index_in(members.column("component"), value_set=renamed)
    names = others.column("blob").take(pa.array(first)).take(place)
    component = pc.coalesce(names, members.column("component"))
    job.send_by_blob("members", members.set_column(1, MEMBERS.field("component"), component))


def documents(job: Job) -> None:
    """What the choice needs of each clustered blob: rank, shingles and band keys."""
    config: NearConfig = job.settings
    members = job.read("near.components/members")
    if not members.num_rows:
        return
    kept = job.read("exact.keep/kept")
    guards = job.read("optout.apply/guards")
    prior = _prior_blobs(config)
    for contents in job.pieces("ingest.fetch/contents"):
        here = contents.filter(is_among(contents.column("blob"), members.column("blob"))).combine_chunks()
        for batch in here.to_batches(max_chunksize=2000):
            blobs = batch.column("blob")
            member = members.take(positions(pa.chunked_array([blobs]), members.column("blob")))
            of_kept = kept.take(positions(pa.chunked_array([blobs]), kept.column("blob")))
            keyed = band_rows(blobs, batch.column("text"), config)
            table = pa.table(
                {
                    "blob": blobs,
                    "component": member.column("component"),
                    "guard": is_among(pa.chunked_array([blobs]), guards.column("blob")),
                    "prior": is_among(pa.chunked_array([blobs]), prior),
                    **{name: of_kept.column(name) for name in ("license_type", "stars", "date", "origin", "path")},
                    "shingles": shingles(blobs, batch.column("text"), config).column("shingles"),
                    "keys": _keys_by_document(keyed, len(blobs), config.bands),
                }
            ).cast(NEAR_DOCUMENTS)
            job.send("documents", table, blob_buckets(table.column("component"), job.parts["component"]))


def _keys_by_document(rows: pa.Table, documents: int, bands: int) -> pa.Array:
    # Every clustered document has all of its bands, and rows come document by document in band order.
    if rows.num_rows != documents * bands:
        raise AssertionError(f"{rows.num_rows} band rows for {documents} documents of {bands} bands")
    offsets = pa.array(np.arange(documents + 1, dtype=np.int32) * bands)
    return pa.ListArray.from_arrays(offsets, rows.column("key").combine_chunks())


def _prior_blobs(config: NearConfig) -> pa.ChunkedArray:
    if config.prior is None:
        return pa.chunked_array([pa.array([], BLOB)])
    import pyarrow.parquet as pq

    table = pq.read_table(Path(config.prior) / "index" / "released.parquet", columns=["swhid"])
    hexes = (swhid.rpartition(":")[2] for swhid in table.column("swhid").to_pylist())
    return pa.chunked_array([pa.array([bytes.fromhex(h) for h in hexes], BLOB)])


def choose_kept(job: Job) -> None:
    """Within each component, drop what is near a better file that is kept."""
    table = ranked(job.read("near.documents/documents"))
    choice = choose(table, job.settings)
    job.send_by_blob("dropped", choice.dropped, "dropped")
    job.info["budget_hits"] = choice.budget_hits


def apply(job: Job) -> None:
    """The survivors of this bucket, and a decision for each blob that near dropped."""
    kept = job.read("exact.keep/kept")
    dropped = job.read("near.choose/dropped")
    members = job.read("near.components/members")
    place = positions(kept.column("blob"), dropped.column("dropped"))
    cluster = members.column("component").take(positions(kept.column("blob"), members.column("blob")))
    kept = kept.append_column(SURVIVORS.field("cluster"), cluster)
    survivors, gone = kept.filter(pc.is_null(place)), kept.filter(pc.is_valid(place))
    why = dropped.take(place.drop_null())
    guard = why.column("against_guard")
    rules = pc.if_else(guard, "near_guard", "near_duplicate").combine_chunks()
    reasons = pc.if_else(
        guard,
        "a near-copy of something that opted out",
        pc.binary_join_element_wise(
            "Jaccard similarity ",
            pc.round(why.column("jaccard"), 4).cast(pa.string()),
            " with a better ranked file",
            "",
        ),
    ).combine_chunks()
    # What opted out is not named.
    twins = pc.if_else(guard, pa.scalar(None, BLOB), why.column("kept")).combine_chunks()
    job.send_by_origin("decisions", decisions(gone, "near", rules, reasons, duplicate_of=twins))
    open_pairs = why.filter(pc.invert(guard))
    job.write(
        "duplicates",
        pa.table(
            [
                open_pairs.column("dropped"),
                open_pairs.column("kept"),
                constant("near", open_pairs.num_rows, pa.string()),
                open_pairs.column("jaccard"),
                open_pairs.column("component"),
            ],
            names=["dropped", "kept", "kind", "jaccard", "component"],
        ),
    )
    job.write("kept", survivors.sort_by("blob"))
    job.counts.taken, job.counts.passed = kept.num_rows, survivors.num_rows
    job.drop(rules.to_pylist())
