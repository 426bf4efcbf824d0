"""Training the classifier: weights of hashed tokens for each language (`scripts/build_linguist_data`).

They begin as linguist's own classifier (lib/linguist/classifier.rb, MIT: term frequency times inverse class frequency,
cosine with centroids), with pairs of tokens and first tokens of lines, and rare features weighing more. Then they are
bettered by gradient steps (multinomial logistic regression), with guesslang's answer as a fixed part of the score.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.compiled import compiled
from pipeline.stages.language.guesslang import linguist_names, model
from pipeline.stages.language.token_kernels import BUCKETS, features

HEAD_BYTES = 50 * 1024
# Chosen on programs that were neither trained on nor are measured (docs/stages/language.md).
SCALE: Final = 80.0  # of a cosine in a score
STEP: Final = 30.0
PASSES: Final = 2
BALANCE: Final = 0.25  # a sample counts by the number of its language's, to the power of minus this
GUESSLANG_BASE: Final = -2.9
GUESSLANG_GAIN: Final = 0.69

Floats = NDArray[np.float64]
Counts = tuple[NDArray[np.int64], NDArray[np.int64]]


def counted(text: bytes) -> Counts:
    """The features of the first 50 KiB of a text, ascending, and how often each occurs."""
    found, times = np.unique(features(np.frombuffer(text[:HEAD_BYTES], np.uint8)), return_counts=True)
    return found.astype(np.int64), times.astype(np.int64)


def rarity(classes_with: NDArray[np.int64], classes: int) -> Floats:
    """The weight of each feature by the number of classes that have it."""
    return np.square(np.log(classes / np.maximum(classes_with, 1)) + 0.5)


class Sample(NamedTuple):
    """A text whose language is known; `source` is the package that it came from, '' for linguist's own."""

    language: str
    source: str
    text: bytes


def train(samples: list[Sample]) -> tuple[list[str], bytes]:
    """The languages of samples, and their weights, packed (see `unpack`). The weight of a feature is one of 127 steps
    up or down, of the largest in its language; what is less than half a step is left out.

    First the centroid of each language, times SCALE; then PASSES of gradient steps on the log-loss over those weights
    (`_descend`). Time and memory grow with features times languages that have them: some minutes and 1 GB.
    """
    names = sorted({sample.language for sample in samples})
    number = {name: place for place, name in enumerate(names)}
    rows = sorted(samples, key=lambda row: (row.language, row.source, hashlib.sha256(row.text).digest()))
    counts = [counted(row.text) for row in rows]
    of_row = np.array([number[row.language] for row in rows], np.int64)
    classes_with = np.zeros(BUCKETS, np.int64)
    for place in range(len(names)):
        own = [counts[i][0] for i in np.flatnonzero(of_row == place)]
        classes_with[np.unique(np.concatenate(own))] += 1
    weight = rarity(classes_with, len(names))
    values = []
    for found, times in counts:
        plain = (1 + np.log(times)) * weight[found]
        values.append(plain / max(np.sqrt(np.square(plain).sum()), 1e-9))
    sums = np.zeros((len(names), BUCKETS), np.float32)
    for place, (found, _), value in zip(of_row, counts, values, strict=True):
        sums[place, found] += value
    lengths = np.sqrt(np.square(sums, dtype=np.float64).sum(axis=1))
    of_feature, of_class = np.nonzero(sums.T)
    weights = SCALE * sums[of_class, of_feature] / lengths[of_class]
    # Of its own language's centroid a sample is a part: what the score would be without it.
    without = np.zeros(len(rows))
    members = np.bincount(of_row, minlength=len(names))
    for i, (place, (found, _), value) in enumerate(zip(of_row, counts, values, strict=True)):
        inner = float((sums[place, found] * value).sum())
        rest = np.sqrt(max(lengths[place] ** 2 - 2 * inner + 1, 1e-9))
        without[i] = SCALE * ((inner - 1) / rest - inner / lengths[place])
    del sums
    shares: Floats = members[of_row].astype(np.float64) ** -BALANCE
    if (members > 1).any():
        shares /= shares[members[of_row] > 1].mean()
    shared = shared_with_guesslang(names)
    prior = np.stack([by_guesslang(row.text, shared, len(names)) for row in rows])
    first = np.searchsorted(of_feature, np.arange(BUCKETS + 1))
    start = np.cumsum([0, *(len(found) for found, _ in counts)])
    features_of, values_of = np.concatenate([found for found, _ in counts]), np.concatenate(values)
    for number_of_pass in range(PASSES):
        salt = bytes([number_of_pass])
        order = sorted(range(len(rows)), key=lambda i: hashlib.sha256(salt + rows[i].text).digest())
        chosen = np.array([i for i in order if members[of_row[i]] > 1], np.int64)
        rate = STEP / (1 + number_of_pass)
        _descend(chosen, start, features_of, values_of, of_row, without, shares * rate, prior, first, of_class, weights)
    return names, _pack(len(names), classes_with, of_class, of_feature, weights)


@compiled
def _descend(
    order: NDArray[np.int64], start: NDArray[np.int64], features_of: NDArray[np.int64], values_of: Floats,
    of_row: NDArray[np.int64], without: Floats, rates: Floats, prior: Floats, first: NDArray[np.int64],
    of_class: NDArray[np.int64], weights: Floats,
) -> None:  # fmt: skip
    """One pass of stochastic gradient descent on the log-loss, in the given order; changes `weights`.

    Only features that a language's samples have get a weight in it, so that the weights stay as few as the centroids'.
    """
    for i in order:
        scores = prior[i].copy()
        for k in range(start[i], start[i + 1]):
            for q in range(first[features_of[k]], first[features_of[k] + 1]):
                scores[of_class[q]] += values_of[k] * weights[q]
        scores[of_row[i]] += without[i]
        scores = np.exp(scores - scores.max())
        scores /= scores.sum()
        scores[of_row[i]] -= 1
        for k in range(start[i], start[i + 1]):
            for q in range(first[features_of[k]], first[features_of[k] + 1]):
                weights[q] -= rates[i] * values_of[k] * scores[of_class[q]]


def shared_with_guesslang(names: Sequence[str]) -> list[tuple[int, int]]:
    """(place among guesslang's classes, place among these languages) of each language that both know."""
    spelt = linguist_names()
    places = {name: place for place, name in enumerate(names)}
    theirs = [(number, spelt[name]) for number, name in enumerate(model().classes)]
    return [(number, places[name]) for number, name in theirs if name is not None and name in places]


def by_guesslang(text: bytes, shared: list[tuple[int, int]], languages: int) -> Floats:
    """What guesslang's model adds to the score of each language, at its place: nothing where it does not know it."""
    found = np.zeros(languages)
    probabilities = model().probabilities(text).tolist()
    for theirs, place in shared:
        found[place] = GUESSLANG_BASE + GUESSLANG_GAIN * math.log(1 + 1000 * probabilities[theirs])
    return found


def _pack(
    classes: int, classes_with: NDArray[np.int64], of_class: NDArray[np.int64], of_feature: NDArray[np.int64],
    weights: Floats,
) -> bytes:  # fmt: skip
    pieces = []
    for number in range(classes):
        own = of_class == number
        places, values = of_feature[own], weights[own]
        step = np.float32(np.abs(values).max() / 127)
        quantised = np.rint(values / step).astype(np.int8)
        used = quantised != 0
        header = np.array([used.sum()], "<u4").tobytes() + np.array([step], "<f4").tobytes()
        pieces.append(header + _varints(np.diff(places[used], prepend=0)) + quantised[used].tobytes())
    return zlib.compress(classes_with.astype("<u2").tobytes() + b"".join(pieces), 9)


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
        weights.append(raw[place : place + count].view(np.int8) * step)
        place += count
        of_class.append(np.full(count, number, np.int64))
    return classes_with, np.concatenate(of_class), np.concatenate(of_feature), np.concatenate(weights)
