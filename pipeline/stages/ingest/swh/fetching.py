"""Contents of a bucket from the stores of its exports; what was fetched outlives a run that did not end well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.engine.publication import publish
from pipeline.engine.rows import is_among
from pipeline.engine.step import Job
from pipeline.engine.storage import located
from pipeline.schema import BYTES, REJECTED
from pipeline.stages.ingest.config import SwhSource
from pipeline.stages.ingest.dataset.config import ParquetSource
from pipeline.stages.ingest.swh.objects import ContentStore, Expected, FetchCounts

_SEGMENT_BYTES = 64 << 20


def fetched(job: Job, known: pa.Table) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Pieces of (contents in the schema BYTES, refusals in REJECTED) for the rows of GRAPH_CONTENTS.

    Each 64 MiB are published beside the part's outputs; a part that runs again takes them from there. Contents whose
    store could not be reached are refused as quarantined and named in the receipt, so that no release is made.
    """
    for path in _segments(job):
        piece = pq.read_table(path, page_checksum_verification=True).cast(BYTES)
        piece = piece.filter(is_among(piece.column("blob"), known.column("blob")))
        known = known.filter(pc.invert(is_among(known.column("blob"), piece.column("blob"))))
        yield piece, REJECTED.empty_table()
    counts = FetchCounts()
    quarantined: list[str] = []
    for number, source in enumerate(job.settings.sources):
        own = known.filter(pc.equal(known.column("source"), number))
        if own.num_rows and isinstance(source, SwhSource | ParquetSource) and source.contents is not None:
            yield from _from_store(job, source, own, counts, quarantined)
    job.info["quarantined"] = sorted({*job.info.get("quarantined", ()), *quarantined})
    job.info["fetched"] = {name: getattr(counts, name) for name in ("objects", "requests", "retries", "bytes")}
    if not quarantined:
        for path in _segments(job):
            path.unlink()


def _segments(job: Job) -> list[Path]:
    return sorted(job.folder.glob("fetched-*.parquet"))


def _from_store(
    job: Job, source: SwhSource | ParquetSource, own: pa.Table, counts: FetchCounts, quarantined: list[str]
) -> Iterator[tuple[pa.Table, pa.Table]]:
    assert source.contents is not None
    store = ContentStore(
        located(source.contents, job.execution.storage),
        source.contents_layout,
        source.compression,
        job.execution.requests,
        full=isinstance(source, SwhSource) and source.verify == "full",
    )
    columns = ("blob", "sha1", "sha256", "blake2s256", "length")
    rows = zip(*(own.column(name).to_pylist() for name in columns), strict=True)
    batch: list[tuple[bytes, bytes]] = []
    size = 0
    refused: list[tuple[bytes, str, str]] = []
    for got in store.fetch((Expected(*row) for row in rows), counts):
        if got.data is None:
            refused.append((got.blob, got.rule, got.reason))
            if got.environmental:
                quarantined.append(f"swh:1:cnt:{got.blob.hex()}: {got.reason}")
            continue
        batch.append((got.blob, got.data))
        size += len(got.data)
        if size > _SEGMENT_BYTES:
            yield _published(job, batch), REJECTED.empty_table()
            batch, size = [], 0
    # What is quarantined needs the rest kept, so that only it is asked for again.
    table = _published(job, batch) if quarantined and batch else _table(batch)
    yield table, pa.table([list(c) for c in zip(*refused, strict=True)] or [[], [], []], schema=REJECTED)


def _published(job: Job, batch: list[tuple[bytes, bytes]]) -> pa.Table:
    table = _table(batch)
    path = job.folder / f"fetched-{len(_segments(job)):05d}.parquet"
    publish(path, lambda temporary: pq.write_table(table, temporary, compression="zstd", write_page_checksum=True))
    return table


def _table(batch: list[tuple[bytes, bytes]]) -> pa.Table:
    return pa.table([[blob for blob, _ in batch], [data for _, data in batch]], schema=BYTES)
