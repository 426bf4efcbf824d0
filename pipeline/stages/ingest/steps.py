"""Steps of ingest: list the files of each origin, and fetch, check and decode each unique content."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.engine.rows import distinct, is_among, positions, stack
from pipeline.engine.step import Job, Partitioning
from pipeline.errors import EnvironmentalError
from pipeline.repositories import about_repositories, digest
from pipeline.schema import BYTES, CONTENTS, DECISIONS, LICENSE_TEXTS, OCCURRENCES, ORIGINS, REJECTED
from pipeline.stages.decisions import decisions
from pipeline.stages.ingest import sources
from pipeline.stages.ingest.config import IngestConfig, is_sampled
from pipeline.stages.ingest.dataset import steps as dataset
from pipeline.stages.ingest.decoding import Undecodable, decode
from pipeline.stages.ingest.guessing import versions as guessing_versions
from pipeline.stages.ingest.source import Listing, OriginInput, Source, UnusableOrigin
from pipeline.stages.ingest.swh import steps as swh
from pipeline.stages.ingest.swh.fetching import fetched
from pipeline.stages.license.config import STACK_V2
from pipeline.stages.license.names import kind_of, stack_v2_kind_of
from pipeline.swhid import content_id

if TYPE_CHECKING:
    from pipeline.config import Config

_BATCH_BYTES = 64 << 20
_LISTED = (
    *("visit_type", "visit_date", "visit_status", "directory", "snapshot", "release", "revision"),
    *("root_revision", "branch", "branch_rule", "declared_license"),
)  # fmt: skip


def discover(config: Config) -> tuple[list[dict[str, Any]], dict[Partitioning, int]]:
    """Every input of every source, as the plain data that the runner hands to the steps that take them, and the
    numbers of parts that depend on them."""
    items = [
        asdict(item) | {"by": "origin", "source": number, "lazy": source.lazy}
        for number, source in sources(config.ingest, Path("/")).items()
        for item in source.discover(Path("/"))
        if is_sampled(item.origin, config.ingest)
    ]
    exports, sizes = swh.discover(config.ingest, config.execution)
    return items + exports + dataset.discover(config.ingest, config.execution), sizes


def are_collections(config: Config) -> bool:
    """Whether a configuration has an export or a dataset, which are read in stripes and not origin by origin."""
    return bool(swh.swh_sources(config.ingest) or dataset.dataset_sources(config.ingest))


def scan(job: Job) -> None:
    """Some stripes of an export, or row groups of a dataset: each row into its bucket."""
    (item,) = job.items
    {"swh": swh.scan, "parquet": dataset.scan}[item["kind"]](job, item)


def list_settings(config: Config) -> dict[str, Any]:
    """What listing reads: where code comes from, and by whose names licence files are known."""
    return {"ingest": config.ingest, "stack_v2_names": config.license.mode == STACK_V2}


def list_versions(settings: dict[str, Any]) -> dict[str, str]:
    return {"repositories": digest(settings["ingest"].repositories)}


def list_origins(job: Job) -> None:
    """List the files of this part's origins. Archives hand over their contents at once, git only licence texts.

    An origin that several inputs hold is listed once: from its own archive or repository, then from an export, then
    from a dataset; a message says so.
    """
    available = sources(job.settings["ingest"], Path("/"))
    listed = _Listed(job)
    for item in job.items:
        listed.add(_origin_input(item), available[item["source"]])
    for origin, listing in chain(swh.listings(job), dataset.listings(job)):
        listed.take(origin, listing)
    listed.finish()


def _origin_input(item: dict[str, Any]) -> OriginInput:
    return OriginInput(**{field.name: item[field.name] for field in fields(OriginInput)})


class _Listed:
    """What a part's listings add up to; bytes go out in batches so that memory stays bounded."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._origins: dict[str, dict[str, Any]] = {}
        self._occurrences: list[pa.Table] = []
        self._decisions: list[pa.Table] = []
        self._spooled: set[bytes] = set()
        self._texts: set[tuple[bytes, str]] = set()
        self._batch: dict[bytes, bytes] = {}
        self._batch_bytes = 0
        self._quarantined: list[str] = []

    def add(self, item: OriginInput, source: Source) -> None:
        def sink(blob: bytes, data: bytes) -> None:
            if blob not in self._spooled:
                self._spooled.add(blob)
                self._batch[blob] = data
                self._batch_bytes += len(data)
                if self._batch_bytes > _BATCH_BYTES:
                    self._flush()

        if self._has(item):
            return
        listing: Listing | UnusableOrigin
        try:
            listing = source.list(item, sink)
        except UnusableOrigin as refused:
            listing = refused
        except EnvironmentalError as error:
            self._quarantined.append(f"{item.origin}: {error}")
            listing = UnusableOrigin("quarantined", "its source could not be read; see the run's messages")
        self.take(item, listing, source)

    def take(self, item: OriginInput, listing: Listing | UnusableOrigin, source: Source | None = None) -> None:
        """Without a `source`, ingest.texts fetches the licence texts."""
        if self._has(item):
            return
        if isinstance(listing, UnusableOrigin):
            self._refuse(item, listing.rule, listing.reason)
            return
        self._take(item, listing)
        self._license_texts(item, source, listing)

    def _has(self, item: OriginInput) -> bool:
        if item.origin in self._origins:
            messages = self._origins[item.origin]["messages"]
            messages.append(f"another input holds it too ({item.kind}): not listed from there")
        return item.origin in self._origins

    def _refuse(self, item: OriginInput, rule: str, reason: str) -> None:
        row = pa.table({"origin": [item.origin]})
        self._decisions.append(decisions(row, "ingest", pa.array([rule]), pa.array([reason])))
        self._origins[item.origin] = _origin_row(item, None, [f"{rule}: {reason}"])
        self._job.counts.taken += 1
        self._job.drop([rule])

    def _take(self, item: OriginInput, listing: Listing) -> None:
        entries, refusals = listing.entries, listing.refusals
        self._origins[item.origin] = _origin_row(item, listing, list(listing.messages))
        rows = [
            [item.origin] * len(entries),
            [e.path for e in entries],
            [e.mode for e in entries],
            [e.blob for e in entries],
            [e.length for e in entries],
        ]
        self._occurrences.append(pa.table(rows, schema=OCCURRENCES))
        refused = pa.table(
            {
                "origin": pa.array([item.origin] * len(refusals), pa.string()),
                "path": pa.array([r.path for r in refusals], pa.binary()),
                "mode": pa.array([r.mode for r in refusals], pa.int32()),
                "blob": pa.array([r.blob for r in refusals], pa.binary(20)),
                "length": pa.array([r.length for r in refusals], pa.int64()),
            }
        )
        rules = pa.array([r.rule for r in refusals], pa.string())
        self._decisions.append(decisions(refused, "ingest", rules, pa.array([r.reason for r in refusals], pa.string())))
        self._job.counts.taken += len(entries) + len(refusals)
        self._job.counts.passed += len(entries)
        self._job.drop(refusal.rule for refusal in refusals)

    def _license_texts(self, item: OriginInput, source: Source | None, listing: Listing) -> None:
        wanted: dict[bytes, set[str]] = defaultdict(set)
        kind_by_name = stack_v2_kind_of if self._job.settings["stack_v2_names"] else kind_of
        for entry in listing.entries:
            kind = kind_by_name(entry.path)
            if kind is not None and (entry.blob, kind) not in self._texts:
                wanted[entry.blob].add(kind)
                self._texts.add((entry.blob, kind))
        # What an archive holds is in the spool already.
        data = dict(source.read(item, sorted(wanted))) if source is not None and source.lazy else {}
        rows = [
            (blob, kind, self._job.part, data.get(blob)) for blob in sorted(wanted) for kind in sorted(wanted[blob])
        ]
        columns = list(zip(*rows, strict=True)) or [()] * len(LICENSE_TEXTS)
        self._job.send_by_blob("texts", pa.table([list(column) for column in columns], schema=LICENSE_TEXTS))

    def _flush(self) -> None:
        table = pa.table([list(self._batch), list(self._batch.values())], schema=BYTES)
        self._job.send_by_blob("spool", table)
        self._batch, self._batch_bytes = {}, 0

    def _add_metadata(self) -> None:
        """What the table of repositories knows and the source does not."""
        table: str | None = self._job.settings["ingest"].repositories
        if table is None:
            return
        for origin, about in about_repositories(table, self._origins).items():
            row = self._origins[origin]
            for name in ("stars", "forks"):
                row[name] = getattr(about, name) if row[name] is None else row[name]
            others = {about.origin, *about.aliases} - {origin.partition("#as_of=")[0]}
            row |= {"archived": about.archived, "fork_of": about.fork_of, "aliases": sorted(others)}
            row["declared_license"] = about.license or row["declared_license"]

    def finish(self) -> None:
        self._flush()
        self._add_metadata()
        self._job.write("origins", pa.Table.from_pylist(list(self._origins.values()), schema=ORIGINS))
        self._job.write("occurrences", pa.concat_tables([*self._occurrences, OCCURRENCES.empty_table()]))
        self._job.write("decisions", pa.concat_tables([*self._decisions, DECISIONS.empty_table()]))
        self._job.info["quarantined"] = sorted(self._quarantined)
        self._job.info["messages"] = sorted(
            f"{row['origin']}: {text}" for row in self._origins.values() for text in row["messages"]
        )


def _origin_row(item: OriginInput, listing: Listing | None, messages: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(ORIGINS.names)
    row |= {"origin": item.origin, "kind": item.kind, "input_digest": item.digest, "messages": messages}
    row |= {"stars": item.stars, "forks": item.forks, "listed": 1}
    if listing is not None:
        row |= {name: getattr(listing, name) for name in _LISTED}
        row["listed"] = len(listing.entries) + len(listing.refusals)
    date = item.date if listing is None or listing.revision_date is None else listing.revision_date
    row["revision_date"] = None if date is None else date * 1000
    return row


def fetch(job: Job) -> None:
    """Each unique blob of this bucket once: its bytes checked against its id and decoded, or a reason why not."""
    occurrences = job.read("license.resolve/occurrences")
    wanted = distinct(occurrences)
    contents, rejected = [CONTENTS.empty_table()], [REJECTED.empty_table()]
    seen = [pa.table({"blob": pa.array([], pa.binary(20))})]
    for piece, unfetched in _contents(job, occurrences, wanted):
        decoded, refused = decode_contents(piece, guessing=job.settings.decode == "guess")
        contents.append(decoded)
        rejected += [unfetched, refused]
        seen += [piece.select(["blob"]), unfetched.select(["blob"])]
    missing = wanted.filter(pc.invert(is_among(wanted.column("blob"), stack(seen).column("blob"))))
    rules = pa.array(["missing"] * missing.num_rows, pa.string())
    reasons = pa.array(["the source lists this content but does not hold it"] * missing.num_rows, pa.string())
    rejected.append(pa.table([missing.column("blob"), rules, reasons], schema=REJECTED))
    refused = distinct(pa.concat_tables(rejected))
    job.write("contents", distinct(pa.concat_tables(contents)))
    place = positions(occurrences.column("blob"), refused.column("blob"))
    passed, dropped = occurrences.filter(pc.is_null(place)), occurrences.filter(pc.is_valid(place))
    why = refused.take(place.drop_null())
    rows = dropped.rename_columns(
        ["license_expression" if name == "path_expression" else name for name in dropped.column_names]
    )
    job.send_by_origin(
        "decisions",
        decisions(rows, "ingest", why.column("rule").combine_chunks(), why.column("reason").combine_chunks()),
    )
    job.write("occurrences", passed)
    job.counts.taken, job.counts.passed = occurrences.num_rows, passed.num_rows
    job.drop(why.column("rule").to_pylist())


def _contents(job: Job, occurrences: pa.Table, wanted: pa.Table) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Pieces of `(blob, data)` and of refusals: from the spools, then from repositories, then from stores."""
    seen: set[bytes] = set()
    for name in ("ingest.list/spool", "ingest.texts/texts", "ingest.scan/spool"):
        for piece in job.pieces(name):
            fresh = [i for i, blob in enumerate(piece.column("blob").to_pylist()) if blob not in seen]
            seen.update(piece.column("blob").to_pylist())
            piece = piece.take(pa.array(fresh, pa.int64()))
            yield piece.filter(is_among(piece.column("blob"), wanted.column("blob"))), REJECTED.empty_table()
    for piece in _from_repositories(job, occurrences, seen):
        seen.update(piece.column("blob").to_pylist())
        yield piece, REJECTED.empty_table()
    known = job.read("ingest.locate/contents")
    known = known.filter(is_among(known.column("blob"), wanted.column("blob")))
    yield from fetched(job, _without(known, seen))


def _without(known: pa.Table, seen: Iterable[bytes]) -> pa.Table:
    had = pa.chunked_array([pa.array(sorted(seen), pa.binary(20))])
    visible = known.filter(pc.equal(known.column("status"), "visible"))
    return visible.filter(pc.invert(is_among(visible.column("blob"), had)))


def fetch_texts(job: Job) -> None:
    """Each licence text that only a store of contents has, once for all the origins that name it."""
    texts = job.read("ingest.list/texts", ["blob", "data"])
    wanted = texts.filter(pc.is_null(texts.column("data")))
    known = job.read("ingest.locate/contents")
    known = known.filter(is_among(known.column("blob"), wanted.column("blob")))
    pieces = (p.filter(is_among(p.column("blob"), known.column("blob"))) for p in job.pieces("ingest.scan/spool"))
    spooled = pa.concat_tables([BYTES.empty_table(), *pieces])
    # What cannot be had is refused by ingest.fetch, which asks again.
    got = [piece for piece, _ in fetched(job, _without(known, spooled.column("blob").to_pylist()))]
    job.write("texts", distinct(pa.concat_tables([spooled, *got])))


def _from_repositories(job: Job, occurrences: pa.Table, seen: set[bytes]) -> Iterator[pa.Table]:
    lazy = {origin: item for origin, item in job.locators().items() if item["lazy"]}
    if not lazy:
        return
    available = sources(job.settings, Path("/"))
    asked: set[bytes] = set()
    by_origin: dict[str, list[bytes]] = defaultdict(list)
    first = occurrences.sort_by([("origin", "ascending"), ("path", "ascending")])
    for origin, blob in zip(first.column("origin").to_pylist(), first.column("blob").to_pylist(), strict=True):
        if origin in lazy and blob not in seen and blob not in asked:
            asked.add(blob)
            by_origin[origin].append(blob)
    for origin, blobs in by_origin.items():
        batch: dict[bytes, bytes] = {}
        size = 0
        for blob, data in available[lazy[origin]["source"]].read(_origin_input(lazy[origin]), sorted(blobs)):
            batch[blob] = data
            size += len(data)
            if size > _BATCH_BYTES:
                yield pa.table([list(batch), list(batch.values())], schema=BYTES)
                batch, size = {}, 0
        yield pa.table([list(batch), list(batch.values())], schema=BYTES)


def fetch_versions(settings: IngestConfig) -> dict[str, str]:
    return guessing_versions() if settings.decode == "guess" else {}


def decode_contents(contents: pa.Table, *, guessing: bool) -> tuple[pa.Table, pa.Table]:
    """`(decoded, rejected)` in the schemas CONTENTS and REJECTED."""
    good: list[tuple[bytes, bytes, str, bytes]] = []
    bad: list[tuple[bytes, str, str]] = []
    for blob, data in zip(contents.column("blob"), contents.column("data"), strict=True):
        raw = bytes(data.as_buffer())
        if content_id(raw) != blob.as_py():
            bad.append((blob.as_py(), "mismatch", "the bytes that the source holds do not have the id that it lists"))
            continue
        result = decode(raw, guessing=guessing)
        if isinstance(result, Undecodable):
            bad.append((blob.as_py(), result.rule, result.reason))
        else:
            good.append((blob.as_py(), result.text_utf8, result.encoding, hashlib.sha256(raw).digest()))
    blobs, texts, encodings, digests = zip(*good, strict=True) if good else ((), (), (), ())
    decoded = pa.table(
        [
            pa.array(blobs, pa.binary(20)),
            pa.array(texts, pa.large_binary()).cast(pa.large_string()),
            pa.array(encodings, pa.string()),
            pa.array(digests, pa.binary(32)),
        ],
        schema=CONTENTS,
    )
    rejected = pa.table([list(column) for column in zip(*bad, strict=True)] or [[], [], []], schema=REJECTED)
    return decoded, rejected
