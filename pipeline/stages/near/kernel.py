"""The compiled loops from UTF-8 bytes to shingle hashes and MinHash signatures.

No Python runs per document. xxHash (32 and 64 bits) follows its specification
(github.com/Cyan4973/xxHash, doc/xxhash_spec.md), the signature datasketch 2.0's scheme "affine32".
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import int64, types, uint8, uint32, uint64
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled

SPACE = 32

# xxHash's primes.
_P32_1, _P32_2, _P32_3, _P32_4, _P32_5 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1
_P64_1, _P64_2, _P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P64_4, _P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]


@compiled
def _decode(data: Bytes, i: Any) -> Any:
    """The code point that begins at `data[i]` and is not ASCII, and how many bytes it takes."""
    c = uint32(data[i])
    second = uint32(data[i + uint64(1)] & 0x3F)
    if c < 0xE0:
        return uint32((c & uint32(0x1F)) << uint32(6) | second), uint64(2)
    third = uint32(data[i + uint64(2)] & 0x3F)
    if c < 0xF0:
        return uint32((c & uint32(0x0F)) << uint32(12) | second << uint32(6) | third), uint64(3)
    fourth = uint32(data[i + uint64(3)] & 0x3F)
    high = uint32((c & uint32(0x07)) << uint32(18) | second << uint32(12))
    return uint32(high | third << uint32(6) | fourth), uint64(4)


@compiled
def _encode(point: Any, text: Bytes, at: Any) -> Any:
    """Write a code point as UTF-8; return how many bytes it takes."""
    if point < 0x80:
        text[at] = uint8(point)
        return uint64(1)
    if point < 0x800:
        text[at] = uint8(0xC0 | point >> 6)
        text[at + uint64(1)] = uint8(0x80 | point & 0x3F)
        return uint64(2)
    if point < 0x10000:
        text[at] = uint8(0xE0 | point >> 12)
        text[at + uint64(1)] = uint8(0x80 | point >> 6 & 0x3F)
        text[at + uint64(2)] = uint8(0x80 | point & 0x3F)
        return uint64(3)
    text[at] = uint8(0xF0 | point >> 18)
    text[at + uint64(1)] = uint8(0x80 | point >> 12 & 0x3F)
    text[at + uint64(2)] = uint8(0x80 | point >> 6 & 0x3F)
    text[at + uint64(3)] = uint8(0x80 | point & 0x3F)
    return uint64(4)


# In these two loops indices are unsigned, because one that may be negative costs a comparison each time.


@compiled
def _tokenise(data: Bytes, start: int, end: int, lower: NDArray[np.uint32], text: Bytes, starts: Offsets) -> Any:
    r"""Write the tokens (`\w+`) of UTF-8 `data[start:end]` to `text`, each followed by a space.

    `starts[t]` becomes the beginning of token `t`, and `starts[count]` the end of all. Returns the count, and whether
    word characters are at least as many as symbols. A symbol is neither blank nor a word character, and one that
    follows itself is not counted again.
    """
    written = uint64(0)
    count = uint64(0)
    words = uint64(0)
    symbols = uint64(0)
    before = uint32(0)
    inside = False
    i = uint64(start)
    stop = uint64(end)
    while i < stop:
        point = uint32(data[i])
        low = lower[point]
        is_word = low != SPACE
        if point < 0x80:
            # No branch depends on the character: where words begin and end can't be predicted.
            text[written] = uint8(low)
            starts[count] = written
            written += uint64(is_word | inside)
            count += uint64(is_word & (not inside))
            i += uint64(1)
        else:
            point, length = _decode(data, i)
            i += length
            low = lower[point]
            is_word = low != SPACE
            if is_word:
                if not inside:
                    starts[count] = written
                    count += uint64(1)
                written += _encode(low, text, written)
            elif inside:
                text[written] = SPACE
                written += uint64(1)
        inside = is_word
        words += uint64(is_word)
        symbols += uint64((not is_word) & (point > SPACE) & (point != before))
        before = point
    if inside:
        text[written] = SPACE
        written += uint64(1)
    starts[count] = written
    return int64(count), words >= symbols


@compiled
def _split(data: Bytes, start: int, end: int, lower: NDArray[np.uint32], text: Bytes, starts: Offsets) -> Any:
    r"""As `_tokenise`, but each character that is no word character ends a token: those of `re.split(r"\W")`."""
    written = uint64(0)
    count = uint64(0)
    starts[0] = 0
    i = uint64(start)
    stop = uint64(end)
    while i < stop:
        point = uint32(data[i])
        length = uint64(1)
        if point >= 0x80:
            point, length = _decode(data, i)
        i += length
        low = lower[point]
        written += _encode(low, text, written)
        count += uint64(low == SPACE)
        starts[count] = written if low == SPACE else uint64(starts[count])
    text[written] = SPACE
    starts[count + uint64(1)] = written + uint64(1)
    return int64(count) + 1, True


def _loader(bits: int, word: Any) -> Any:
    """A loop's way to read `bits` little-endian bits at any byte of an array, in one instruction."""

    @intrinsic
    def load(context: Any, text: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            byte = builder.gep(array.data, [arguments[1]])
            loaded = builder.load(builder.bitcast(byte, ir.IntType(bits).as_pointer()))
            loaded.align = 1
            return loaded if sys.byteorder == "little" else builder.bswap(loaded)

        return word(text, types.int64), generate

    return load


_load32, _load64 = _loader(32, uint32), _loader(64, uint64)


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
    """XXH32 of `text[start:end]`, seed 0. Reads up to four bytes beyond `end`.

    The rest of fewer than 16 bytes is hashed without a branch: what is too much is computed and thrown away.
    """
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
    words = (end - p) >> 2
    bytes_left = (end - p) & 3
    for word in range(3):
        further = uint32(_rotate32(uint32(h + uint32(_load32(text, p) * uint32(_P32_3))), 17) * uint32(_P32_4))
        h = further if word < words else h
        p += 4 * (word < words)
    rest = _load32(text, p)
    for byte in range(3):
        further = uint32(_rotate32(uint32(h + uint32((rest & uint32(0xFF)) * uint32(_P32_5))), 11) * uint32(_P32_1))
        h = further if byte < bytes_left else h
        rest = rest >> uint32(8)
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
    split: bool,
    wide: bool,
    hashes: NDArray[np.uint64],
    hash_offsets: Offsets,
    comparable: NDArray[np.bool_],
) -> None:
    r"""Hash every shingle of every document, in order and with repeats.

    Tokens are those of `\w+`, or if `split` those between characters of `\W`. A shingle is `ngram` successive tokens
    joined by one space; its hash is XXH64 if `wide`, else XXH32. `hashes` needs room for as many as a document has
    bytes and one more, or without `split` for half of that, rounded up. A document is `comparable` if it has a
    shingle and, without `split`, word characters are at least as many as symbols.
    """
    longest = 0
    for d in range(len(offsets) - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    # Lower case grows a code point at most from 2 to 3 bytes; hashing reads four bytes too far.
    text = np.empty(longest + longest // 2 + 5, np.uint8)
    starts = np.empty((longest if split else longest // 2) + 2, np.int64)
    written = 0
    hash_offsets[0] = 0
    for d in range(len(offsets) - 1):
        if split:
            tokens, worded = _split(data, offsets[d], offsets[d + 1], lower, text, starts)
        else:
            tokens, worded = _tokenise(data, offsets[d], offsets[d + 1], lower, text, starts)
        for t in range(tokens - ngram + 1):
            if wide:
                hashes[written] = _xxh64(text, starts[t], starts[t + ngram] - 1)
            else:
                hashes[written] = uint64(_xxh32(text, starts[t], starts[t + ngram] - 1))
            written += 1
        hash_offsets[d + 1] = written
        comparable[d] = worded and tokens >= ngram


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


@compiled
def stack_minima(
    hashes: NDArray[np.uint64],
    hash_offsets: Offsets,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    signatures: NDArray[np.uint32],
) -> None:
    """Per document and permutation k the minimum of (a[k] * h + b[k] mod 2^32) mod (2^32 - 5) over its hashes."""
    prime = uint32(0xFFFFFFFB)
    for d in range(len(hash_offsets) - 1):
        signature = signatures[d]
        signature[:] = uint32(0xFFFFFFFF)
        i = hash_offsets[d]
        end = hash_offsets[d + 1]
        while i < end:  # two at a time, the last one repeated
            x = uint32(hashes[i])
            y = uint32(hashes[min(i + 1, end - 1)])
            for k in range(len(a)):
                left = uint32(a[k] * x + b[k])
                right = uint32(a[k] * y + b[k])
                # A value below the prime wraps around to a larger one, so the minimum is the remainder.
                least = min(min(left, uint32(left - prime)), min(right, uint32(right - prime)))
                signature[k] = min(signature[k], least)
            i += 2
