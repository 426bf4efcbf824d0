"""The compiled loop behind the classifier: from the bytes of a text to hashed features of its tokens."""

from __future__ import annotations

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled

Bytes = NDArray[np.uint8]

BUCKETS = 1 << 18
_BASIS, _PRIME = 0xCBF29CE484222325, 0x100000001B3
_FIRST_IN_LINE, _PAIR = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
_WORD, _DIGIT, _SPACE, _NEWLINE, _SIGN, _OTHER = 0, 1, 2, 3, 4, 5


@compiled
def _kind(c: int) -> int:
    if 97 <= c <= 122 or 65 <= c <= 90 or c == 95:
        return _WORD
    if 48 <= c <= 57:
        return _DIGIT
    if c in (10, 13):
        return _NEWLINE
    if c <= 32:
        return _SPACE
    return _OTHER if c >= 128 else _SIGN


@compiled
def features(data: Bytes) -> NDArray[np.int32]:
    """The features of a text in order of its tokens: each token, each first token of a line, each pair of neighbours.

    A token is a word (letters, digits, underscores), a number (all are one token), up to three signs in a row, or a run
    of bytes that are not ASCII (one token).
    """
    n = len(data)
    found = np.empty(3 * n + 3, np.int32)
    count = 0
    before = uint64(0)
    fresh = True
    i = 0
    while i < n:
        kind = _kind(data[i])
        if kind == _NEWLINE:
            fresh = True
            i += 1
            continue
        if kind == _SPACE:
            i += 1
            continue
        digest = uint64(_BASIS) ^ uint64(kind)
        start = i
        while i < n:
            here = _kind(data[i])
            if here != kind and not (kind == _WORD and here == _DIGIT):
                break
            if kind == _SIGN and i - start == 3:
                break
            if kind in (_WORD, _SIGN):
                digest = (digest ^ uint64(data[i])) * uint64(_PRIME)
            i += 1
        digest ^= digest >> uint64(29)
        found[count] = np.int32(digest % uint64(BUCKETS))
        count += 1
        if fresh:
            first = digest * uint64(_FIRST_IN_LINE)
            found[count] = np.int32((first >> uint64(20)) % uint64(BUCKETS))
            count += 1
        else:
            pair = (before * uint64(_PAIR) ^ digest) * uint64(_FIRST_IN_LINE)
            found[count] = np.int32((pair >> uint64(20)) % uint64(BUCKETS))
            count += 1
        before, fresh = digest, False
    return found[:count].copy()


@compiled
def score(
    found: NDArray[np.int32], rarity: NDArray[np.float64], first: NDArray[np.int64], of_class: NDArray[np.int32],
    weights: NDArray[np.float32], classes: int,
) -> NDArray[np.float64]:  # fmt: skip
    """What each class's weights give a text: its features, in ascending order, are made a vector of length 1."""
    scores = np.zeros(classes)
    square = 0.0
    i = 0
    while i < len(found):
        feature = found[i]
        times = 0
        while i < len(found) and found[i] == feature:
            times += 1
            i += 1
        value = (1 + np.log(times)) * rarity[feature]
        square += value * value
        for k in range(first[feature], first[feature + 1]):
            scores[of_class[k]] += value * weights[k]
    return scores / np.sqrt(square) if square > 0 else scores
