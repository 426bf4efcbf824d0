"""Steps of release: plan the shards, send rows to them, account for every origin, write, and sum up."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.commitment import load_key
from pipeline.engine.rows import is_among, positions
from pipeline.engine.step import Job, origin_buckets
from pipeline.manifest.model import Entry
from pipeline.schema import BLOB, BLOBS, ENTRIES, LICENSES
from pipeline.stages.language.languages import table_versions
from pipeline.stages.license.evidence import TEXT_SOURCES
from pipeline.stages.optout.config import OptoutConfig
from pipeline.stages.optout.core import excluded_by
from pipeline.stages.optout.registry import Registry, registry_of
from pipeline.stages.redact.spans import as_spans, redact
from pipeline.stages.release import account, plan, rows, shards
from pipeline.stages.release.config import ReleaseConfig
from pipeline.stages.release.documents import DOCUMENTS, build_documents, document_versions
from pipeline.stages.release.ledger import send_ledger
from pipeline.stages.release.subsets import with_subsets
from pipeline.stages.screen.clamd import scanner_of
from pipeline.swhid import parse_swhid

__all__ = ["DOCUMENTS"]


def account_versions(optout: OptoutConfig) -> dict[str, str]:
    key = load_key(optout.commitment_key)
    registry = registry_of(optout)
    return {
        "registry": registry.digest, "repositories": registry.aliases, "key": key.id if key else "none",
    }  # fmt: skip


def row_versions(optout: OptoutConfig) -> dict[str, str]:
    return account_versions(optout) | table_versions()


def manifest_versions(settings: dict[str, Any]) -> dict[str, str]:
    return document_versions(settings)


def plan_shards(job: Job) -> None:
    """Which shards there will be."""
    table = plan.plan(job.read("language.tag/sizes"), job.settings)
    job.write("shards", table)
    job.info["shards"] = table.num_rows


def send_rows(job: Job) -> None:
    """Join what is released of this bucket and send it to its shards."""
    survivors = _without_hidden_notices(job.read("near.apply/kept"), registry_of(job.settings))
    data, redactions = rows.released_rows(
        survivors,
        job.read("ingest.fetch/contents", blobs=survivors.column("blob")),
        job.read("redact.find/spans"),
        job.read("language.tag/tags"),
        job.read("ingest.list/origins"),
        job.read("ingest.dates/dates"),
        [job.read("screen.look/found"), job.read("screen.scan/malware")],
    )
    planned = job.read("release.plan/shards")
    first = plan.first_shards(planned, "data")
    languages = data.column("language").to_pylist()
    number = np.array([first[language][0] for language in languages], np.int64)
    buckets = np.array([first[language][1] for language in languages], np.int64)
    # The bucket of an origin among 4,096, halved down to what the language has.
    job.send("data", data, number + origin_buckets(data.column("origin"), 4096) * buckets // 4096)
    send_ledger(job, "redactions", redactions, planned)
    for step in ("near.apply", "exact.repositories"):
        send_ledger(job, "duplicates", job.read(f"{step}/duplicates"), planned)
    send_ledger(job, "evidence", _open_evidence(job), planned)
    job.send_by_origin("released", survivors.select(["origin", "path", "evidence_id", "license_type", "notice"]))
    job.counts.taken = job.counts.passed = survivors.num_rows


def _without_hidden_notices(survivors: pa.Table, registry: Registry) -> pa.Table:
    """A NOTICE that opted out is named nowhere."""
    where = pa.table(
        [survivors.column(name) for name in ("origin", "notice_path", "notice")], names=["origin", "path", "blob"]
    )
    hidden = pc.is_valid(excluded_by(where, registry))
    column = pc.if_else(hidden, pa.scalar(None, BLOB), survivors.column("notice"))
    return survivors.set_column(survivors.schema.get_field_index("notice"), "notice", column)


def _open_evidence(job: Job) -> pa.Table:
    """What headers state, but of blobs that lie only where somebody opted out: their ids would name them."""
    occurrences = job.read("ingest.fetch/occurrences", ["origin", "path", "blob"])
    open_blobs = occurrences.filter(pc.is_null(excluded_by(occurrences, registry_of(job.settings)))).column("blob")
    evidence = job.read("license.decide/evidence")
    return evidence.filter(is_among(evidence.column("blob"), open_blobs))


def account_for_origins(job: Job) -> None:
    """Check that every occurrence of this part's origins has one outcome, and write the ledgers by origin."""
    listed, refused = job.read("ingest.list/occurrences"), job.read("ingest.list/decisions")
    released, copies = job.read("release.rows/released"), job.read("exact.keep/copies")
    sources = (
        "ingest.fetch",
        "license.decide",
        "optout.apply",
        "redact.drop",
        "screen.scan",
        "exact.keep",
        "near.apply",
    )
    later = pa.concat_tables([job.read(f"{source}/decisions") for source in sources])
    account.check_outcomes(listed, released, copies, later)
    dropped = pa.concat_tables([refused, later])
    origins = job.read("ingest.list/origins")
    roots = job.read("license.resolve/roots")
    expressions = dict(zip(roots.column("origin").to_pylist(), roots.column("expression").to_pylist(), strict=True))
    table = account.repositories(origins, expressions, released, copies, dropped)

    optout: OptoutConfig = job.settings
    registry = registry_of(optout)
    names = origins.column("origin").to_pylist()
    hidden = {name for name in names if registry.origin_rule(name)}
    shown = pc.invert(pc.is_in(table.column("origin"), value_set=pa.array(sorted(hidden), pa.string())))

    planned = job.read("release.plan/shards")
    open_decisions = account.hide(dropped, registry, load_key(optout.commitment_key))
    send_ledger(job, "decisions", open_decisions, planned)
    send_ledger(job, "copies", copies, planned)
    send_ledger(job, "repositories", account.without_hidden_names(table.filter(shown), registry), planned)
    used = {id_ for t in (released, copies, open_decisions) for id_ in t.column("evidence_id").to_pylist()}
    evidence = job.read("license.resolve/evidence")
    evidence = evidence.filter(
        pc.is_in(evidence.column("evidence_id"), value_set=pa.array(sorted(used - {None}), pa.string()))
    )
    send_ledger(job, "evidence", evidence, planned)
    # What nothing is released of shows no history either.
    showing = table.filter(pc.and_(shown, pc.greater(table.column("released"), 0))).column("revision").drop_null()
    revisions = sorted({parse_swhid(revision)[1] for revision in showing.to_pylist()})
    job.write("revisions", pa.table([pa.array(revisions, pa.binary(20))], schema=BLOBS))
    texts = evidence.filter(pc.is_in(evidence.column("source"), value_set=pa.array(TEXT_SOURCES)))
    notices = pa.table([released.column("notice").drop_null()], schema=BLOBS)
    job.send_by_blob("license_blobs", pa.concat_tables([texts.select(["blob"]).cast(BLOBS), notices]))
    job.write("totals", account.totals(released, copies, dropped))


def license_texts(job: Job) -> None:
    """The licence texts that the evidence rests on and the NOTICE files, redacted as everything else is."""
    wanted = job.read("release.account/license_blobs")
    guards = job.read("optout.apply/guards")
    wanted = wanted.filter(pc.invert(is_among(wanted.column("blob"), guards.column("blob"))))
    blobs = pa.array(sorted(set(wanted.column("blob").to_pylist())), pa.binary(20))
    chosen = job.read("ingest.fetch/contents", ["blob", "text"], pa.chunked_array([blobs]))
    spans = job.read("redact.find/spans")
    found = spans.column("spans").take(positions(chosen.column("blob"), spans.column("blob"))).to_pylist()
    texts = [
        redact(bytes(text.as_buffer()), as_spans(own or []))
        for text, own in zip(chosen.column("text"), found, strict=True)
    ]
    table = pa.table(
        [chosen.column("blob"), pa.array(texts, pa.large_binary()).cast(pa.large_string())], schema=LICENSES
    )
    send_ledger(job, "licenses", table, job.read("release.plan/shards"))


_WRITERS = {
    "data": ("release.rows",),
    "redactions": ("release.rows",),
    "duplicates": ("release.rows",),
    "evidence": ("release.rows", "release.account"),
    "decisions": ("release.account",),
    "copies": ("release.account",),
    "repositories": ("release.account",),
    "revisions": ("release.revisions",),
    "licenses": ("release.attribution",),
}
SHARD_READS = tuple(f"{step}/{table}" for table, steps in _WRITERS.items() for step in steps)


def write_shards(job: Job) -> None:
    """One file of the release, its line for the manifest, and its rows for the index."""
    place = job.read("release.plan/shards").slice(job.part, 1).to_pylist()[0]
    name = place["table"]
    table = pa.concat_tables([job.read(f"{step}/{name}") for step in _WRITERS[name]])
    table = shards.ordered(table, name)
    config: ReleaseConfig = job.settings
    funnels: dict[str, Any] = {}
    if name == "data":
        table, funnels["subsets"] = with_subsets(table, config.subsets)
    path = f"{place['folder']}/{place['bucket']:05d}.parquet"
    artefact = job.write_file("shard.parquet", table.num_rows, lambda file: shards.write_shard(file, table, config))
    where = {"bucket": place["bucket"], "buckets": place["buckets"], **funnels}
    if place["language"] is not None:
        where["language"] = place["language"]
    entry = shards.entry_of(job.folder / artefact.file, path, name, table, artefact.sha256, where)
    job.info["path"] = path
    job.write("entries", pa.table([[path], [entry.line().decode()]], schema=ENTRIES))
    if name == "data":
        job.write("index", shards.index_rows(table, path))


def sum_up(job: Job) -> None:
    """The index, the manifest, and the documents for people: everything in a release that is no shard."""
    index = job.read("release.shards/index").sort_by("swhid").combine_chunks()
    written = job.write_file(
        "released.parquet", index.num_rows, lambda file: shards.write_shard(file, index, job.settings["release"])
    )
    path = job.folder / written.file
    entries = [
        Entry.model_validate_json(line) for line in job.read("release.shards/entries").column("entry").to_pylist()
    ]
    entries.append(shards.entry_of(path, "index/released.parquet", "index", index, written.sha256, {}))
    counted = job.read("release.account/totals").group_by("outcome").aggregate([("count", "sum")])
    totals = dict(zip(counted.column("outcome").to_pylist(), counted.column("count_sum").to_pylist(), strict=True))
    collections = [json.loads(about) for about in job.read("ingest.heads/collections").column("about").to_pylist()]
    scanner = scanner_of(job.read("screen.scan/scanners").column("scanner").to_pylist())
    for name, data in build_documents(job.settings, entries, totals, collections, scanner).items():
        job.write_file(name, 0, partial(Path.write_bytes, data=data))
    job.info["totals"] = totals
