"""Steps over datasets: their files in groups of rows, and the listings that all rows of an origin add up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.engine.keys import digest_of
from pipeline.engine.rows import distinct
from pipeline.engine.step import Job, origin_buckets
from pipeline.engine.storage import Location, StoredFile, located
from pipeline.errors import EnvironmentalError, InputError
from pipeline.schema import BYTES, DATASET_REFUSALS, DATASET_ROWS, REACHED
from pipeline.stages.ingest.config import IngestConfig, is_sampled
from pipeline.stages.ingest.dataset.config import ParquetSource
from pipeline.stages.ingest.dataset.layouts import files_of, mapping_of, name_of
from pipeline.stages.ingest.dataset.listing import listing_of
from pipeline.stages.ingest.dataset.rows import rows_of, wanted_of
from pipeline.stages.ingest.source import Listing, OriginInput, UnusableOrigin

if TYPE_CHECKING:
    from pipeline.config import ExecutionConfig

_THREADS = 16
_GROUP_BYTES = 512 << 20
"""Of a dataset in memory, that one part reads."""
_BATCH_BYTES = 64 << 20
_DAMAGED = "the file is damaged; fetch it anew"


def dataset_sources(config: IngestConfig) -> dict[int, ParquetSource]:
    return {number: source for number, source in enumerate(config.sources) if isinstance(source, ParquetSource)}


def discover(config: IngestConfig, execution: ExecutionConfig) -> list[dict[str, Any]]:
    """The inputs of the steps here: one per dataset, and one per run of row groups."""
    items: list[dict[str, Any]] = []
    for number, source in dataset_sources(config).items():
        location = located(source.path, execution.storage)
        files = _files(location, source)
        with ThreadPoolExecutor(_THREADS) as pool:
            inspected = list(pool.map(lambda file: _inspected(location, file), files))  # noqa: B023  ends in this turn
        digests = sorted(digest for digest, _ in inspected)
        described = {
            "layout": source.layout,
            "files": len(files),
            "rows": sum(sum(g[0] for g in groups) for _, groups in inspected),
            "bytes": sum(file.size for file in files),
            "digest": digest_of(digests),
        }
        name = name_of(source)
        items.append(
            {
                "by": "one",
                "source": number,
                "name": name,
                "kind": "parquet",
                "digest": digest_of([name, described]),
                "described": described,
                "warnings": [],
                "locator": source.path,
            }
        )
        for file, (digest, groups) in sorted(zip(files, inspected, strict=True), key=lambda both: both[1][0]):
            for first, last in _runs(groups):
                about = {"source": number, "first": first, "last": last, "digest": [digest, file.version]}
                items.append({"by": "stripe", "kind": "parquet", **about, "locator": file.path})
    return items


def _files(location: Location, source: ParquetSource) -> list[StoredFile]:
    found = {file.path: file for file in location.files()}
    if list(found) == [""]:
        return [found[""]]
    chosen = [found[path] for path in files_of(source, found)]
    if not chosen:
        wanted = ", ".join(source.files) or "*.parquet"
        some = ", ".join(sorted(found)[:3]) or "nothing"
        raise InputError(f"{location.url}: expected files that match {wanted}, found {some}")
    return chosen


def _inspected(location: Location, file: StoredFile) -> tuple[str, list[tuple[int, int]]]:
    """A digest of the file, and rows and bytes of each row group."""
    with _opened(location, file.path) as parquet:
        groups = [parquet.metadata.row_group(i) for i in range(parquet.num_row_groups)]
        return location.digest(file), [(group.num_rows, group.total_byte_size) for group in groups]


class _opened:  # noqa: N801  used as a function
    """A Parquet file of a dataset; what it holds must be read within."""

    def __init__(self, location: Location, path: str) -> None:
        self._name = f"{location.url}/{path}".rstrip("/")
        self._remote = "://" in location.url
        try:
            self._stream = location.open(path)
        except FileNotFoundError as error:
            raise InputError(
                f"{self._name}: is not there any more; run again when nothing changes the dataset"
            ) from error

    def __enter__(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self._stream)
        except (pa.ArrowException, OSError) as error:
            self._stream.close()
            raise InputError(f"{self._name}: is damaged or no Parquet file ({_first_line(error)})") from error

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._stream.close()
        if isinstance(error, InputError):
            raise InputError(f"{self._name}: {error}") from error
        if isinstance(error, pa.ArrowException | OSError):
            if self._remote:
                raise EnvironmentalError(
                    f"{self._name}: cannot be read ({_first_line(error)}): the network failed, or {_DAMAGED}"
                ) from error
            raise InputError(f"{self._name}: cannot be read ({_first_line(error)}): {_DAMAGED}") from error


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]


def _runs(groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Row groups in runs of about half a gigabyte."""
    first, size = 0, 0
    for place, (_, weight) in enumerate(groups):
        if size and size + weight > _GROUP_BYTES:
            yield first, place
            first, size = place, 0
        size += weight
    if groups:
        yield first, len(groups)


def scan(job: Job, item: dict[str, Any]) -> None:
    """A run of row groups: contents to their buckets, and what else a row says to the part of its origin.

    Memory: some 64 MiB of the dataset about four times, or one row where that is more.
    """
    config: IngestConfig = job.settings
    source = dataset_sources(config)[item["source"]]
    mapping = mapping_of(source)
    has_store = source.contents is not None
    with _opened(located(source.path, job.execution.storage), item["locator"]) as file:
        leaves = mapping.leaves(file.schema.column(i).path for i in range(len(file.schema)))
        for group in range(item["first"], item["last"]):
            for batch in _batches(file, group, leaves):
                rows, refused = rows_of(
                    batch,
                    mapping,
                    dataset=name_of(source),
                    config=config,
                    keep_mismatched=source.mismatched == "keep",
                    has_store=has_store,
                )
                job.send_by_origin("refused", _sampled(refused, config))
                _send(job, _sampled(rows, config), item["source"])


def _batches(file: pq.ParquetFile, group: int, leaves: list[str]) -> Iterable[pa.Table]:
    about = file.metadata.row_group(group)
    rows = max(1, int(about.num_rows * _BATCH_BYTES / max(about.total_byte_size, _BATCH_BYTES)))
    for batch in file.iter_batches(rows, row_groups=[group], columns=leaves, use_threads=False):
        yield pa.Table.from_batches([batch])


def _sampled(rows: pa.Table, config: IngestConfig) -> pa.Table:
    names = rows.column("origin").combine_chunks().dictionary_encode()
    taken = pa.array([is_sampled(name, config) for name in names.dictionary.to_pylist()], pa.bool_())
    return rows.filter(taken.take(names.indices))


def _send(job: Job, rows: pa.Table, source: int) -> None:
    job.send_by_origin("rows", rows.select(DATASET_ROWS.names))
    held = rows.filter(pc.is_valid(rows.column("data"))).select(BYTES.names)
    job.send_by_blob("spool", distinct(held))
    job.send_by_blob("contents", wanted_of(rows, source))
    elsewhere = rows.filter(pc.and_(pc.is_null(rows.column("data")), pc.is_valid(rows.column("blob"))))
    parts = origin_buckets(elsewhere.column("origin"), job.parts["origin"])
    columns = [elsewhere.column("blob"), pa.array(parts, pa.int32())]
    job.send_by_blob("reached", pa.table(columns, names=REACHED.names))


def listings(job: Job) -> Iterator[tuple[OriginInput, Listing | UnusableOrigin]]:
    """The listing of each of this part's origins of which a dataset has rows."""
    rows, refused = _by_origin(job.read("ingest.scan/rows")), _by_origin(job.read("ingest.scan/refused"))
    for origin in sorted({*rows, *refused}):
        own = rows.get(origin, DATASET_ROWS.empty_table())
        yield listing_of(origin, own, refused.get(origin, DATASET_REFUSALS.empty_table()), job.settings["ingest"])


def _by_origin(rows: pa.Table) -> dict[str, pa.Table]:
    if not rows.num_rows:
        return {}
    ordered = rows.sort_by("origin").combine_chunks()
    names = ordered.column("origin").combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy()
    edges = [*np.flatnonzero(np.diff(codes, prepend=-1)).tolist(), len(codes)]
    return {names.dictionary[codes[start]].as_py(): ordered.slice(start, end - start) for start, end in pairwise(edges)}
