"""Documents as sets of shingle hashes, on which exact Jaccard similarity rests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa

from pipeline.schema import BLOB
from pipeline.stages.near.columns import Ragged, contiguous, list_column, require_pairs
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.signatures import shingle_hashes
from pipeline.stages.near.tables import SHINGLES


def shingles(
    blobs: pa.FixedSizeBinaryArray | pa.ChunkedArray,
    texts: pa.LargeStringArray | pa.ChunkedArray,
    config: NearConfig,
) -> pa.Table:
    """SHINGLES of each document, in order: the ascending distinct XXH64 hashes of its shingles.

    "Exact" Jaccard means exact on these hashes. Two different shingles share one with probability about
    2^-64: between two documents of 10,000 shingles each, one chance in 10^11 that any pair does, and then
    their similarity is wrong by 1 part in 10,000. A document without a shingle has an empty list.
    Memory: 8 bytes per token.

    Raises InputError if the columns differ in length, hold nulls, a text is not UTF-8, or there are more
    than 2^31 - 1 shingles in all.
    """
    require_pairs(blobs, texts)
    hashes, offsets = shingle_hashes(texts, config.ngram, config.profile)
    for start, end in pairwise(offsets.tolist()):
        hashes[start:end].sort()  # numpy's SIMD sort: a compiled loop over numba's would be slower
    distinct = np.ones(len(hashes), np.bool_)
    distinct[1:] = hashes[1:] != hashes[:-1]
    distinct[offsets[:-1][np.diff(offsets) > 0]] = True  # a document's first, whatever the one before it ends in
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(distinct)])
    column = list_column(Ragged(hashes[distinct], before[offsets]))
    return pa.table([contiguous(blobs, "blob").cast(BLOB), column], schema=SHINGLES)
