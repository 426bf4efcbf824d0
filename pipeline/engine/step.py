"""Steps, as the flow declares them, and the job that a step's function receives for one part."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import xxhash

from pipeline.engine.artefacts import Artefact, ExchangeWriter, Slice, conform, read_slice, write_packed, write_table
from pipeline.engine.facts import FactStore
from pipeline.engine.keys import file_sha256
from pipeline.engine.publication import publish
from pipeline.engine.receipts import Counts
from pipeline.engine.services import call

Partitioning = Literal["origin", "stripe", "revision", "directory", "blob", "band", "component", "shard", "one"]

PART_PER_ITEM: tuple[Partitioning, ...] = ("stripe", "revision")
"""Partitionings of which each discovered input is a part."""


@dataclass(frozen=True)
class Out:
    """An output: a plain table per part, an exchange towards another partitioning, or (no schema) a file as it is.

    A plain table may have one large text column `packed`: then a reader of some rows does not read the others.
    """

    schema: pa.Schema | None
    to: Partitioning | Literal["slice"] | None = None
    """"slice": an exchange with itself, for a reader of the same part that wants only some slices of it."""
    packed: str | None = None


@dataclass(frozen=True)
class Step:
    """One function over parts. Everything that decides its result is declared here and enters its key.

    reads     outputs of earlier steps, as "step/output"; a reader sees its own part where both sides are
              partitioned alike, its slices of an exchange, else everything. A step that reads an exchange of its own
              runs again, in rounds, until that exchange stays empty: a round takes what the one before sent it, and
              of its plain outputs what all rounds before left in its part
    settings  the part of the configuration that it reads
    versions  of data and libraries that decide its result; called with the settings
    code      package files and folders whose source decides its result
    prepare   a module to run beside the first steps, so that what this step needs is ready (compiled) in time
    """

    name: str
    run: Callable[[Job], None]
    by: Partitioning
    reads: tuple[str, ...]
    writes: Mapping[str, Out]
    code: tuple[str, ...]
    settings: Callable[[Any], Any] = lambda config: None
    versions: Callable[[Any], dict[str, str]] = lambda settings: {}
    takes_items: bool = False  # discovered inputs of the step's own partitioning
    counts: bool = True  # whether it takes and passes occurrences
    prepare: str | None = None
    when: Callable[[Any], bool] = lambda config: True  # whether a configuration needs it; if not, it has no outputs

    @property
    def own_exchanges(self) -> list[str]:
        """Its exchanges that it reads itself, in rounds."""
        own = (name.partition("/") for name in self.reads)
        return [output for step, _, output in own if step == self.name and self.writes[output].to is not None]

    @property
    def stage(self) -> str:
        return self.name.partition(".")[0]


@dataclass
class Job:
    """One part of one step, as its function sees it."""

    step: Step
    part: int
    round: int
    parts: Mapping[Partitioning, int]
    settings: Any
    folder: Path
    execution: Any
    inputs: Mapping[str, list[Slice]]
    schemas: Mapping[str, pa.Schema]  # of the inputs
    items: list[dict[str, Any]]
    locators_file: Path
    counts: Counts = field(default_factory=Counts)
    info: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Artefact] = field(default_factory=dict)
    _exchanges: dict[str, ExchangeWriter] = field(default_factory=dict)

    def locators(self) -> dict[str, dict[str, Any]]:
        """By origin, where on this machine it lies. Read anew at each call: only lazy sources need it."""
        found: dict[str, dict[str, Any]] = json.loads(self.locators_file.read_bytes())
        return found

    def pieces(
        self, name: str, columns: list[str] | None = None, blobs: pa.ChunkedArray | None = None
    ) -> Iterator[pa.Table]:
        """The rows of an input (of some columns; of `blobs` alone), piece by piece, verified. Memory: one piece."""
        for piece in self.inputs[name]:
            yield read_slice(piece, columns, blobs)

    def slices(self, name: str) -> dict[int, list[Slice]]:
        """The pieces of an input by the slice that they are, to be read with `read_slice` one at a time."""
        found: dict[int, list[Slice]] = {}
        for piece in self.inputs[name]:
            found.setdefault(piece.bucket, []).append(piece)
        return found

    def read(self, name: str, columns: list[str] | None = None, blobs: pa.ChunkedArray | None = None) -> pa.Table:
        """All rows of an input, or those of `blobs` alone, in one table; an empty one where there are none."""
        tables = list(self.pieces(name, columns, blobs))
        empty = self.schemas[name].empty_table()
        tables.append(empty.select(columns) if columns else empty)
        return pa.concat_tables(tables).combine_chunks()

    def write_file(self, output: str, rows: int, write: Callable[[Path], object]) -> Artefact:
        """Publish a file that `write` fills, under the output's own name."""
        path = self.folder / output
        publish(path, write)
        self.outputs[output] = Artefact(path.name, path.stat().st_size, rows, file_sha256(path))
        return self.outputs[output]

    def write(self, output: str, table: pa.Table) -> None:
        """Publish a plain output."""
        declared = self.step.writes[output]
        assert declared.schema is not None, f"{self.step.name} declares {output} as a file"
        table = conform(table, declared.schema, f"{self.step.name} part {self.part}: {output}")
        if declared.packed is None:
            self.outputs[output] = write_table(self.folder / f"{output}.parquet", table)
        else:
            self.outputs[output] = write_packed(self.folder / f"{output}.pack", table, declared.packed)

    def send(self, output: str, table: pa.Table, buckets: np.ndarray[Any, Any]) -> None:
        """Add rows to an exchange; `buckets` says where each goes (see `blob_buckets`, `origin_buckets`)."""
        declared = self.step.writes[output]
        assert declared.to is not None, f"{self.step.name} declares {output} as no exchange"
        assert declared.schema is not None, f"{self.step.name} declares {output} as a file"
        if output not in self._exchanges:
            path = self.folder / f"{output}.exchange"
            self._exchanges[output] = ExchangeWriter(path, declared.schema, declared.to)
        self._exchanges[output].send(table, buckets)

    def send_by_blob(self, output: str, table: pa.Table, column: str = "blob") -> None:
        self.send(output, table, blob_buckets(table.column(column), self.parts["blob"]))

    def send_by_origin(self, output: str, table: pa.Table) -> None:
        self.send(output, table, origin_buckets(table.column("origin"), self.parts["origin"]))

    def drop(self, rules: Iterable[str]) -> None:
        """Count one dropped occurrence per rule."""
        for rule in rules:
            name = f"{self.step.stage}.{rule}"
            self.counts.dropped[name] = self.counts.dropped.get(name, 0) + 1

    def facts(self, detector: str, versions: Mapping[str, str]) -> FactStore:
        return FactStore(self.execution.facts_folder, detector, versions)

    def service(self, module: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """A function that asks the machine's one process of `module`; it starts at the first question."""
        return functools.partial(call, module)

    def finish(self) -> None:
        """Publish the exchanges, and empty tables for outputs that the step did not write."""
        for output, declared in self.step.writes.items():
            if output in self._exchanges:
                self.outputs[output] = self._exchanges[output].close()
            elif output not in self.outputs and declared.to is not None and declared.schema is not None:
                path = self.folder / f"{output}.exchange"
                self.outputs[output] = ExchangeWriter(path, declared.schema, declared.to).close()
            elif output not in self.outputs and declared.schema is not None:
                self.write(output, declared.schema.empty_table())


def blob_buckets(blobs: pa.ChunkedArray, buckets: int) -> np.ndarray[Any, Any]:
    """The bucket of each 20-byte id: its first bits. `buckets` is a power of two, at most 65,536."""
    array = blobs.combine_chunks() if isinstance(blobs, pa.ChunkedArray) else blobs
    if not len(array):
        return np.zeros(0, np.int64)
    raw = np.frombuffer(array.buffers()[1], np.uint8)[array.offset * 20 : (array.offset + len(array)) * 20]
    head = raw.reshape(-1, 20)[:, :2].astype(np.int64)
    return ((head[:, 0] << 8) | head[:, 1]) * buckets >> 16


def origin_buckets(origins: pa.ChunkedArray, buckets: int) -> np.ndarray[Any, Any]:
    """The bucket of each origin name, by hash."""
    encoded = origins.combine_chunks().dictionary_encode()
    if not len(encoded):
        return np.zeros(0, np.int64)
    names = encoded.dictionary.to_pylist()
    by_name = np.array([origin_bucket(name, buckets) for name in names], np.int64)
    found: np.ndarray[Any, Any] = by_name[encoded.indices.to_numpy(zero_copy_only=False)]
    return found


def origin_bucket(origin: str, buckets: int) -> int:
    return xxhash.xxh64_intdigest(origin.encode()) % buckets
