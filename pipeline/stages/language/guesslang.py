"""guesslang 2.2.1's published model, evaluated by numpy: a language from the content alone.

The model (guesslang/model.py and the graph in its wheel; MIT, (c) 2021 Y. SOMDA), written down in
docs/decisions/0002-guesslang-by-numpy.md:

    bytes -> bigrams "a b" -> the first 10 000 -> bucket = Fingerprint64 of the three bytes, modulo 5000
    wide:  bias + sum of one row of 54 per bigram
    deep:  mean of one row of 70 per bigram -> relu 512 -> relu 32 -> 54
    probabilities = softmax(wide + deep)

Every sum over weights adds whole rows in one fixed order in float64, without BLAS. So the scores depend
neither on what else is in a batch nor on the processor; only the softmax may differ in its last bits, which
the rounding of `guess` absorbs.
"""

from __future__ import annotations

import functools
import hashlib
import json
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import IntegrityError

Floats = NDArray[np.float64]

BUCKETS: Final = 5000
MAX_BIGRAMS: Final = 10_000
DECIMALS: Final = 4

# Byte offset and shape of each float32 tensor in the checkpoint.
_TENSORS: Final[dict[str, tuple[int, tuple[int, ...]]]] = {
    "hidden_1_bias": (0, (512,)),
    "hidden_1": (2_048, (70, 512)),
    "hidden_2_bias": (145_408, (32,)),
    "hidden_2": (145_536, (512, 32)),
    "embedding": (211_072, (BUCKETS, 70)),
    "logits_bias": (1_611_072, (54,)),
    "logits": (1_611_288, (32, 54)),
    "wide_bias": (1_618_208, (54,)),
    "wide": (1_618_424, (BUCKETS, 54)),
}

_MULTIPLIER_0: Final = 0xC3A5C85C97CB3127
_MULTIPLIER_2: Final = 0x9AE16A3B2F90404F
_MASK: Final = (1 << 64) - 1


class Guess(NamedTuple):
    """The most probable of guesslang's 54 names, and its probability rounded to four decimals."""

    name: str
    probability: float


def fingerprint64(first: int, second: int, third: int) -> int:
    """FarmHash's Fingerprint64 of a string of three bytes (its branch for lengths up to three).

    >>> hex(fingerprint64(*b"abc"))
    '0x24a5b3a074e7f369'
    """
    h = (((first + (second << 8)) * _MULTIPLIER_2) ^ ((3 + (third << 2)) * _MULTIPLIER_0)) & _MASK
    return ((h ^ (h >> 47)) * _MULTIPLIER_2) & _MASK


@functools.cache
def bucket_of_bigram() -> NDArray[np.int32]:
    """The bucket of each of the 65,536 bigrams, at first * 256 + second."""
    pairs = ((first, second) for first in range(256) for second in range(256))
    return np.array([fingerprint64(a, ord(" "), b) % BUCKETS for a, b in pairs], dtype=np.int32)


def data_folder() -> Traversable:
    """The folder of the package data."""
    return resources.files(__package__) / "data"


@functools.cache
def linguist_names() -> dict[str, str | None]:
    """guesslang's names in linguist's spelling; None where one class covers several languages."""
    names: dict[str, str | None] = json.loads((data_folder() / "guesslang_names.json").read_text("utf-8"))
    return names


class Guesslang:
    """The model: about 6 MB in memory, and time that is bounded by the first 10,001 bytes of a text."""

    def __init__(self, folder: Traversable) -> None:
        """Read the weights of `folder`; `IntegrityError` if they are not those that its JSON promises."""
        about = json.loads((folder / "guesslang.json").read_text("utf-8"))
        raw = (folder / "guesslang.weights").read_bytes()
        self.digest = hashlib.sha256(raw).hexdigest()
        if self.digest != about["sha256"]:
            raise IntegrityError(
                f"language: {folder / 'guesslang.weights'} has sha256 {self.digest} instead of "
                f"{about['sha256']}: reinstall the package or run scripts/build_guesslang_weights"
            )
        self.classes: tuple[str, ...] = tuple(about["classes"])
        tensors = {
            name: np.frombuffer(raw, "<f4", count=int(np.prod(shape)), offset=offset).reshape(shape).astype(np.float64)
            for name, (offset, shape) in _TENSORS.items()
        }
        # One row per bucket holds what a bigram adds to the wide part (54) and to the mean embedding (70).
        self._rows = np.concatenate([tensors.pop("wide"), tensors.pop("embedding")], axis=1)
        self._tensors = tensors

    def probabilities(self, data: bytes) -> Floats:
        """The probability of each of `classes`, summing to 1; below two bytes those of the biases alone."""
        values = np.frombuffer(data[: MAX_BIGRAMS + 1], np.uint8).astype(np.int32)
        counts = np.bincount(bucket_of_bigram()[values[:-1] * 256 + values[1:]], minlength=BUCKETS)
        used = np.flatnonzero(counts)
        sums = _weighted_sum(counts[used], self._rows[used])
        t, wide = self._tensors, len(self.classes)
        hidden = sums[wide:] / max(len(values) - 1, 1)
        hidden = np.maximum(_weighted_sum(hidden, t["hidden_1"]) + t["hidden_1_bias"], 0)
        hidden = np.maximum(_weighted_sum(hidden, t["hidden_2"]) + t["hidden_2_bias"], 0)
        deep = _weighted_sum(hidden, t["logits"]) + t["logits_bias"]
        logits = sums[:wide] + t["wide_bias"] + deep
        exponentials: Floats = np.exp(logits - logits.max())
        total: np.float64 = exponentials.sum()
        return np.divide(exponentials, total, dtype=np.float64)

    def guess(self, data: bytes) -> Guess | None:
        """The best class of a text (UTF-8 bytes; the first 10,001 count), or None if it is blank.

        Of classes that tie the first in the model's order is taken, as guesslang does.
        """
        if len(data.strip()) < 2:
            return None
        probabilities = self.probabilities(data)
        best = int(probabilities.argmax())
        return Guess(self.classes[best], round(float(probabilities[best]), DECIMALS))


def _weighted_sum(weights: NDArray[np.floating] | NDArray[np.integer], rows: Floats) -> Floats:
    """`weights @ rows` in a fixed order: numpy's reduction over the first axis adds row after row."""
    total: Floats = np.add.reduce(weights[:, None] * rows, axis=0)
    return total


@functools.cache
def model() -> Guesslang:
    """The model of the package data, loaded once per process."""
    return Guesslang(data_folder())
