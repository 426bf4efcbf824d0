"""The compiled loops from UTF-8 bytes to shingle hashes and MinHash signatures.

No Python runs per document, and what a document passes through (tokens, hashes) stays in the processor's cache. xxHash
(32 and 64 bits) follows its specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), the signature datasketch
2.0's scheme "affine32". Vector operations are those of LLVM, which has them for every processor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import int64, types, uint8, uint32, uint64
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled

SPACE = 32

# xxHash's primes.
_P32_1, _P32_2, _P32_3, _P32_4, _P32_5 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1
_P64_1, _P64_2, _P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P64_4, _P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5

_BLOCK = 64  # bytes that are looked at together
_BEYOND = 96  # bytes behind a place that tokenising may read, and behind the last token that it may write
_TOGETHER = 256  # shingles whose hashing ends together
_CROWD = 32  # hashes in one place that are sorted otherwise
_SEEN = 4096  # hashes of a document that are remembered, a power of 2

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]


def _instruction(code: Callable[..., Any]) -> Any:
    """What a loop calls, given as the LLVM code that it becomes."""
    return intrinsic(code)


def _constant(kind: ir.IntType, values: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(kind, len(values)), values)


def _bytes(value: int, size: int = _BLOCK) -> ir.Constant:
    return _constant(ir.IntType(8), [value] * size)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, place: Any, pointee: ir.Type) -> Any:
    """Where an array of bytes has something of another type, at any byte."""
    byte = builder.gep(context.make_array(kind)(context, builder, array).data, [place])
    return builder.bitcast(byte, pointee.as_pointer())


def _load(context: Any, builder: Any, kind: Any, array: Any, place: Any, pointee: ir.Type) -> Any:
    loaded = builder.load(_pointer(context, builder, kind, array, place, pointee))
    loaded.align = 1
    return loaded


def _little_endian(bits: int, word: Any) -> Any:
    """A loop's way to read `bits` little-endian bits at any byte of an array, in one instruction."""

    @_instruction
    def load(context: Any, text: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            loaded = _load(context, builder, signature.args[0], arguments[0], arguments[1], ir.IntType(bits))
            return loaded if sys.byteorder == "little" else builder.bswap(loaded)

        return word(text, types.int64), generate

    return load


_load32, _load64 = _little_endian(32, uint32), _little_endian(64, uint64)


def _which(of_these: Callable[[Any, Any, Any], Any]) -> Any:
    """A loop's way to ask which of the `_BLOCK` bytes from a place on are such bytes: bit i for byte i.

    `of_these` takes LLVM's builder, the bytes, and those one place further on.
    """

    @_instruction
    def which(context: Any, data: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            block = ir.VectorType(ir.IntType(8), _BLOCK)
            next_place = builder.add(arguments[1], ir.Constant(arguments[1].type, 1))
            here, further = (
                _load(context, builder, signature.args[0], arguments[0], place, block)
                for place in (arguments[1], next_place)
            )
            bits = builder.bitcast(of_these(builder, here, further), ir.IntType(_BLOCK))
            return bits if sys.byteorder == "little" else builder.bitreverse(bits)

        return uint64(data, types.uint64), generate

    return which


def _are_words(builder: Any, here: Any, further: Any) -> Any:
    letter = builder.icmp_unsigned("<", builder.sub(builder.or_(here, _bytes(0x20)), _bytes(ord("a"))), _bytes(26))
    digit = builder.icmp_unsigned("<", builder.sub(here, _bytes(ord("0"))), _bytes(10))
    return builder.or_(builder.or_(letter, digit), builder.icmp_unsigned("==", here, _bytes(ord("_"))))


_words = _which(_are_words)
_beyond_ascii = _which(lambda builder, here, further: builder.icmp_unsigned(">=", here, _bytes(0x80)))
_visible = _which(lambda builder, here, further: builder.icmp_unsigned(">", here, _bytes(SPACE)))
_repeated = _which(lambda builder, here, further: builder.icmp_unsigned("==", here, further))


@_instruction
def _copy_lowered(context: Any, data: Any, place: Any, text: Any, to: Any) -> Any:
    """Write 16 bytes of ASCII in lower case."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(ir.IntType(8), 16)
        here = _load(context, builder, signature.args[0], arguments[0], arguments[1], kind)
        upper = builder.icmp_unsigned("<", builder.sub(here, _bytes(ord("A"), 16)), _bytes(26, 16))
        low = builder.or_(here, builder.select(upper, _bytes(0x20, 16), _bytes(0, 16)))
        builder.store(low, _pointer(context, builder, signature.args[2], arguments[2], arguments[3], kind), align=1)
        return context.get_dummy_value()

    return types.void(data, types.uint64, text, types.uint64), generate


@_instruction
def _zeros_below(context: Any, bits: Any) -> Any:
    """How many bits below the lowest set one; 64 if none is."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return uint64(types.uint64), generate


@_instruction
def _ones(context: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return uint64(types.uint64), generate


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
    follows itself is not counted again. ASCII is taken `_BLOCK` bytes at a time, but for the last bytes of `data`.
    """
    one = uint64(1)
    written = uint64(0)
    count = uint64(0)
    words = uint64(0)
    symbols = uint64(0)
    before = uint32(0)
    inside = False
    i = uint64(start)
    stop = uint64(end)
    safe = uint64(max(len(data) - _BEYOND, 0))
    while i < stop:
        if data[i] < 0x80 and i < safe:
            size = min(_zeros_below(_beyond_ascii(data, i)), stop - i)
            valid = ~uint64(0) >> (uint64(_BLOCK) - size)
            left = _words(data, i) & valid
            repeats = _repeated(data, i) << one | uint64(before == data[i])
            words += _ones(left)
            symbols += _ones(_visible(data, i) & ~left & ~repeats & valid)
            if inside and not left & one:
                text[written] = SPACE
                written += one
                inside = False
            place = uint64(0)
            length = uint64(0)
            while left:  # for each run of word characters
                place = _zeros_below(left)
                length = _zeros_below(~(left >> place))
                starts[count] = written
                count += uint64(place > 0 or not inside)
                _copy_lowered(data, i + place, text, written)
                if length > 16:
                    for part in range(uint64(16), length, uint64(16)):
                        _copy_lowered(data, i + place + part, text, written + part)
                written += length
                text[written] = SPACE
                written += one
                left &= left + (left & (~left + one))
            if length:
                inside = place + length == size  # it may go on
                written -= uint64(inside)
            i += size
            before = uint32(data[i - one])
        else:
            point = uint32(data[i])
            size = one
            if point >= 0x80:
                point, size = _decode(data, i)
            i += size
            low = lower[point]
            is_word = low != SPACE
            if is_word:
                if not inside:
                    starts[count] = written
                    count += one
                written += _encode(low, text, written)
            elif inside:
                text[written] = SPACE
                written += one
            inside = is_word
            words += uint64(is_word)
            symbols += uint64((not is_word) & (point > SPACE) & (point != before))
            before = point
    if inside:
        text[written] = SPACE
        written += one
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


@compiled
def _rotate32(x: Any, by: int) -> Any:
    return uint32(x << uint32(by) | x >> uint32(32 - by))


@compiled
def _rotate64(x: Any, by: int) -> Any:
    return x << uint64(by) | x >> uint64(64 - by)


@compiled
def _round64(lane: Any, word: Any) -> Any:
    return _rotate64(lane + word * uint64(_P64_2), 31) * uint64(_P64_1)


@_instruction
def _stripes32(context: Any, text: Any, place: Any, count: Any) -> Any:
    """What XXH32 has after `count` stripes of 16 bytes: its four lanes are those of a vector."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(32)

        def rotate(lanes: Any, by: list[int]) -> Any:
            left, right = _constant(word, by), _constant(word, [32 - bits for bits in by])
            return builder.or_(builder.shl(lanes, left), builder.lshr(lanes, right))

        first = [_P32_1 + _P32_2 & 0xFFFFFFFF, _P32_2, 0, -_P32_1 & 0xFFFFFFFF]
        state: Any = cgutils.alloca_once_value(builder, _constant(word, first))  # type: ignore[no-untyped-call]
        with cgutils.for_range(builder, arguments[2]) as loop:
            at = builder.add(arguments[1], builder.shl(loop.index, ir.Constant(loop.index.type, 4)))
            words = _load(context, builder, signature.args[0], arguments[0], at, ir.VectorType(word, 4))
            if sys.byteorder != "little":
                words = builder.bswap(words)
            lanes = builder.add(builder.load(state), builder.mul(words, _constant(word, [_P32_2] * 4)))
            builder.store(builder.mul(rotate(lanes, [13] * 4), _constant(word, [_P32_1] * 4)), state)
        turned = rotate(builder.load(state), [1, 7, 12, 18])
        one, two, three, four = (builder.extract_element(turned, ir.Constant(word, lane)) for lane in range(4))
        return builder.add(builder.add(one, two), builder.add(three, four))

    return uint32(text, types.int64, types.int64), generate


@compiled
def _xxh32_shingles(
    text: Bytes, starts: Offsets, tokens: int, ngram: int, rest: NDArray[np.uint32], hashes: NDArray[np.uint32]
) -> int:
    """XXH32, seed 0, of each shingle of a document; returns how many. Reads up to 16 bytes beyond the last one.

    Stripes are hashed shingle by shingle, and what is left of each, fewer than 16 bytes, of `_TOGETHER` shingles in one
    loop without a branch: what is too much is computed and thrown away. `rest` is room for that, (5, `_TOGETHER`).
    """
    shingles = max(tokens - ngram + 1, 0)
    for first in range(0, shingles, _TOGETHER):
        count = min(shingles - first, _TOGETHER)
        for j in range(count):
            p = starts[first + j]
            size = starts[first + j + ngram] - 1 - p
            h = uint32(_P32_5)
            if size >= 16:
                h = _stripes32(text, p, size >> 4)
                p += size & ~15
            hashes[first + j] = uint32(h + uint32(size))
            rest[0, j] = uint32(size & 15)
            for word in range(4):
                rest[1 + word, j] = _load32(text, p + 4 * word)
        for j in range(count):
            h = hashes[first + j]
            left = rest[0, j]
            last = rest[1, j]
            for word in range(3):
                further = uint32(h + uint32(rest[1 + word, j] * uint32(_P32_3)))
                further = uint32(_rotate32(further, 17) * uint32(_P32_4))
                present = left >= uint32(4 * word + 4)
                h = further if present else h
                last = rest[2 + word, j] if present else last
            for byte in range(3):
                further = uint32(h + uint32((last & uint32(0xFF)) * uint32(_P32_5)))
                further = uint32(_rotate32(further, 11) * uint32(_P32_1))
                h = further if left & uint32(3) > uint32(byte) else h
                last = last >> uint32(8)
            h = uint32((h ^ h >> uint32(15)) * uint32(_P32_2))
            h = uint32((h ^ h >> uint32(13)) * uint32(_P32_3))
            hashes[first + j] = uint32(h ^ h >> uint32(16))
    return shingles


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
def _room(offsets: Offsets, split: bool) -> Any:
    """Bytes of text and number of tokens that no document needs more of."""
    longest = 0
    for d in range(len(offsets) - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    # Lower case grows a code point at most from 2 to 3 bytes.
    return longest + longest // 2 + _BEYOND, (longest if split else longest // 2) + 2


@compiled
def _sort_distinct(hashes: NDArray[np.uint64], count: int, ends: Offsets, room: NDArray[np.uint64]) -> int:
    """Move the distinct ones of `hashes[:count]` to the front, ascending; returns how many there are.

    Hashes are spread evenly: they go to as many places as half of them by their first bits, and few meet in one, which
    are put in order there. `ends` and `room` are as long as `hashes`.
    """
    if count < 2:
        return count
    bits = 1
    while 1 << (bits + 1) < count:
        bits += 1
    shift = uint64(64 - bits)
    places = 1 << bits
    ends[:places] = 0
    for i in range(count):
        ends[int64(hashes[i] >> shift)] += 1
    before = 0
    for place in range(places):
        before, ends[place] = before + ends[place], before
    for i in range(count):
        place = int64(hashes[i] >> shift)
        room[ends[place]] = hashes[i]
        ends[place] += 1
    written = 0
    start = 0
    for place in range(places):
        first = written
        if ends[place] - start > _CROWD:
            room[start : ends[place]].sort()
        for i in range(start, ends[place]):
            h = room[i]
            at = written
            while at > first and hashes[at - 1] > h:
                at -= 1
            if at == first or hashes[at - 1] != h:
                for later in range(written, at, -1):
                    hashes[later] = hashes[later - 1]
                hashes[at] = h
                written += 1
        start = ends[place]
    return written


@compiled
def distinct_shingles(
    data: Bytes,
    offsets: Offsets,
    lower: NDArray[np.uint32],
    ngram: int,
    split: bool,
    values: NDArray[np.uint64],
    value_offsets: Offsets,
) -> None:
    r"""XXH64 of every document's distinct shingles, ascending.

    Tokens are those of `\w+`, or if `split` those between characters of `\W`. A shingle is `ngram` successive tokens
    joined by one space. `values` needs room for as many as a document has bytes and one more, or without `split` for
    half of that, rounded up.
    """
    text_room, token_room = _room(offsets, split)
    text = np.empty(text_room, np.uint8)
    starts = np.empty(token_room, np.int64)
    ends = np.empty(token_room, np.int64)
    room = np.empty(token_room, np.uint64)
    written = 0
    value_offsets[0] = 0
    for d in range(len(offsets) - 1):
        if split:
            tokens, _ = _split(data, offsets[d], offsets[d + 1], lower, text, starts)
        else:
            tokens, _ = _tokenise(data, offsets[d], offsets[d + 1], lower, text, starts)
        shingles = max(tokens - ngram + 1, 0)
        for t in range(shingles):
            values[written + t] = _xxh64(text, starts[t], starts[t + ngram] - 1)
        written += _sort_distinct(values[written:], shingles, ends, room)
        value_offsets[d + 1] = written


@compiled
def _fmix32(h: Any) -> Any:
    """MurmurHash3's finaliser."""
    h = uint32((h ^ h >> uint32(16)) * uint32(0x85EBCA6B))
    h = uint32((h ^ h >> uint32(13)) * uint32(0xC2B2AE35))
    return uint32(h ^ h >> uint32(16))


@compiled
def _without_repeats(hashes: NDArray[np.uint32], count: int, seen: NDArray[np.uint32]) -> int:
    """Move hashes forward over most of those that came before; returns how many are left. No minimum misses them.

    Each place of `seen` remembers the last hash that belongs there by its lowest bits.
    """
    seen[:] = uint32(0)
    seen[0] = uint32(1)  # what no place has remembered yet belongs elsewhere
    left = 0
    for i in range(count):
        h = hashes[i]
        place = h & uint32(_SEEN - 1)
        hashes[left] = h
        left += seen[place] != h
        seen[place] = h
    return left


@compiled
def _minima(
    hashes: NDArray[np.uint32],
    count: int,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    signature: NDArray[np.uint32],
) -> None:
    """Per permutation k the minimum of a[k] * fmix32(h) + b[k] mod 2^32 over the hashes."""
    for i in range(count):
        hashes[i] = _fmix32(hashes[i])
    for i in range(
        0, count, 4
    ):  # four at a time, the last one repeated, so that the loop over k is bound by arithmetic
        x0 = hashes[i]
        x1 = hashes[min(i + 1, count - 1)]
        x2 = hashes[min(i + 2, count - 1)]
        x3 = hashes[min(i + 3, count - 1)]
        for k in range(len(a)):
            left = min(uint32(a[k] * x0 + b[k]), uint32(a[k] * x1 + b[k]))
            right = min(uint32(a[k] * x2 + b[k]), uint32(a[k] * x3 + b[k]))
            signature[k] = min(signature[k], min(left, right))


@compiled
def _stack_minima(
    hashes: NDArray[np.uint32],
    count: int,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    signature: NDArray[np.uint32],
) -> None:
    """Per permutation k the minimum of (a[k] * h + b[k] mod 2^32) mod (2^32 - 5) over the hashes."""
    prime = uint32(0xFFFFFFFB)
    for i in range(0, count, 2):  # two at a time, the last one repeated
        x = hashes[i]
        y = hashes[min(i + 1, count - 1)]
        for k in range(len(a)):
            left = uint32(a[k] * x + b[k])
            right = uint32(a[k] * y + b[k])
            # A value below the prime wraps around to a larger one, so the minimum is the remainder.
            least = min(min(left, uint32(left - prime)), min(right, uint32(right - prime)))
            signature[k] = min(signature[k], least)


@compiled
def sign(
    data: Bytes,
    offsets: Offsets,
    lower: NDArray[np.uint32],
    ngram: int,
    split: bool,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    signatures: NDArray[np.uint32],
    comparable: NDArray[np.bool_],
) -> None:
    r"""The MinHash signature of every document over XXH32 of its shingles, which are those of `distinct_shingles`.

    With `split` permutations are those of `_stack_minima`, else of `_minima`. A document is `comparable` if it has a
    shingle and, without `split`, word characters are at least as many as symbols.
    """
    text_room, token_room = _room(offsets, split)
    text = np.empty(text_room, np.uint8)
    starts = np.empty(token_room, np.int64)
    hashes = np.empty(token_room, np.uint32)
    rest = np.empty((5, _TOGETHER), np.uint32)
    seen = np.empty(_SEEN, np.uint32)
    for d in range(len(offsets) - 1):
        if split:
            tokens, worded = _split(data, offsets[d], offsets[d + 1], lower, text, starts)
        else:
            tokens, worded = _tokenise(data, offsets[d], offsets[d + 1], lower, text, starts)
        comparable[d] = worded and tokens >= ngram
        signatures[d] = uint32(0xFFFFFFFF)
        count = _xxh32_shingles(text, starts, tokens, ngram, rest, hashes)
        count = _without_repeats(hashes, count, seen)
        if split:
            _stack_minima(hashes, count, a, b, signatures[d])
        else:
            _minima(hashes, count, a, b, signatures[d])
