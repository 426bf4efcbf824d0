"""Documents as sets of shingle hashes, on which exact Jaccard similarity rests."""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import BLOB
from pipeline.stages.near.columns import contiguous, list_column, require_pairs
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
    Memory: 8 bytes per shingle.

    Raises InputError if the columns differ in length, hold nulls, a text is not UTF-8, or there are more
    than 2^31 - 1 shingles in all.
    """
    require_pairs(blobs, texts)
    column = list_column(shingle_hashes(texts, config.ngram, config.profile))
    return pa.table([contiguous(blobs, "blob").cast(BLOB), column], schema=SHINGLES)
