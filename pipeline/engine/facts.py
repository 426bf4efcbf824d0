"""Facts: what a detector found in a blob, kept for ever and across runs, keyed by (blob, context, detector).

A context is what besides the bytes decides the fact, such as a file name; it is empty where nothing does.
Files are immutable, named by their own sha256, and lie in sixteen folders by the blob's first four bits, so
that parts that run side by side never write one file. A damaged file is removed, and its facts are computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.engine.keys import digest_of
from pipeline.engine.publication import publish_bytes

_SCHEMA = pa.schema(
    [
        pa.field("blob", pa.binary(20), nullable=False),
        pa.field("context", pa.string(), nullable=False),
        pa.field("fact", pa.large_string(), nullable=False),
    ]
)

FactKey = tuple[bytes, str]


class FactStore:
    """The facts of one detector. `root` None keeps nothing."""

    def __init__(self, root: Path | None, detector: str, versions: Mapping[str, str]) -> None:
        key = digest_of({"detector": detector, "versions": dict(versions)})[:16]
        self._folder = root / f"{detector}-{key}" if root else None

    def known(self, wanted: Iterable[FactKey]) -> dict[FactKey, str]:
        """The stored facts among `wanted`. Memory: the wanted facts, and one file at a time."""
        keys = set(wanted)
        found: dict[FactKey, str] = {}
        if self._folder is None:
            return found
        blobs = pa.array({blob for blob, _ in keys}, _SCHEMA.field("blob").type)
        for nibble in {blob[0] >> 4 for blob, _ in keys}:
            for table in _tables(self._folder / f"{nibble:x}"):
                # A file holds the facts of all parts and runs: only rows of wanted blobs become Python objects.
                rows = table.filter(pc.is_in(table.column("blob"), value_set=blobs))
                stored = zip(rows.column("blob").to_pylist(), rows.column("context").to_pylist(), strict=True)
                found |= {
                    key: fact for key, fact in zip(stored, rows.column("fact").to_pylist(), strict=True) if key in keys
                }
        return found

    def add(self, facts: Mapping[FactKey, str]) -> None:
        """Store facts, each once."""
        if self._folder is None:
            return
        by_nibble: dict[int, list[FactKey]] = {}
        for key in sorted(facts):
            by_nibble.setdefault(key[0][0] >> 4, []).append(key)
        for nibble, keys in by_nibble.items():
            table = pa.table([[k[0] for k in keys], [k[1] for k in keys], [facts[k] for k in keys]], schema=_SCHEMA)
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, compression="zstd")
            data = bytes(sink.getvalue())
            publish_bytes(self._folder / f"{nibble:x}" / f"{hashlib.sha256(data).hexdigest()}.parquet", data)


def _tables(folder: Path) -> Iterator[pa.Table]:
    for path in sorted(folder.glob("[0-9a-f]*.parquet")):  # not what another process is publishing
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # another process found it damaged
        if hashlib.sha256(data).hexdigest() == path.stem:
            yield pq.read_table(pa.BufferReader(data))
        else:
            path.unlink(missing_ok=True)
