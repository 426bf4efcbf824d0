"""Training the classifier: one centroid of hashed tokens for each language (`scripts/build_linguist_data`).

After linguist's own classifier (lib/linguist/classifier.rb, MIT: term frequency times inverse class frequency, cosine
with centroids), with pairs of tokens and first tokens of lines, and rare features weighing more.
"""

from __future__ import annotations

import zlib
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.language.token_kernels import BUCKETS, features

HEAD_BYTES = 50 * 1024

Floats = NDArray[np.float64]
Counts = tuple[NDArray[np.int64], NDArray[np.int64]]


def counted(text: bytes) -> Counts:
    """The features of the first 50 KiB of a text, ascending, and how often each occurs."""
    found, times = np.unique(features(np.frombuffer(text[:HEAD_BYTES], np.uint8)), return_counts=True)
    return found.astype(np.int64), times.astype(np.int64)


def rarity(classes_with: NDArray[np.int64], classes: int) -> Floats:
    """The weight of each feature by the number of classes that have it."""
    return np.square(np.log(classes / np.maximum(classes_with, 1)) + 0.5)


def train(samples: list[tuple[str, bytes]]) -> tuple[list[str], bytes]:
    """The languages of samples sorted by language, and their centroids, packed (see `unpack`). The weight of a feature
    is one of 255 steps of the largest in its centroid; what is less than half a step is left out."""
    grouped = [(name, [counted(text) for _, text in rows]) for name, rows in groupby(samples, key=lambda row: row[0])]
    classes_with = np.zeros(BUCKETS, np.int64)
    for _, rows in grouped:
        classes_with[np.unique(np.concatenate([found for found, _ in rows]))] += 1
    weight = rarity(classes_with, len(grouped))
    pieces = []
    for _, rows in grouped:
        total = np.zeros(BUCKETS)
        for found, times in rows:
            values = (1 + np.log(times)) * weight[found]
            total[found] += values / max(np.sqrt(np.square(values).sum()), 1e-9)
        total /= np.sqrt(np.square(total).sum())
        step = np.float32(total.max() / 255)
        quantised = np.rint(total / step).astype(np.uint8)
        used = np.flatnonzero(quantised)
        header = np.array([len(used)], "<u4").tobytes() + np.array([step], "<f4").tobytes()
        pieces.append(header + _varints(np.diff(used, prepend=0)) + quantised[used].tobytes())
    return [name for name, _ in grouped], zlib.compress(classes_with.astype("<u2").tobytes() + b"".join(pieces), 9)


def _varints(values: NDArray[np.int64]) -> bytes:
    """Numbers below 2^18 in base 255: how often 255 fits, in bytes of 255, then the rest."""
    return b"".join(b"\xff" * (value // 255) + bytes([value % 255]) for value in values.tolist())


def unpack(packed: bytes, classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Floats]:
    """Per feature how many classes have it; then of every centroid's every feature: class, feature, weight."""
    raw = np.frombuffer(zlib.decompress(packed), np.uint8)
    classes_with = np.frombuffer(raw[: 2 * BUCKETS].tobytes(), "<u2").astype(np.int64)
    place = 2 * BUCKETS
    of_class, of_feature, weights = [], [], []
    for number in range(classes):
        count = int(np.frombuffer(raw[place : place + 4].tobytes(), "<u4")[0])
        step = np.frombuffer(raw[place + 4 : place + 8].tobytes(), "<f4")[0].astype(np.float64)
        place += 8
        # The byte that ends the last number is the one after `count - 1` others that are below 255.
        bound = raw[place : place + count + BUCKETS // 255 + 1]
        ends = np.flatnonzero(bound < 255)[:count]
        sums = np.cumsum(bound, dtype=np.int64)[ends]
        of_feature.append(sums)
        place += int(ends[-1]) + 1 if count else 0
        weights.append(raw[place : place + count] * step)
        place += count
        of_class.append(np.full(count, number, np.int64))
    return classes_with, np.concatenate(of_class), np.concatenate(of_feature), np.concatenate(weights)
