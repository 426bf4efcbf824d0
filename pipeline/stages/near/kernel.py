"""The compiled loops from UTF-8 bytes to shingle hashes and MinHash signatures.

No Python runs per document. xxHash (32 and 64 bits) follows its specification
(github.com/Cyan4973/xxHash, doc/xxhash_spec.md), the signature datasketch 2.0's scheme "affine32".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint8, uint32, uint64
from numpy.typing import NDArray

from pipeline.stages.near.compiled import compiled

SPACE = 32

# xxHash's primes.
_P32_1, _P32_2, _P32_3, _P32_4, _P32_5 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1
_P64_1, _P64_2, _P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P64_4, _P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]


@compiled
def _tokenise(data: Bytes, start: int, end: int, lower: NDArray[np.uint32], text: Bytes, starts: Offsets) -> int:
    """Write the tokens of UTF-8 `data[start:end]` to `text`, each followed by a space; return how many.

    `starts[t]` becomes the beginning of token `t`, and `starts[count]` the end of all.
    """
    written = 0
    count = 0
    inside = False
    i = start
    while i < end:
        c = uint32(data[i])
        if c < 0x80:
            point = c
            i += 1
        elif c < 0xE0:
            point = uint32((c & 0x1F) << 6 | (data[i + 1] & 0x3F))
            i += 2
        elif c < 0xF0:
            point = uint32((c & 0x0F) << 12 | uint32(data[i + 1] & 0x3F) << 6 | (data[i + 2] & 0x3F))
            i += 3
        else:
            high = uint32((c & 0x07) << 18 | uint32(data[i + 1] & 0x3F) << 12)
            point = uint32(high | uint32(data[i + 2] & 0x3F) << 6 | (data[i + 3] & 0x3F))
            i += 4
        low = lower[point]
        if low == SPACE:
            if inside:
                text[written] = SPACE
                written += 1
                inside = False
            continue
        if not inside:
            starts[count] = written
            count += 1
            inside = True
        if low < 0x80:
            text[written] = uint8(low)
            written += 1
        elif low < 0x800:
            text[written] = uint8(0xC0 | low >> 6)
            text[written + 1] = uint8(0x80 | low & 0x3F)
            written += 2
        elif low < 0x10000:
            text[written] = uint8(0xE0 | low >> 12)
            text[written + 1] = uint8(0x80 | low >> 6 & 0x3F)
            text[written + 2] = uint8(0x80 | low & 0x3F)
            written += 3
        else:
            text[written] = uint8(0xF0 | low >> 18)
            text[written + 1] = uint8(0x80 | low >> 12 & 0x3F)
            text[written + 2] = uint8(0x80 | low >> 6 & 0x3F)
            text[written + 3] = uint8(0x80 | low & 0x3F)
            written += 4
    if inside:
        text[written] = SPACE
        written += 1
    starts[count] = written
    return count


@compiled
def _load32(text: Bytes, i: int) -> Any:
    low = uint32(text[i]) | uint32(text[i + 1]) << 8
    return uint32(low | uint32(text[i + 2]) << 16 | uint32(text[i + 3]) << 24)


@compiled
def _load64(text: Bytes, i: int) -> Any:
    return uint64(_load32(text, i)) | uint64(_load32(text, i + 4)) << uint64(32)


@compiled
def _rotate32(x: Any, by: int) -> Any:
    return uint32(x << uint32(by) | x >> uint32(32 - by))


@compiled
def _rotate64(x: Any, by: int) -> Any:
    return x << uint64(by) | x >> uint64(64 - by)


@compiled
def _round32(lane: Any, word: Any) -> Any:
    return uint32(_rotate32(uint32(lane + uint32(word * uint32(_P32_2))), 13) * uint32(_P32_1))


@compiled
def _round64(lane: Any, word: Any) -> Any:
    return _rotate64(lane + word * uint64(_P64_2), 31) * uint64(_P64_1)


@compiled
def _xxh32(text: Bytes, start: int, end: int) -> Any:
    """XXH32 of `text[start:end]`, seed 0."""
    p = start
    h = uint32(_P32_5)
    if end - start >= 16:
        one = uint32(_P32_1 + _P32_2 & 0xFFFFFFFF)
        two = uint32(_P32_2)
        three = uint32(0)
        four = uint32(-_P32_1 & 0xFFFFFFFF)
        while p + 16 <= end:
            one = _round32(one, _load32(text, p))
            two = _round32(two, _load32(text, p + 4))
            three = _round32(three, _load32(text, p + 8))
            four = _round32(four, _load32(text, p + 12))
            p += 16
        h = uint32(_rotate32(one, 1) + _rotate32(two, 7) + _rotate32(three, 12) + _rotate32(four, 18))
    h = uint32(h + uint32(end - start))
    while p + 4 <= end:
        h = uint32(_rotate32(uint32(h + uint32(_load32(text, p) * uint32(_P32_3))), 17) * uint32(_P32_4))
        p += 4
    while p < end:
        h = uint32(_rotate32(uint32(h + uint32(uint32(text[p]) * uint32(_P32_5))), 11) * uint32(_P32_1))
        p += 1
    h = uint32((h ^ h >> uint32(15)) * uint32(_P32_2))
    h = uint32((h ^ h >> uint32(13)) * uint32(_P32_3))
    return uint32(h ^ h >> uint32(16))


@compiled
def _merge64(h: Any, lane: Any) -> Any:
    return (h ^ _round64(uint64(0), lane)) * uint64(_P64_1) + uint64(_P64_4)


@compiled
def _xxh64(text: Bytes, start: int, end: int) -> Any:
    """XXH64 of `text[start:end]`, seed 0."""
    p = start
    h = uint64(_P64_5)
    if end - start >= 32:
        one = uint64(_P64_1 + _P64_2 & 0xFFFFFFFFFFFFFFFF)
        two = uint64(_P64_2)
        three = uint64(0)
        four = uint64(-_P64_1 & 0xFFFFFFFFFFFFFFFF)
        while p + 32 <= end:
            one = _round64(one, _load64(text, p))
            two = _round64(two, _load64(text, p + 8))
            three = _round64(three, _load64(text, p + 16))
            four = _round64(four, _load64(text, p + 24))
            p += 32
        h = _rotate64(one, 1) + _rotate64(two, 7) + _rotate64(three, 12) + _rotate64(four, 18)
        h = _merge64(_merge64(_merge64(_merge64(h, one), two), three), four)
    h = h + uint64(end - start)
    while p + 8 <= end:
        h = _rotate64(h ^ _round64(uint64(0), _load64(text, p)), 27) * uint64(_P64_1) + uint64(_P64_4)
        p += 8
    if p + 4 <= end:
        h = _rotate64(h ^ uint64(_load32(text, p)) * uint64(_P64_1), 23) * uint64(_P64_2) + uint64(_P64_3)
        p += 4
    while p < end:
        h = _rotate64(h ^ uint64(text[p]) * uint64(_P64_5), 11) * uint64(_P64_1)
        p += 1
    h = (h ^ h >> uint64(33)) * uint64(_P64_2)
    h = (h ^ h >> uint64(29)) * uint64(_P64_3)
    return h ^ h >> uint64(32)


@compiled
def hash_shingles(
    data: Bytes,
    offsets: Offsets,
    lower: NDArray[np.uint32],
    ngram: int,
    wide: bool,
    hashes: NDArray[np.uint64],
    hash_offsets: Offsets,
) -> None:
    """Hash every shingle of every document, in order and with repeats.

    A shingle is `ngram` successive tokens joined by one space; its hash is XXH64 if `wide`, else XXH32.
    `hashes` needs room for half of the documents' bytes, rounded up for each document.
    """
    longest = 0
    for d in range(len(offsets) - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    text = np.empty(longest + longest // 2 + 1, np.uint8)  # lower case grows a code point at most from 2 to 3 bytes
    starts = np.empty(longest // 2 + 2, np.int64)
    written = 0
    hash_offsets[0] = 0
    for d in range(len(offsets) - 1):
        tokens = _tokenise(data, offsets[d], offsets[d + 1], lower, text, starts)
        for t in range(tokens - ngram + 1):
            if wide:
                hashes[written] = _xxh64(text, starts[t], starts[t + ngram] - 1)
            else:
                hashes[written] = uint64(_xxh32(text, starts[t], starts[t + ngram] - 1))
            written += 1
        hash_offsets[d + 1] = written


@compiled
def _fmix32(h: Any) -> Any:
    """MurmurHash3's finaliser."""
    h = uint32((h ^ h >> uint32(16)) * uint32(0x85EBCA6B))
    h = uint32((h ^ h >> uint32(13)) * uint32(0xC2B2AE35))
    return uint32(h ^ h >> uint32(16))


@compiled
def minima(
    hashes: NDArray[np.uint64],
    hash_offsets: Offsets,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    signatures: NDArray[np.uint32],
) -> None:
    """Per document and permutation k the minimum of a[k] * fmix32(h) + b[k] mod 2^32 over its hashes."""
    for d in range(len(hash_offsets) - 1):
        signature = signatures[d]
        signature[:] = uint32(0xFFFFFFFF)
        i = hash_offsets[d]
        end = hash_offsets[d + 1]
        while i < end:  # four at a time, the last one repeated, so that the loop over k is bound by arithmetic
            x0 = _fmix32(uint32(hashes[i]))
            x1 = _fmix32(uint32(hashes[min(i + 1, end - 1)]))
            x2 = _fmix32(uint32(hashes[min(i + 2, end - 1)]))
            x3 = _fmix32(uint32(hashes[min(i + 3, end - 1)]))
            for k in range(len(a)):
                left = min(uint32(a[k] * x0 + b[k]), uint32(a[k] * x1 + b[k]))
                right = min(uint32(a[k] * x2 + b[k]), uint32(a[k] * x3 + b[k]))
                signature[k] = min(signature[k], min(left, right))
            i += 4
