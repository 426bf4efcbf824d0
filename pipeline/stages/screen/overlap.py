"""How much of a benchmark's texts a file holds: whole texts, and shares of their n-grams.

Both are looked for in the plain form of texts: their UTF-8 bytes without ASCII blanks, ASCII letters small. A text is
found whole where its plain form is a part of the file's. Its n-grams are the distinct runs of n bytes of its plain
form; the share of a text is that of its n-grams that are in the file. Texts whose plain form is shorter than
`benchmark_characters` prove nothing and are not looked for (The Stack v2 kept a list of such, one of them misspelt).
Sources: StarCoder 2 and The Stack v2 (arXiv 2402.19173, section 3.3) for whole texts without blanks; GPT-4's technical
report (arXiv 2303.08774, appendix C) for n-grams of characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import ahocorasick
import numpy as np
from numpy.typing import NDArray

from pipeline.stages.screen.benchmarks import BenchmarkText

_SMALL = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_BLANKS = b" \t\n\r\v\f"
_BASE = np.uint64(0x9E3779B97F4A7C15)
_TABLE_BITS = 22
_SPARE_BITS = 4


class Overlap(NamedTuple):
    """The text of a benchmark that a file holds most of: its benchmark, its item, and the share, 1 for a whole text."""

    benchmark: str
    item: int
    share: float


def plain(text: bytes) -> bytes:
    """The form in which texts are compared."""
    return text.translate(_SMALL, _BLANKS)


class Screen:
    """The texts of benchmarks, ready to be looked for. Memory: some hundred bytes per byte of text."""

    def __init__(self, texts: Sequence[BenchmarkText], characters: int, ngram: int) -> None:
        """`characters` is the length of the shortest plain form that is looked for, `ngram` that of n-grams."""
        self._ngram = ngram
        self._texts = [(text, form) for text in texts if len(form := plain(text.data)) >= characters]
        self._whole = ahocorasick.Automaton()
        grams: dict[bytes, list[int]] = {}
        self._sizes: list[int] = []
        for number, (_, form) in enumerate(self._texts):
            # Bytes as characters: the automaton takes text.
            key = form.decode("latin-1")
            self._whole.add_word(key, (*self._whole.get(key, ()), number))
            own = {form[i : i + ngram] for i in range(len(form) - ngram + 1)}
            self._sizes.append(len(own))
            for gram in own:
                grams.setdefault(gram, []).append(number)
        self._grams = grams
        self._whole.make_automaton()
        # Sixteen places or more for an n-gram, so that few others fall on one that is taken.
        self._bits = max(_TABLE_BITS, len(grams).bit_length() + _SPARE_BITS)
        self._table = np.zeros(1 << self._bits, np.bool_)
        for _, form in self._texts:
            self._table[_places(form, ngram, self._bits)] = True

    def look(self, text: bytes) -> Overlap | None:
        """What a file holds most of; of equal shares the first text's. None: no n-gram and no text is in it.

        Time is linear in the file and in what it shares with benchmarks.
        """
        form = plain(text)
        shares: dict[int, float] = {}
        if self._texts:
            for _, numbers in self._whole.iter(form.decode("latin-1")):
                shares |= dict.fromkeys(numbers, 1.0)
        n = self._ngram
        likely = np.flatnonzero(self._table[_places(form, n, self._bits)])
        counts: dict[int, int] = {}
        for gram in {form[i : i + n] for i in likely.tolist()}:
            for number in self._grams.get(gram, ()):
                counts[number] = counts.get(number, 0) + 1
        for number, count in counts.items():
            shares.setdefault(number, count / self._sizes[number])
        if not shares:
            return None
        best = min(shares, key=lambda number: (-shares[number], number))
        found = self._texts[best][0]
        return Overlap(found.benchmark, found.item, round(shares[best], 4))


def _places(data: bytes, n: int, bits: int) -> NDArray[np.uint64]:
    """Of each run of n bytes its place in the table: a polynomial of its bytes modulo 2^64, of which the
    first `bits`."""
    if len(data) < n:
        return np.zeros(0, np.uint64)
    with np.errstate(over="ignore"):
        # Runs of 1, 2, 4 ... bytes are put together to one of n by the binary digits of n.
        power = np.frombuffer(data, np.uint8).astype(np.uint64) + np.uint64(1)
        factor, done, found, length = _BASE, 0, np.zeros(len(data) - n + 1, np.uint64), 1
        while True:
            if n & length:
                found = found * factor + power[done : done + len(found)]
                done += length
            if length * 2 > n:
                break
            power = power[:-length] * factor + power[length:]
            factor = factor * factor
            length *= 2
        return (found * _BASE) >> np.uint64(64 - bits)
