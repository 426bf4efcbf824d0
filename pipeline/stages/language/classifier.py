"""Which of linguist's languages a text is in, from its content alone: weights of hashed tokens, and guesslang.

The score of a language is the sum of the weights (`training`) of the text's features, each by its share of the text,
plus what guesslang's model adds, where it knows the language. A confidence comes with the best one: how often such
answers were right on files of packages that were not trained on.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterable, Sequence
from importlib.resources.abc import Traversable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import IntegrityError
from pipeline.stages.language.guesslang import data_folder
from pipeline.stages.language.languages import about
from pipeline.stages.language.token_kernels import BUCKETS, features, score
from pipeline.stages.language.training import HEAD_BYTES, SCALE, by_guesslang, rarity, shared_with_guesslang, unpack

DECIMALS: Final = 4
MIN_FEATURES: Final = 8  # a text of fewer says too little
MAX_LEAD: Final = 30.0
MANY_FEATURES: Final = 200


class Answer(NamedTuple):
    """The best language and how sure that is: from 0 to 1, to four decimals."""

    language: str
    confidence: float


class Classifier:
    """The weights: some 40 MB in memory. A text costs the time of its first 50 KiB."""

    def __init__(self, folder: Traversable, stated: dict[str, Any]) -> None:
        """Read the weights of `folder`; `IntegrityError` if they are not those that `stated` promises."""
        packed = (folder / "classifier.weights").read_bytes()
        digest = hashlib.sha256(packed).hexdigest()
        if digest != stated["classifier_sha256"]:
            raise IntegrityError(
                f"language: {folder / 'classifier.weights'} has sha256 {digest} instead of "
                f"{stated['classifier_sha256']}: reinstall the package or run scripts/build_linguist_data"
            )
        self._load(stated["classes"], packed, stated["confidence"])

    @classmethod
    def of(cls, classes: Sequence[str], packed: bytes, fitted: Sequence[float]) -> Classifier:
        """One of weights as `training.train` packs them, with the constants of `confidence`."""
        made = cls.__new__(cls)
        made._load(classes, packed, fitted)
        return made

    def _load(self, classes: Sequence[str], packed: bytes, fitted: Sequence[float]) -> None:
        self.classes, self._fitted = tuple(classes), tuple(fitted)
        self._number = {name: number for number, name in enumerate(self.classes)}
        self._shared = shared_with_guesslang(self.classes)
        classes_with, of_class, of_feature, weights = unpack(packed, len(self.classes))
        self._rarity = rarity(classes_with, len(self.classes))
        order = np.argsort(of_feature, kind="stable")
        self._class, self._weight = of_class[order].astype(np.int32), weights[order].astype(np.float32)
        self._first = np.searchsorted(of_feature[order], np.arange(BUCKETS + 1))

    def scores(self, data: bytes) -> tuple[NDArray[np.float64], int]:
        """The score of each of `classes`, and how many different features the text has. Pure; every sum is taken in one
        fixed order."""
        found = np.sort(features(np.frombuffer(data[:HEAD_BYTES], np.uint8)))
        scores = score(found, self._rarity, self._first, self._class, self._weight, len(self.classes))
        scores += by_guesslang(data, self._shared, len(self.classes))
        return scores, len(found) and 1 + int(np.count_nonzero(np.diff(found)))

    def classify(self, data: bytes, among: Iterable[str] | None = None) -> Answer | None:
        """The best language of a text (UTF-8), of all or among some; None for a blank text, where none of those is
        known and, of all, for a text of fewer than MIN_FEATURES.

        Of languages that score the same the first by name is taken.
        """
        if not data.strip():
            return None
        scores, size = self.scores(data)
        if among is None:
            if size < MIN_FEATURES:
                return None
            chosen = np.arange(len(scores))
        else:
            chosen = np.array(sorted({self._number[name] for name in among if name in self._number}), np.int64)
            if not len(chosen):
                return None
        scores = scores[chosen]
        best = int(scores.argmax())
        signs = evidence(scores, best, size)
        return Answer(self.classes[chosen[best]], round(confidence(self._fitted, signs), DECIMALS))


def evidence(scores: NDArray[np.float64], best: int, size: int) -> tuple[float, float, float, float]:
    """What a confidence is told by: 1, the best score, its lead over the logarithm of the sum of all others' powers (30
    at most), and the logarithm of the number of features (of 200 at most)."""
    top = float(scores[best])
    rest = float(np.exp(np.delete(scores, best) - top).sum())
    lead = min(-math.log(rest), MAX_LEAD) if rest > 0 else MAX_LEAD
    return 1.0, top / SCALE, lead, math.log(min(max(size, 1), MANY_FEATURES))


def confidence(fitted: Sequence[float], signs: Sequence[float]) -> float:
    """The share of right answers among those with such `evidence`: logistic, with the constants that
    scripts/build_linguist_data fitted."""
    power = sum(constant * sign for constant, sign in zip(fitted, signs, strict=True))
    return 1 / (1 + math.exp(-max(min(power, 700.0), -700.0)))


@functools.cache
def classifier() -> Classifier:
    """The classifier of the package data, loaded once per process."""
    return Classifier(data_folder(), about())
