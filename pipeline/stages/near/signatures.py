"""From documents to MinHash signatures, by the kernel or by datasketch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.stages.near.characters import lower_table
from pipeline.stages.near.columns import Ragged, contiguous, texts
from pipeline.stages.near.config import PERMUTATIONS, STACK_PERMUTATIONS, Profile
from pipeline.stages.near.kernel import distinct_shingles, sign

SEED = 1
# Whose lower case, as str.lower() has it, depends on neighbours or is two code points.
_BY_CONTEXT = ("\u0130", "\u03a3")


class Signatures(NamedTuple):
    """A row of `values` for each document; bands are only for those that are `comparable`.

    Others have too few tokens for a shingle (then all values are 2^32 - 1, so that all of them would be one cluster)
    or more symbols than word characters, so that their words do not say what they are.
    """

    values: NDArray[np.uint32]
    comparable: NDArray[np.bool_]


def _minhash() -> Any:
    # Imported late: datasketch brings SciPy, which takes a second, and only this stage's first step needs it.
    import datasketch
    import xxhash

    return datasketch.MinHash(num_perm=PERMUTATIONS, seed=SEED, hashfunc=xxhash.xxh32_intdigest, scheme="affine32")


@cache
def permutations(profile: Profile = "verified") -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Multipliers and addends: datasketch's own for 256 permutations (seed 1, scheme "affine32"), or BigCode's 250.

    Source of the latter: bigcode-project/bigcode-dataset, near_deduplication/bigcode-v2: RandomState(42) draws the
    multipliers below 2^32 - 5, from 1, and then the addends, from 0.
    """
    if profile == "stack-v2":
        draw = np.random.RandomState(42)
        multipliers = draw.randint(1, 2**32 - 5, STACK_PERMUTATIONS, np.uint32)
        return multipliers, draw.randint(0, 2**32 - 5, STACK_PERMUTATIONS, np.uint32)
    multipliers, addends = _minhash().permutations
    return np.ascontiguousarray(multipliers, np.uint32), np.ascontiguousarray(addends, np.uint32)


def _texts(documents: pa.Array | pa.ChunkedArray, profile: Profile) -> Ragged:
    return texts(_lowered_by_context(documents) if profile == "stack-v2" else documents)


def _lowered_by_context(documents: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Documents with a letter that the kernel's lower case treats otherwise than str.lower(), lowered; others as is."""
    column = contiguous(documents, "text")
    found = [pc.match_substring(column, letter) for letter in _BY_CONTEXT]
    places = np.flatnonzero(pc.or_(*found).to_numpy(zero_copy_only=False))
    if not len(places):
        return column
    mask = np.zeros(len(column), np.bool_)
    mask[places] = True
    lowered = pa.array([column[i].as_py().lower() for i in places], column.type)
    return pc.replace_with_mask(column, pa.array(mask), lowered)


def shingle_hashes(documents: pa.Array | pa.ChunkedArray, ngram: int, profile: Profile = "verified") -> Ragged:
    """XXH64 of each document's distinct shingles, ascending.

    Memory: 8 bytes per shingle, and 14 bytes per byte of the longest document (profile "stack-v2": 8 and 26).
    """
    split = profile == "stack-v2"
    data, offsets = _texts(documents, profile)
    lengths = np.diff(offsets) + 1
    values = np.empty(int((lengths if split else lengths // 2).sum()), np.uint64)
    value_offsets = np.empty(len(offsets), np.int64)
    distinct_shingles(data, offsets, lower_table(), ngram, split, values, value_offsets)
    return Ragged(values[: value_offsets[-1]], value_offsets)


def signatures(
    documents: pa.Array | pa.ChunkedArray, ngram: int = 5, used: int = PERMUTATIONS, profile: Profile = "verified"
) -> Signatures:
    """The first `used` values of each document's signature.

    Profile "verified": the bits of `datasketch_signatures`. "stack-v2": those of BigCode's formula. Memory: 1 KB per
    document, and 8 bytes per byte of the longest one (profile "stack-v2": 14).
    """
    data, offsets = _texts(documents, profile)
    multipliers, addends = permutations(profile)
    values = np.empty((len(offsets) - 1, used), np.uint32)
    comparable = np.empty(len(offsets) - 1, np.bool_)
    split = profile == "stack-v2"
    sign(data, offsets, lower_table(), ngram, split, multipliers[:used], addends[:used], values, comparable)
    return Signatures(values, comparable)


def datasketch_signatures(
    documents: pa.Array | pa.ChunkedArray, ngram: int = 5, used: int = PERMUTATIONS
) -> Signatures:
    """What `signatures` computes, in plain Python and datasketch: much slower, easy to read."""
    column = contiguous(documents, "text").to_pylist()
    result = np.empty((len(column), used), np.uint32)
    comparable = np.empty(len(column), np.bool_)
    for i, document in enumerate(column):
        lowered = "".join(low if len(low := c.lower()) == 1 else c for c in document)
        tokens = re.findall(r"\w+", lowered)
        shingles = [" ".join(tokens[t : t + ngram]).encode() for t in range(len(tokens) - ngram + 1)]
        sketch = _minhash()
        if shingles:
            sketch.update_batch(shingles)
        result[i] = sketch.hashvalues[:used]
        symbols = re.findall(r"([^\w\x00-\x20])(?!\1)", document)
        comparable[i] = bool(shingles) and sum(map(len, tokens)) >= len(symbols)
    return Signatures(result, comparable)


def lean_minhashes(values: NDArray[np.uint32]) -> Sequence[Any]:
    """Whole signatures (256 values) as `datasketch.LeanMinHash`, for datasketch's own indexes and estimates.

    They equal what `LeanMinHash(MinHash(256, hashfunc=xxhash.xxh32_intdigest))` has after the same shingles.

    >>> import pyarrow as pa
    >>> texts = pa.array(["a = b(c, d) + e", "a = b(c, d) + e  # again"], pa.large_string())
    >>> first, second = lean_minhashes(signatures(texts).values)
    >>> bool(first.jaccard(second) > 0.1), len(first.hashvalues)
    (True, 256)
    """
    import datasketch

    if values.ndim != 2 or values.shape[1] != PERMUTATIONS:
        raise ValueError(f"expected whole signatures of {PERMUTATIONS} values, found shape {values.shape}")
    return [datasketch.LeanMinHash(seed=SEED, hashvalues=row, scheme="affine32") for row in values]
