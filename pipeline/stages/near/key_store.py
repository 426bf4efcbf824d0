"""Band keys, kept across runs: immutable files, each of the documents that one part of one run signed.

A file is sorted by band and key, so that the keys of new documents are looked up in it and it is never sorted again:
its generation. What is stored is a fact about a content; a damaged file is removed, and its keys are computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from pipeline.engine.keys import digest_of
from pipeline.engine.publication import publish_bytes
from pipeline.engine.rows import ids
from pipeline.schema import BLOB
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.tables import BAND_ROWS
from pipeline.stages.near.versions import versions

Blobs = NDArray[np.void]


@dataclass(frozen=True)
class Generation:
    """The documents of one file. `keys[b]` ascends; `documents[b]` are the places in `blobs` that have those keys."""

    blobs: Blobs  # ascending; with keys
    without: Blobs  # ascending; documents that are not comparable
    keys: NDArray[np.uint64]  # bands x len(blobs)
    documents: NDArray[np.uint32]


class KeyStore:
    """The band keys of one configuration below a folder of facts; with `normalised`, the one of normalised contents.

    20 bytes a document and 12 for each of its bands: 404 bytes with 32 bands.
    """

    def __init__(self, root: Path, config: NearConfig, *, normalised: bool = False) -> None:
        decides = {"profile": config.profile, "ngram": config.ngram, "bands": config.bands, "rows": config.rows}
        name = "normalised" if normalised else digest_of(decides | versions())[:16]
        self._folder = root / f"near-{name}"
        self._bands = 1 if normalised else config.bands

    def add(self, rows: pa.Table, blobs: pa.ChunkedArray) -> None:
        """Store the keys of `blobs`; those without rows in `rows` (BAND_ROWS) are known to have none."""
        wanted = np.unique(ids(blobs))
        if not len(wanted):
            return
        keyed = ids(rows.column("blob"))[:: self._bands]
        order = np.argsort(keyed)
        by_document = rows.column("key").to_numpy().reshape(len(keyed), self._bands)[order]
        places = np.argsort(by_document, axis=0, kind="stable").T
        keys = np.ascontiguousarray(np.take_along_axis(by_document.T, places, 1))
        without = np.setdiff1d(wanted, keyed)
        parts = [
            np.array([len(keyed), len(without)], "<u8"),
            keyed[order],
            without,
            keys.astype("<u8"),
            places.astype("<u4"),
        ]
        data = b"".join(part.tobytes() for part in parts)
        low, high = (_prefix(wanted[i]) for i in (0, -1))
        publish_bytes(self._folder / f"{low:04x}-{high:04x}-{xxhash.xxh3_128_hexdigest(data)}", data)

    def generations(self, blobs: Blobs) -> Iterator[Generation]:
        """The files in which any of these blobs (ascending) can be, each verified. Memory: one file at a time."""
        if not len(blobs):
            return
        first, last = _prefix(blobs[0]), _prefix(blobs[-1])
        for path in sorted(self._folder.glob("????-????-*")):  # not what another process is publishing
            low, high, digest = path.name.split("-")
            if int(high, 16) < first or int(low, 16) > last:
                continue
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue  # another process found it damaged
            if xxhash.xxh3_128_hexdigest(data) == digest:
                yield self._parsed(data)
            else:
                path.unlink(missing_ok=True)

    def _parsed(self, data: bytes) -> Generation:
        keyed, without = (int(n) for n in np.frombuffer(data, "<u8", 2))
        ends = np.cumsum([16, keyed * 20, without * 20, keyed * self._bands * 8]).tolist()
        return Generation(
            np.frombuffer(data, "V20", keyed, ends[0]),
            np.frombuffer(data, "V20", without, ends[1]),
            np.frombuffer(data, "<u8", keyed * self._bands, ends[2]).reshape(self._bands, keyed),
            np.frombuffer(data, "<u4", keyed * self._bands, ends[3]).reshape(self._bands, keyed),
        )

    def known(self, blobs: pa.ChunkedArray) -> tuple[pa.Table, Blobs]:
        """BAND_ROWS of those of `blobs` that are stored, and the blobs (ascending) that are not."""
        left = np.unique(ids(blobs))
        tables = [BAND_ROWS.empty_table()]
        for generation in self.generations(left):
            mine = _is_among(generation.blobs, left)
            place = np.cumsum(mine) - 1
            keys = np.empty((int(mine.sum()), self._bands), np.uint64)
            for band in range(self._bands):
                document = generation.documents[band]
                wanted = mine[document]
                keys[place[document[wanted]], band] = generation.keys[band][wanted]
            tables.append(rows_of(generation.blobs[mine], keys))
            left = left[~(_is_among(left, generation.blobs) | _is_among(left, generation.without))]
        return pa.concat_tables(tables), left

    def missing(self, blobs: pa.ChunkedArray) -> Blobs:
        """Those of `blobs` that are not stored, ascending. Time: reading and verifying the files."""
        left = np.unique(ids(blobs))
        for generation in self.generations(left):
            left = left[~(_is_among(left, generation.blobs) | _is_among(left, generation.without))]
        return left

    def meeting(self, blobs: pa.ChunkedArray, others: pa.Table) -> pa.Table:
        """BAND_ROWS of those of `blobs` that share a band and key with any of `others` (BAND_ROWS).

        Time O(k log n) for k rows of `others` and n stored documents, beside reading and verifying the files.
        """
        wanted = np.unique(ids(blobs))
        band, key = others.column("band").to_numpy(), others.column("key").to_numpy()
        sought = [np.unique(key[band == b]) for b in range(self._bands)]
        tables = [BAND_ROWS.empty_table()]
        for generation in self.generations(wanted):
            mine = _is_among(generation.blobs, wanted)
            for b in range(self._bands):
                start = np.searchsorted(generation.keys[b], sought[b], "left")
                end = np.searchsorted(generation.keys[b], sought[b], "right")
                lengths = end - start
                found = np.repeat(start - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
                document = generation.documents[b][found]
                here = mine[document]
                columns = [
                    pa.array(np.full(int(here.sum()), b, np.uint16)),
                    pa.array(generation.keys[b][found][here]),
                    blob_array(generation.blobs[document[here]]),
                ]
                tables.append(pa.table(columns, schema=BAND_ROWS))
        return pa.concat_tables(tables)


def rows_of(blobs: Blobs, keys: NDArray[np.uint64]) -> pa.Table:
    """BAND_ROWS from (documents x bands) keys, document by document in band order."""
    documents, bands = keys.shape
    columns = [
        pa.array(np.tile(np.arange(bands, dtype=np.uint16), documents)),
        pa.array(keys.reshape(-1)),
        blob_array(np.repeat(blobs, bands)),
    ]
    return pa.table(columns, schema=BAND_ROWS)


def blob_array(blobs: Blobs) -> pa.Array:
    """Ids as an Arrow column."""
    return pa.FixedSizeBinaryArray.from_buffers(
        BLOB, len(blobs), [None, pa.py_buffer(np.ascontiguousarray(blobs).view(np.uint8))]
    )


def _is_among(blobs: Blobs, others: Blobs) -> NDArray[np.bool_]:
    return np.asarray(pc.is_in(blob_array(blobs), value_set=blob_array(others)))


def _prefix(blob: np.void) -> int:
    return int.from_bytes(blob.tobytes()[:2], "big")
