"""The ledgers agree with each other and with the rows: copies, near-duplicates, refusals, licence texts."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.audit.evidence import EvidenceSets
from pipeline.audit.folder import Contents
from pipeline.audit.report import Report
from pipeline.schema import LEDGERS
from pipeline.stages.exact.repositories import ORIGINS_OF_A_BLOB
from pipeline.stages.ingest.decoding import ENCODINGS, encode
from pipeline.stages.license.evidence import TEXT_SOURCES
from pipeline.stages.near.reasons import NORMALISED, likeness
from pipeline.swhid import MODE_SUBMODULE, MODE_SYMLINK, content_id, parse_swhid

_IDENTIFYING = ("copies", "duplicates", "repositories", "revisions", "licenses", "redactions", "evidence")
_MODES = {"symlink": MODE_SYMLINK, "submodule": MODE_SUBMODULE}
_SURROGATE = re.compile(rb"REDACTED|@example\.com|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8::")


def check_ledgers(contents: Contents, report: Report) -> None:
    """Every ledger is in its total order and states nothing twice."""
    check = report.check("ledgers", "every ledger is in its order, and states nothing twice")
    for name, (_, keys) in LEDGERS.items():
        for entry in contents.entries_of(name):
            table = contents.table_of(entry, list(keys)).combine_chunks()
            order = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in keys])
            check.expect(table.take(order).equals(table), f"{entry.path}: its rows are out of order")
        if name in _IDENTIFYING:
            times = contents.ledger(name).group_by(list(keys)).aggregate([([], "count_all")]).column("count_all")
            check.expect((pc.max(times).as_py() or 1) == 1, f"ledger {name}: a row stands twice")


def check_copies(contents: Contents, outcomes: pa.Table, report: Report) -> None:
    """Each copy names the file that was kept of its content: released, or dropped by near as that content."""
    check = report.check("copies", "each copy names the kept file of its content, which counts it")
    kept: dict[bytes, tuple[str, bytes]] = {}
    columns = [outcomes.column(name).to_pylist() for name in ("origin", "path", "blob", "outcome", "stage")]
    for origin, path, blob, outcome, stage in zip(*columns, strict=True):
        if blob is not None and (outcome == "released" or stage == "near"):
            check.expect(blob not in kept, f"{origin} {path!r}: its content was kept in two places")
            kept[blob] = (origin, path)
    times: Counter[bytes] = Counter()
    for row in contents.ledger("copies").select(["origin", "path", "blob", "kept_origin", "kept_path"]).to_pylist():
        times[row["blob"]] += 1
        check.expect(
            kept.get(row["blob"]) == (row["kept_origin"], row["kept_path"]),
            f"{row['origin']} {row['path']!r}: is a copy of {row['kept_origin']} {row['kept_path']!r}, "
            "which was not kept",
        )
    data = contents.data(["swhid", "n_copies"])
    for swhid, stated in zip(data.column("swhid").to_pylist(), data.column("n_copies").to_pylist(), strict=True):
        found = times[bytes.fromhex(swhid.rpartition(":")[2])]
        check.expect(stated == found, f"{swhid}: states {stated} copies, the ledger has {found}")


def check_duplicates(contents: Contents, complete: bool, report: Report) -> None:
    """Every near-duplicate went against a file that is released, at the threshold or above, in the same cluster."""
    check = report.check("duplicates", "each dropped near-duplicate has a released file of its cluster in its place")
    data = contents.data(["swhid", "cluster_id"])
    clusters = {
        bytes.fromhex(swhid.rpartition(":")[2]): cluster
        for swhid, cluster in zip(data.column("swhid").to_pylist(), data.column("cluster_id").to_pylist(), strict=True)
    }
    near = contents.release.configuration.get("near", {})
    # Made as The Stack v2 was, a release states how unlike its duplicates are, and promises nothing.
    threshold = 0.0 if near.get("profile") == "stack-v2" else near.get("threshold", 1.0)
    pairs: dict[bytes, dict[str, Any]] = {}
    for row in contents.ledger("duplicates").to_pylist():
        if row["kind"] in ("repository", "directory"):
            continue  # see check_repositories
        pairs[row["dropped"]] = row
        where = row["dropped"].hex()
        cluster = f"swh:1:cnt:{row['component'].hex()}"
        check.expect(row["kept"] in clusters, f"{where}: went against {row['kept'].hex()}, which is not released")
        check.expect(clusters.get(row["kept"]) == cluster, f"{where}: is in cluster {cluster}, what was kept is not")
        check.expect(row["dropped"] not in clusters, f"{where}: is a duplicate and released")
        check.expect(threshold <= row["jaccard"] <= 1, f"{where}: Jaccard {row['jaccard']} is below {threshold}")
        check.expect(row["kind"] in ("near", "normalised"), f"{where}: {row['kind']!r} is no kind of duplicate")
        check.expect(row["kind"] == "near" or row["jaccard"] == 1, f"{where}: is unlike what it is said to be")
    decided: set[bytes] = set()
    for row in contents.ledger("decisions").select(["stage", "rule", "reason", "blob", "duplicate_of"]).to_pylist():
        if row["stage"] != "near" or row["blob"] is None:
            continue
        pair = pairs.get(row["blob"])
        where = row["blob"].hex()
        if pair is None:
            check.expect(
                row["rule"] == "near_guard" and not complete, f"{where}: near dropped it for no pair in the ledger"
            )
            continue
        decided.add(row["blob"])
        same = row["rule"] == f"{pair['kind']}_duplicate" and row["duplicate_of"] == pair["kept"]
        reason = NORMALISED if pair["kind"] == "normalised" else likeness(pair["jaccard"])
        check.expect(same and row["reason"] == reason, f"{where}: decision and pair differ")
    if complete:
        for blob in sorted(pairs.keys() - decided):
            check.problems.append(f"{blob.hex()}: is in the ledger of duplicates, but nothing was dropped for it")


def check_repositories(contents: Contents, outcomes: pa.Table, report: Report) -> None:
    """Each repository that is called a copy shares what is stated with its original, which no copy went for."""
    check = report.check("repositories", "each repository called a copy has the stated share of its contents elsewhere")
    pairs = {r["dropped_origin"]: r for r in contents.ledger("duplicates").to_pylist() if r["kind"] == "repository"}
    directory = {r["origin"]: r["directory"] for r in contents.ledger("repositories").to_pylist()}
    for row in contents.ledger("duplicates").to_pylist():
        if row["kind"] == "directory":
            named = (row["dropped_origin"], row["kept_origin"])
            well = row["dropped"] == row["kept"] and 0 < row["containment"] <= 1
            check.expect(
                well and named[0] != named[1] and set(named) <= directory.keys(),
                f"{named[0]}: the directory {row['dropped'].hex()} that it is said to share with {named[1]} is no such",
            )
    gone: Counter[str] = Counter()
    contained: dict[str, set[bytes]] = {}
    columns = [outcomes.column(name).to_pylist() for name in ("origin", "blob", "stage")]
    for origin, blob, stage in zip(*columns, strict=True):
        if blob is not None and stage not in ("ingest", "license", "optout"):
            contained.setdefault(origin, set()).add(blob)
    places = Counter(blob for blobs in contained.values() for blob in blobs)
    for row in contents.ledger("decisions").select(["origin", "stage", "rule"]).to_pylist():
        if (row["stage"], row["rule"]) == ("exact", "duplicate_repository") and row["origin"] is not None:
            gone[row["origin"]] += 1
    for origin, row in pairs.items():
        kept = row["kept_origin"]
        check.expect(
            (directory.get(origin), directory.get(kept)) == (row["dropped"], row["kept"]),
            f"{origin}: its root directory, or that of {kept}, is not what the ledger of repositories says",
        )
        own, other = contained.get(origin, set()), contained.get(kept, set())
        # A content that lies in very many repositories may have been counted for neither.
        counted = own & other | {blob for blob in own if places[blob] > ORIGINS_OF_A_BLOB}
        share = len(counted) / len(own) if own else 0.0
        check.expect(
            0 < row["containment"] <= share, f"{origin}: states {row['containment']:.4f} in {kept}, found {share:.4f}"
        )
        check.expect(row["relation"] != "mirror" or row["dropped"] == row["kept"], f"{origin}: is no mirror of {kept}")
    for origin in sorted(gone):
        original = pairs[origin]["kept_origin"] if origin in pairs else None
        check.expect(original is not None, f"{origin}: went as a copy, but of no repository in the ledger")
        check.expect(original not in gone, f"{origin}: went for {original}, which went as well")
        left = len(contained.get(origin, ())) and gone[origin]
        check.expect(bool(left), f"{origin}: went as a copy, but has no contents")


def check_refusals(contents: Contents, report: Report) -> None:
    """What ingest refused has the mode and the length that its rule speaks of."""
    check = report.check("refusals", "what ingest refused is of the kind that its rule says")
    limit = contents.release.configuration.get("ingest", {}).get("max_file_bytes")
    columns = ["origin", "path", "mode", "blob", "length", "stage", "rule"]
    for row in contents.ledger("decisions").select(columns).to_pylist():
        if row["origin"] is None or row["path"] is None or row["blob"] is None:
            continue
        where = f"{row['origin']} {row['path']!r}"
        refused = row["stage"] == "ingest"
        for rule, mode in _MODES.items():
            if row["mode"] == mode:
                check.expect(refused, f"{where}: is a {rule}, but was dropped by {row['stage']}.{row['rule']}")
            check.expect(not refused or row["rule"] != rule or row["mode"] == mode, f"{where}: is no {rule}")
        if refused and row["rule"] == "too_large":
            check.expect(
                limit is None or row["length"] > limit, f"{where}: has {row['length']} bytes, which is not too large"
            )


def check_attribution(contents: Contents, sets: EvidenceSets, complete: bool, report: Report) -> None:
    """Licence texts are those that the evidence rests on, NOTICE texts those of released files, as their ids say where
    nothing was redacted in them.
    """
    check = report.check("attribution", "licence and NOTICE texts are there, and are the contents that are named")
    owed = {parse_swhid(notice)[1] for notice in contents.data(["notice"]).column("notice").to_pylist() if notice}
    named = owed | {row.blob for rows in sets.values() for row in rows if row.source in TEXT_SOURCES}
    held: set[bytes] = set()
    for entry in contents.entries_of("licenses"):
        for piece in contents.pieces(entry):
            for blob, raw in zip(
                piece.column("blob").to_pylist(), piece.column("text").cast(pa.large_binary()), strict=True
            ):
                held.add(blob)
                text = bytes(raw.as_buffer())
                check.expect(
                    blob in named, f"{blob.hex()}: no evidence names this licence text, and no file this NOTICE"
                )
                whole = any(_is_encoded(text, encoding, blob) for encoding in ENCODINGS)
                check.expect(whole or _SURROGATE.search(text) is not None, f"{blob.hex()}: is not the text of that id")
    if complete:
        used = contents.data(["evidence_id"]).column("evidence_id").to_pylist()
        decisions = contents.ledger("decisions").select(["blob", "stage"]).to_pylist()
        unread = {row["blob"] for row in decisions if row["stage"] == "ingest"}
        for notice in sorted(owed - held - unread):
            check.problems.append(f"{notice.hex()}: released files name this NOTICE, whose text is not there")
        for key in sorted(set(used) - {None}):
            for row in sets.get(key, []):
                absent = row.source in TEXT_SOURCES and row.blob not in held | unread
                check.expect(
                    not absent, f"{row.blob.hex()}: released files rest on this licence text, which is not there"
                )


def _is_encoded(text: bytes, encoding: str, blob: bytes) -> bool:
    try:
        return content_id(encode(text, encoding)) == blob
    except UnicodeEncodeError:
        return False
