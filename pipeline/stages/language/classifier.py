"""Which of linguist's languages a text is in, from its content alone: centroids of linguist's samples and guesslang.

The score of a language is the cosine of the text's hashed tokens with the language's centroid (`training`), plus
GUESSLANG_WEIGHT times the probability that guesslang's model gives it, where it is one of that model's. A confidence
comes with the best one: how often such answers were right on files that neither was trained on.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterable
from importlib.resources.abc import Traversable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import IntegrityError
from pipeline.stages.language import guesslang
from pipeline.stages.language.guesslang import data_folder, linguist_names
from pipeline.stages.language.languages import about
from pipeline.stages.language.token_kernels import BUCKETS, features, score
from pipeline.stages.language.training import HEAD_BYTES, rarity, unpack

GUESSLANG_WEIGHT: Final = 0.04
DECIMALS: Final = 4
MIN_FEATURES: Final = 8  # a text of fewer says too little
# Of the confidence: logistic in the best score, in how far the next is behind, and in the logarithm of the number of
# features. Fitted on held-out samples of linguist, whole and cut to some lines, and on half of the programs that
# scripts/bench/language reads.
_CONSTANT, _BY_SCORE, _BY_LEAD, _BY_FEATURES, _MANY_FEATURES = -4.966, 5.488, 4.447, 0.732, 200


class Answer(NamedTuple):
    """The best language and how sure that is: from 0 to 1, to four decimals."""

    language: str
    confidence: float


class Classifier:
    """The centroids: some 20 MB in memory. A text costs the time of its first 50 KiB."""

    def __init__(self, folder: Traversable, stated: dict[str, Any]) -> None:
        """Read the weights of `folder`; `IntegrityError` if they are not those that `stated` promises."""
        packed = (folder / "classifier.weights").read_bytes()
        digest = hashlib.sha256(packed).hexdigest()
        if digest != stated["classifier_sha256"]:
            raise IntegrityError(
                f"language: {folder / 'classifier.weights'} has sha256 {digest} instead of "
                f"{stated['classifier_sha256']}: reinstall the package or run scripts/build_linguist_data"
            )
        self.classes: tuple[str, ...] = tuple(stated["classes"])
        self._number = {name: number for number, name in enumerate(self.classes)}
        classes_with, of_class, of_feature, weights = unpack(packed, len(self.classes))
        self._rarity = rarity(classes_with, len(self.classes))
        order = np.argsort(of_feature, kind="stable")
        self._class, self._weight = of_class[order].astype(np.int32), weights[order]
        self._first = np.searchsorted(of_feature[order], np.arange(BUCKETS + 1))
        names = linguist_names()
        theirs = {number: names[name] for number, name in enumerate(guesslang.model().classes)}
        shared = {number: name for number, name in theirs.items() if name in self._number}
        self._theirs, self._ours = np.array(list(shared)), np.array([self._number[name] for name in shared.values()])

    def scores(self, data: bytes) -> tuple[NDArray[np.float64], int]:
        """The score of each of `classes`, and how many different features the text has. Pure; every sum is taken in one
        fixed order."""
        found = np.sort(features(np.frombuffer(data[:HEAD_BYTES], np.uint8)))
        scores = score(found, self._rarity, self._first, self._class, self._weight, len(self.classes))
        scores[self._ours] += GUESSLANG_WEIGHT * guesslang.model().probabilities(data)[self._theirs]
        return scores, len(found) and 1 + int(np.count_nonzero(np.diff(found)))

    def classify(self, data: bytes, among: Iterable[str] | None = None) -> Answer | None:
        """The best language of a text (UTF-8), of all or among some; None where nothing speaks for any and,
        of all, for a text of fewer than MIN_FEATURES.

        Of languages that score the same the first by name is taken.
        """
        if not data.strip():
            return None
        scores, size = self.scores(data)
        if among is None:
            if size < MIN_FEATURES:
                return None
        else:
            chosen = sorted({self._number[name] for name in among if name in self._number})
            if not chosen:
                return None
            others = np.full(len(scores), -1.0)
            others[chosen] = scores[chosen]
            scores = others
        best = int(scores.argmax())
        top = float(scores[best])
        if top <= 0:
            return None
        scores[best] = -1.0
        lead = 1 - max(float(scores.max()), 0.0) / top
        return Answer(self.classes[best], round(confidence(top, lead, size), DECIMALS))


def confidence(top: float, lead: float, size: int) -> float:
    """The share of right answers among those with such a best score, such a lead (0 to 1) over the next, and so many
    features."""
    by_size = _BY_FEATURES * math.log(min(max(size, 1), _MANY_FEATURES))
    return 1 / (1 + math.exp(-(_CONSTANT + _BY_SCORE * top + _BY_LEAD * lead + by_size)))


@functools.cache
def classifier() -> Classifier:
    """The classifier of the package data, loaded once per process."""
    return Classifier(data_folder(), about())
