from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.errors import InputError
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.shingles import shingles
from pipeline.stages.near.tables import SHINGLES

from .samples import blobs_of, documents, large, shingle_hashes_of

TEXTS = documents(300, seed=3)


@pytest.mark.parametrize("ngram", [1, 5])
def test_sorted_distinct_xxh64_of_the_shingles(ngram: int) -> None:
    table = shingles(blobs_of(TEXTS), large(TEXTS), NearConfig(ngram=ngram))
    assert table.schema == SHINGLES
    assert table["blob"].to_pylist() == blobs_of(TEXTS).to_pylist()
    assert table["shingles"].to_pylist() == [shingle_hashes_of(text, ngram) for text in TEXTS]


def test_a_document_that_begins_as_the_one_before_ends() -> None:
    texts = ["a b c d e", "", "a b c d e", "a b c d e a b c d e"]
    found = shingles(blobs_of(texts), large(texts), NearConfig())["shingles"].to_pylist()
    assert [len(hashes) for hashes in found] == [1, 0, 1, 5]


def test_slices_and_chunks_do_not_matter() -> None:
    whole = shingles(blobs_of(TEXTS), large(TEXTS), NearConfig())
    part = shingles(blobs_of(TEXTS).slice(5, 40), large(TEXTS).slice(5, 40), NearConfig())
    assert part.equals(whole.slice(5, 40))
    chunked = pa.chunked_array([large(TEXTS[:9]), large(TEXTS[9:])])
    assert shingles(pa.chunked_array([blobs_of(TEXTS)]), chunked, NearConfig()).equals(whole)


def test_empty_and_unequal() -> None:
    assert shingles(blobs_of([]), large([]), NearConfig()).equals(SHINGLES.empty_table())
    with pytest.raises(InputError, match="0 blobs and 1 texts"):
        shingles(blobs_of([]), large(["a"]), NearConfig())


def test_many_and_repeated_shingles() -> None:
    many = " ".join(str(number % 9001) for number in range(30_000))
    texts = ["again " * 500, many, many[:200] * 40]
    found = shingles(blobs_of(texts), large(texts), NearConfig())["shingles"].to_pylist()
    assert found == [shingle_hashes_of(text) for text in texts]
