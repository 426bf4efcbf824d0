"""Locality-sensitive hashing: from documents to band keys."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import uint64
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled
from pipeline.schema import BLOB
from pipeline.stages.near.columns import contiguous, require_pairs
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.signatures import datasketch_signatures, signatures
from pipeline.stages.near.tables import BAND_ROWS

_BATCH = 2048  # documents whose signatures are held at once; decides no result


def band_keys(signature: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint64]:
    """(documents x bands) 64-bit hashes of each band's rows; comparable within one band only.

    Each step is a bijection of the state for a given value, so that two bands meet wrongly with
    probability about 2^-64, and such a meeting costs one comparison: candidates are verified.
    """
    keys = np.empty((len(signature), bands), np.uint64)
    _mix(signature, rows, keys)
    return keys


@compiled
def _mix(signature: NDArray[np.uint32], rows: int, keys: NDArray[np.uint64]) -> None:
    for document in range(len(signature)):
        values = signature[document]
        for band in range(keys.shape[1]):
            key = uint64(0x9E3779B97F4A7C15)
            for row in range(uint64(band * rows), uint64((band + 1) * rows)):  # unsigned: no index is negative
                key = (key ^ uint64(values[row])) * uint64(0xD6E8FEB86659FD93)
                key ^= key >> uint64(32)
            keys[document, band] = key


def band_rows(
    blobs: pa.FixedSizeBinaryArray | pa.ChunkedArray,
    texts: pa.LargeStringArray | pa.ChunkedArray,
    config: NearConfig,
) -> pa.Table:
    """BAND_ROWS of documents, in their order, then by band: `config.bands` rows for each.

    A document that is not comparable (see `Signatures`) gives no row. Time is linear in the text; memory is a
    constant plus about 1 KB per document for 32 bands.

    Raises InputError if the columns differ in length, hold nulls, or a text is not UTF-8.
    """
    require_pairs(blobs, texts)
    all_keys = [np.empty((0, config.bands), np.uint64)]
    comparable = [np.empty(0, np.bool_)]
    for start in range(0, len(texts), _BATCH):
        batch, used = texts.slice(start, _BATCH), config.bands * config.rows
        if config.engine == "datasketch":
            signed = datasketch_signatures(batch, config.ngram, used)
        else:
            signed = signatures(batch, config.ngram, used, config.profile)
        comparable.append(signed.comparable)
        all_keys.append(band_keys(signed.values[signed.comparable], config.bands, config.rows))
    keys = np.concatenate(all_keys)
    present = np.flatnonzero(np.concatenate(comparable))
    bands = np.tile(np.arange(config.bands, dtype=np.uint16), len(present))
    blob = contiguous(blobs, "blob").cast(BLOB).take(pa.array(np.repeat(present, config.bands)))
    return pa.table([pa.array(bands), pa.array(keys.reshape(-1)), blob], schema=BAND_ROWS)
