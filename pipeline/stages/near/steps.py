"""Steps of near: band keys, edges, components, exact Jaccard within components, and what is left.

Components are found on one node: 20 bytes an id and 4 bytes a union-find entry for each clustered blob.
Texts are read twice, once for band keys that no earlier run left in the facts, and once, of the clustered blobs alone,
for shingles. With an earlier release, only what is new is looked up, compared and decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import schema as s
from pipeline.engine.rows import constant, ids, is_among, positions, stack
from pipeline.engine.step import Job
from pipeline.rank import ranked
from pipeline.schema import BLOB, BLOBS, NEAR_DOCUMENTS, SURVIVORS
from pipeline.stages.decisions import decisions
from pipeline.stages.near import prior
from pipeline.stages.near import versions as kernel
from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.components import components, star_edges
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.key_store import Blobs, KeyStore, blob_array
from pipeline.stages.near.normalised import DIGEST, digests, identity_rows
from pipeline.stages.near.pieces import giants, in_pieces
from pipeline.stages.near.reasons import NORMALISED, likeness
from pipeline.stages.near.shingles import shingles
from pipeline.stages.near.tables import BAND_ROWS, DUPLICATES, EDGES, GIANTS, MEMBERS, PRIOR_PAIRS, PRIORS, SETTLED
from pipeline.stages.near.verify import choose

__all__ = ["BAND_ROWS", "DUPLICATES", "EDGES", "GIANTS", "MEMBERS", "PRIORS", "PRIOR_PAIRS", "SETTLED"]


def versions(config: NearConfig) -> dict[str, str]:
    return kernel.versions()


def prior_versions(config: NearConfig) -> dict[str, str]:
    """The earlier release's root, which says all about it."""
    return {} if config.prior is None else {"prior": prior.prior_identity(config.prior)}


def follows_a_release(config: Any) -> bool:
    return config.near.enabled and config.near.prior is not None


def recall(job: Job) -> None:
    """What the earlier release has, to the buckets of its files, and what it dropped, to those of what it kept."""
    config: NearConfig = job.settings
    assert config.prior is not None
    for table in prior.released(config.prior):
        job.send_by_blob("released", table)
    for table in prior.pairs(config.prior, config):
        job.send_by_blob("pairs", table, "kept")


def stand(job: Job) -> None:
    """Which files of the earlier release are here again, and which of its pairs therefore hold on."""
    kept = job.read("exact.keep/kept", ["blob"]).column("blob")
    released = job.read("near.recall/released")
    here = released.filter(is_among(released.column("blob"), kept))
    pairs = job.read("near.recall/pairs")
    job.write("priors", here.sort_by("blob"))
    job.send_by_blob("pairs", pairs.filter(is_among(pairs.column("kept"), here.column("blob"))), "dropped")


def _settled(job: Job) -> pa.Table:
    """SETTLED of this bucket: what the earlier release has, and what it dropped for that."""
    kept = job.read("exact.keep/kept", ["blob"]).column("blob")
    priors, pairs = job.read("near.stand/priors"), job.read("near.stand/pairs")
    pairs = pairs.filter(is_among(pairs.column("dropped"), kept))
    columns = [
        [priors.column("blob"), priors.column("component")],
        [pairs.column("dropped"), pairs.column("component")],
    ]
    tables = [
        pa.table([*columns[dropped], constant(bool(dropped), len(columns[dropped][0]), pa.bool_())], schema=SETTLED)
        for dropped in (0, 1)
    ]
    return pa.concat_tables(tables)


def _documents(job: Job, wanted: pa.ChunkedArray) -> Iterator[pa.Table]:
    """`blob` and `text` of the wanted contents, some thousand at a time."""
    if not len(wanted):
        return
    for here in job.pieces("ingest.fetch/contents", ["blob", "text"], wanted):
        for start in range(0, here.num_rows, 2000):
            yield here.slice(start, 2000)


def _keyed(job: Job, wanted: pa.ChunkedArray, *, normalised: bool = False) -> Iterator[pa.Table]:
    """BAND_ROWS of the wanted blobs, or of their normalised contents: from the store, else computed and stored."""
    store = KeyStore(job.execution.facts_folder, job.settings, normalised=normalised)
    known, missing = store.known(wanted)
    yield known
    yield from _signed(job, store, missing, normalised=normalised)


def _signed(job: Job, store: KeyStore, missing: Blobs, *, normalised: bool = False) -> Iterator[pa.Table]:
    """BAND_ROWS of blobs whose keys are not stored; then they are."""
    config: NearConfig = job.settings
    fresh, blobs = [BAND_ROWS.empty_table()], [BLOBS.empty_table()]
    for batch in _documents(job, pa.chunked_array([blob_array(missing)])):
        blob, text = batch.column("blob"), batch.column("text")
        rows = identity_rows(blob, text) if normalised else band_rows(blob, text, config)
        fresh.append(rows)
        blobs.append(batch.select(["blob"]))
        yield rows
    store.add(pa.concat_tables(fresh), stack(blobs).column("blob"))


def _identities(config: NearConfig, rows: pa.Table) -> pa.Table:
    """Rows of normalised contents as those of one more band."""
    band = constant(config.bands, rows.num_rows, pa.uint16())
    return rows.set_column(0, BAND_ROWS.field("band"), band)


def bands(job: Job) -> None:
    """Band keys of the kept blobs and of the guards, to their band buckets; of what is settled they are only stored."""
    config: NearConfig = job.settings
    if not config.enabled:
        return
    settled = _settled(job)
    wanted = stack([job.read("exact.keep/kept", ["blob"]), job.read("optout.apply/guards")])
    active = wanted.filter(pc.invert(is_among(wanted.column("blob"), settled.column("blob"))))
    for normalised in (False, True) if config.normalised else (False,):
        store = KeyStore(job.execution.facts_folder, config, normalised=normalised)
        for _ in _signed(job, store, store.missing(settled.column("blob")), normalised=normalised):
            pass
        for rows in _keyed(job, active.column("blob"), normalised=normalised):
            table = _identities(config, rows) if normalised else rows
            keys = table.column("key").to_numpy()
            job.send("rows", table, (keys >> np.uint64(48)).astype(np.int64) * job.parts["band"] >> 16)


def edges(job: Job) -> None:
    """In each band, blobs with one key are joined; of these edges as many go on as the bucket's components need."""
    rows = job.read("near.bands/rows")
    job.write("edges", star_edges(rows))
    if job.settings.prior is not None:
        job.write("active", rows)


def meet(job: Job) -> None:
    """What is settled is joined to what is new where they share a key; what is settled is not joined to its like."""
    config: NearConfig = job.settings
    active = job.read("near.edges/active")
    table = _settled(job)
    job.write("settled", table)
    settled = table.column("blob")
    met = _meeting(job, settled, active.filter(pc.less(active.column("band"), config.bands)))
    if config.normalised:
        identities = active.filter(pc.equal(active.column("band"), config.bands))
        identities = identities.set_column(0, "band", constant(0, identities.num_rows, pa.uint16()))
        found = _meeting(job, settled, identities.cast(BAND_ROWS), normalised=True)
        met = pa.concat_tables([met, _identities(config, found)])
    groups = active.filter(is_among(active.column("key"), met.column("key")))
    job.write("edges", star_edges(pa.concat_tables([groups, met])))


def _meeting(job: Job, settled: pa.ChunkedArray, active: pa.Table, *, normalised: bool = False) -> pa.Table:
    store = KeyStore(job.execution.facts_folder, job.settings, normalised=normalised)
    for _ in _signed(job, store, store.missing(settled), normalised=normalised):
        pass
    return store.meeting(settled, active)


def find_components(job: Job) -> None:
    """Which blobs hang together, and which of them are to be decided in this run.

    With an earlier release its clusters are taken as they are. Of what is settled, only what meets something new is
    decided (new files against it), or anew all of a cluster in which a guard is. A component is released under its
    name, so that is the id of a file that is here, and never a guard's.
    """
    guards = job.read("optout.apply/guards").column("blob")
    new = stack([job.read("near.edges/edges"), job.read("near.meet/edges")])
    settled = job.read("near.meet/settled")
    clustered = settled.filter(pc.is_valid(settled.column("component")))
    links = clustered.select(["blob", "component"]).rename_columns(["low", "high"])
    members = components(stack([new, links]))
    met = stack([new.select([end]).rename_columns(["blob"]) for end in ("low", "high")]).column("blob")
    here = pc.or_(is_among(members.column("blob"), met), is_among(members.column("blob"), clustered.column("blob")))
    members = members.filter(here)
    guarding = is_among(members.column("blob"), guards)
    others = members.filter(pc.invert(guarding))
    # Members come sorted by blob: the first of a component is its smallest.
    old, first = np.unique(ids(others.column("component")), return_index=True)
    renamed = pa.array([bytes(name) for name in old], BLOB)
    place = pc.index_in(members.column("component"), value_set=renamed)
    names = others.column("blob").take(pa.array(first)).take(place)
    component = pc.coalesce(names, members.column("component"))
    members = members.set_column(1, MEMBERS.field("component"), component)
    job.send_by_blob("members", members)
    guarded = is_among(members.column("component"), members.filter(guarding).column("component"))
    dropped = is_among(members.column("blob"), settled.filter(settled.column("dropped")).column("blob"))
    decided = pc.or_(guarded, pc.and_not(is_among(members.column("blob"), met), dropped))
    members = members.filter(decided)
    job.send_by_blob("decided", members)
    large = giants(members, job.settings)
    job.write("giants", large)
    job.info["giant_components"] = large.select(["files", "pieces"]).to_pylist()


def documents(job: Job) -> None:
    """What the choice needs of each blob that is decided: rank, shingles and band keys."""
    config: NearConfig = job.settings
    decided = job.read("near.components/decided")
    if not decided.num_rows:
        return
    ranks_by = ("license_type", "stars", "date", "origin", "path")
    kept = job.read("exact.keep/kept", ["blob", *ranks_by], decided.column("blob"))
    guards = job.read("optout.apply/guards").column("blob")
    priors = job.read("near.stand/priors").column("blob")
    large = job.read("near.components/giants")
    rows = pa.concat_tables(list(_keyed(job, decided.column("blob"))))
    keyed = rows.column("blob").take(pa.array(np.arange(0, rows.num_rows, config.bands)))
    keys = pa.FixedSizeListArray.from_arrays(rows.column("key").combine_chunks(), config.bands)
    keys = keys.cast(NEAR_DOCUMENTS.field("keys").type)
    none = pa.scalar([], keys.type)  # of files that are here for their normalised content
    for batch in _documents(job, decided.column("blob")):
        blobs = batch.column("blob")
        member = decided.take(positions(blobs, decided.column("blob")))
        of_kept = kept.take(positions(blobs, kept.column("blob")))
        table = pa.table(
            {
                "blob": blobs,
                "component": member.column("component"),
                "guard": is_among(blobs, guards),
                "prior": is_among(blobs, priors),
                **{name: of_kept.column(name) for name in ranks_by},
                "shingles": shingles(blobs, batch.column("text"), config).column("shingles"),
                "keys": pc.coalesce(keys.take(positions(blobs, keyed)), none),
                "normalised": digests(batch.column("text")) if config.normalised else pa.nulls(len(blobs), DIGEST),
            }
        )
        table = in_pieces(table, large, config.bands).cast(NEAR_DOCUMENTS)
        job.send("documents", table, _component_buckets(table, job.parts["component"]))


def _component_buckets(documents: pa.Table, parts: int) -> NDArray[np.int64]:
    """By the last bytes of the component's name: a name is the smallest of many ids, so most begin with low bits."""
    names = ids(documents.column("component")).view(np.uint8).reshape(-1, 20)
    last = names[:, 16:].copy().view(">u4")[:, 0].astype(np.int64)
    return np.asarray((last + documents.column("piece").to_numpy()) % parts)


def choose_kept(job: Job) -> None:
    """Within each component, or each piece of a giant one, drop what is near a better file that is kept."""
    table = ranked(job.read("near.documents/documents"))
    job.info["budget_hits"] = 0
    pieces = pc.unique(table.column("piece"))
    for piece in pieces:
        # Pieces that lie in one part by chance are not compared: what comes out depends on no number of parts.
        together = table if len(pieces) == 1 else table.filter(pc.equal(table.column("piece"), piece))
        choice = choose(together, job.settings)
        job.send_by_blob("dropped", choice.dropped, "dropped")
        job.info["budget_hits"] += choice.budget_hits


def _still_dropped(job: Job, kept: pa.Table, members: pa.Table) -> pa.Table:
    """DUPLICATES that hold on from the earlier release: those of files that are here and were not decided anew."""
    pairs = job.read("near.stand/pairs")
    anew = job.read("near.components/decided").column("blob")
    pairs = pairs.filter(is_among(pairs.column("dropped"), kept.column("blob")))
    pairs = pairs.filter(pc.invert(is_among(pairs.column("dropped"), anew)))
    component = members.column("component").take(positions(pairs.column("dropped"), members.column("blob")))
    pairs = pairs.set_column(3, DUPLICATES.field("component"), component)
    return pairs.add_column(4, DUPLICATES.field("against_guard"), constant(False, pairs.num_rows, pa.bool_()))


def apply(job: Job) -> None:
    """The survivors of this bucket, and a decision for each blob that near dropped."""
    kept = job.read("exact.keep/kept")
    members = job.read("near.components/members")
    dropped = stack([job.read("near.choose/dropped"), _still_dropped(job, kept, members)])
    place = positions(kept.column("blob"), dropped.column("dropped"))
    cluster = members.column("component").take(positions(kept.column("blob"), members.column("blob")))
    kept = kept.append_column(SURVIVORS.field("cluster"), cluster)
    survivors, gone = kept.filter(pc.is_null(place)), kept.filter(pc.is_valid(place))
    why = dropped.take(place.drop_null())
    guard = why.column("against_guard")
    normalised = why.column("normalised")
    rules = pc.if_else(guard, "near_guard", pc.if_else(normalised, "normalised_duplicate", "near_duplicate"))
    rules = rules.combine_chunks()
    alike = [likeness(jaccard or 0.0) for jaccard in why.column("jaccard").to_pylist()]
    said = pc.if_else(normalised, NORMALISED, pa.array(alike, pa.string()))
    reasons = pc.if_else(guard, "a near-copy of something that opted out", said).combine_chunks()
    # What opted out is not named.
    twins = pc.if_else(guard, pa.scalar(None, BLOB), why.column("kept")).combine_chunks()
    job.send_by_origin("decisions", decisions(gone, "near", rules, reasons, duplicate_of=twins))
    open_pairs = why.filter(pc.invert(guard))
    own = {"kind": pc.if_else(open_pairs.column("normalised"), "normalised", "near")}
    own |= {name: open_pairs.column(name) for name in ("dropped", "kept", "jaccard", "component")}
    columns = [own.get(f.name, pa.nulls(open_pairs.num_rows, f.type)) for f in s.DUPLICATES]
    job.write("duplicates", pa.table(columns, names=s.DUPLICATES.names))
    job.write("kept", survivors.sort_by("blob"))
    job.counts.taken, job.counts.passed = kept.num_rows, survivors.num_rows
    job.drop(rules.to_pylist())
