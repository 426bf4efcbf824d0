"""Object ids as numbers: what lets millions of them be joined and walked in arrays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipeline.stages.ingest.swh.trees import Numbers

_BLOCK = 1 << 18


class Identifiers:
    """Distinct 20-byte ids, sorted, each with its place. Memory: 28 bytes each, while they are sorted 56."""

    def __init__(self, pieces: Iterable[Numbers]) -> None:
        whole = stacked(pieces)
        order = np.argsort(_prefixes(whole))
        whole = whole[order]
        prefixes = _prefixes(whole)
        if np.any(prefixes[1:] == prefixes[:-1]):  # a stripe that came twice, or ids made to look alike
            # Bytes of one length compare alike as strings without their final zeros.
            whole = np.unique(whole.view("S20")).view("V20")
            prefixes = _prefixes(whole)
        self.ids: Numbers = whole
        self._prefixes = prefixes

    def numbers(self, wanted: Numbers) -> Numbers:
        """The place of each of `wanted`, -1 where it is not among the ids. Time O(log n) each."""
        blocks = (self._numbers(wanted[start : start + _BLOCK]) for start in range(0, len(wanted), _BLOCK))
        return np.concatenate([np.zeros(0, np.int32), *blocks])

    def _numbers(self, wanted: Numbers) -> Numbers:
        prefixes = _prefixes(wanted)
        order = np.argsort(prefixes)  # looked up in order they are found several times as fast
        place = np.empty(len(wanted), np.int64)
        place[order] = np.searchsorted(self._prefixes, prefixes[order])
        found = np.full(len(wanted), -1, np.int32)
        waiting = np.arange(len(wanted))
        while len(waiting):  # once more for each further id with the same 64 bits: never, or by someone's art
            waiting = waiting[place[waiting] < len(self.ids)]
            waiting = waiting[self._prefixes[place[waiting]] == prefixes[waiting]]
            same = self.ids[place[waiting]] == wanted[waiting]
            found[waiting[same]] = place[waiting[same]]
            waiting = waiting[~same]
            place[waiting] += 1
        return found


def stacked(pieces: Iterable[Numbers]) -> Numbers:
    """Arrays of 20-byte ids one after another."""
    return np.concatenate([np.zeros(0, "V20"), *pieces])


def _prefixes(whole: Numbers) -> Numbers:
    raw = np.ascontiguousarray(whole).view(np.uint8).reshape(-1, 20)[:, :8]
    return np.ascontiguousarray(raw).view(">u8").reshape(-1).astype(np.uint64)
