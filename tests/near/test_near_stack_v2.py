"""The profile "stack-v2" against BigCode's published formula, in plain Python."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pytest
import xxhash
from numpy.typing import NDArray
from pydantic import ValidationError

from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.signatures import permutations, signatures
from pipeline.stages.near.verify import choose

from .samples import EDGES, blobs_of, choosable, documents, large, variants

CONFIG = NearConfig(profile="stack-v2")
CASES = [*documents(1000, seed=4), "İstanbul ΟΔΟΣ ΟΔΟΣ. Σ Σα aΣ x y z", "ΑΣ a b c d\n", "\n\n\n\n", "a", "++--++"]


def _tokens(text: str) -> list[str]:
    return re.split(r"\W", text.lower())


def _hashes(text: str, ngram: int) -> set[int]:
    tokens = _tokens(text)
    return {xxhash.xxh32_intdigest(" ".join(tokens[i : i + ngram]).encode()) for i in range(len(tokens) - ngram + 1)}


def _formula(hashes: Iterable[int]) -> NDArray[np.uint32]:
    """a, b by RandomState(42); ((a * h + b) mod 2^32) mod (2^32 - 5), and the minimum from 2^32 - 1."""
    prime = 2**32 - 5
    draw = np.random.RandomState(42)
    a = draw.randint(1, prime, 250, np.uint32).astype(np.uint64)
    b = draw.randint(0, prime, 250, np.uint32).astype(np.uint64)
    least = np.full(250, 2**32 - 1, np.uint64)
    for h in hashes:
        least = np.minimum(least, (a * np.uint64(h) + b) % np.uint64(2**32) % np.uint64(prime))
    return least.astype(np.uint32)


def test_published_values_of_shingle_hashes() -> None:
    # The doctest of `ngrams` in bigcode-dataset's near_deduplication/bigcode-v2.
    published = {"a b": 433422276, "b c": 459146835, "c d": 145323813}
    for shingle, value in published.items():
        assert _hashes(shingle, 2) == {value}
        assert np.array_equal(signatures(large([shingle]), 2, 250, "stack-v2").values[0], _formula([value]))
    whole = signatures(large(["a b c d"]), 2, 250, "stack-v2").values[0]
    assert np.array_equal(whole, _formula(published.values()))


def test_permutations_are_drawn_as_published() -> None:
    multipliers, addends = permutations("stack-v2")
    assert multipliers[:3].tolist() == [1608637543, 3421126068, 4083286877]
    assert len(multipliers) == len(addends) == 250
    assert int((multipliers % 2 == 0).sum()) == 124  # the reference page counts as many


def test_signatures_are_the_formulas_bits() -> None:
    got, comparable = signatures(large(CASES), 5, 250, "stack-v2")
    for text, signature, usable in zip(CASES, got, comparable, strict=True):
        assert np.array_equal(signature, _formula(_hashes(text, 5))), text[:80]
        assert usable == (len(_tokens(text)) >= 5)


def test_short_files_have_no_bands_here_either() -> None:
    rows = band_rows(blobs_of(["foo", "echo hi"]), large(["foo", "echo hi"]), CONFIG)
    assert rows.num_rows == 0


def test_all_but_the_best_of_a_component_go() -> None:
    texts = variants(40)
    table = choosable(texts, CONFIG, guards=[0], priors=[1, 2])
    dropped = choose(table, CONFIG).dropped.to_pylist()
    blobs = table["blob"].to_pylist()
    against_guard = {row["dropped"] for row in dropped if row["against_guard"]}
    others = [row for row in dropped if not row["against_guard"]]
    kept = next(blob for blob in blobs[1:] if blob not in against_guard)
    assert {row["kept"] for row in others} == {kept}
    stay = {kept, *blobs[:3]}
    assert {row["dropped"] for row in others} == set(blobs) - against_guard - stay
    assert min(row["jaccard"] for row in others) < 0.5  # it says how unlike they are
    assert choose(choosable(EDGES[3:5], CONFIG), CONFIG).dropped.num_rows == 1


def test_defaults_and_limits() -> None:
    assert (CONFIG.bands, CONFIG.rows) == (25, 10)
    assert NearConfig(profile="stack-v2", bands=5).bands == 5
    with pytest.raises(ValidationError, match=r"a signature has 250: lower bands or rows"):
        NearConfig(profile="stack-v2", bands=32, rows=8)
    with pytest.raises(ValidationError, match="datasketch does not compute"):
        NearConfig(profile="stack-v2", engine="datasketch")
