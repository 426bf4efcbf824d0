"""From documents to MinHash signatures, by the kernel or by datasketch."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.stages.near.characters import lower_table
from pipeline.stages.near.columns import Ragged, contiguous, texts
from pipeline.stages.near.config import PERMUTATIONS
from pipeline.stages.near.kernel import hash_shingles, minima

SEED = 1


def _minhash() -> Any:
    # Imported late: datasketch brings SciPy, which takes a second, and only this stage's first step needs it.
    import datasketch
    import xxhash

    return datasketch.MinHash(num_perm=PERMUTATIONS, seed=SEED, hashfunc=xxhash.xxh32_intdigest, scheme="affine32")


@cache
def permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """datasketch's own multipliers and addends for 256 permutations, seed 1, scheme "affine32"."""
    multipliers, addends = _minhash().permutations
    return np.ascontiguousarray(multipliers, np.uint32), np.ascontiguousarray(addends, np.uint32)


def shingle_hashes(documents: pa.Array | pa.ChunkedArray, ngram: int, *, wide: bool) -> Ragged:
    """XXH64 (`wide`) or XXH32 of each document's shingles, in order and with repeats, as uint64.

    Memory: 8 bytes per token, and 7 bytes per byte of the longest document.
    """
    data, offsets = texts(documents)
    hashes = np.empty(int(((np.diff(offsets) + 1) // 2).sum()), np.uint64)
    hash_offsets = np.empty(len(offsets), np.int64)
    hash_shingles(data, offsets, lower_table(), ngram, wide, hashes, hash_offsets)
    return Ragged(hashes[: hash_offsets[-1]], hash_offsets)


def signatures(
    documents: pa.Array | pa.ChunkedArray, ngram: int = 5, used: int = PERMUTATIONS
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The first `used` values of each document's signature, and its number of shingles with repeats.

    The same bits as `datasketch_signatures`. A document without a shingle has an all-ones signature: it
    must not be put into bands, where all such documents would be one cluster. Memory: 1 KB per document.
    """
    hashes, offsets = shingle_hashes(documents, ngram, wide=False)
    multipliers, addends = permutations()
    result = np.empty((len(documents), used), np.uint32)
    minima(hashes, offsets, multipliers[:used], addends[:used], result)
    return result, np.diff(offsets)


def datasketch_signatures(
    documents: pa.Array | pa.ChunkedArray, ngram: int = 5, used: int = PERMUTATIONS
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """What `signatures` computes, in plain Python and datasketch: much slower, easy to read."""
    result = np.empty((len(documents), used), np.uint32)
    counts = np.empty(len(documents), np.int64)
    for i, document in enumerate(contiguous(documents, "text").to_pylist()):
        lowered = "".join(low if len(low := c.lower()) == 1 else c for c in document)
        tokens = re.findall(r"\w+", lowered)
        shingles = [" ".join(tokens[t : t + ngram]).encode() for t in range(len(tokens) - ngram + 1)]
        sketch = _minhash()
        if shingles:
            sketch.update_batch(shingles)
        result[i] = sketch.hashvalues[:used]
        counts[i] = len(shingles)
    return result, counts
