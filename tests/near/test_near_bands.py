from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.errors import InputError
from pipeline.stages.near import bands
from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.tables import BAND_ROWS

from .samples import blobs_of, documents, keys_by_blob, large, mostly_symbols, tokens_of, variants

TEXTS = documents(300)
CONFIG = NearConfig()


def test_rows_of_documents_in_order_then_bands() -> None:
    rows = band_rows(blobs_of(TEXTS), large(TEXTS), CONFIG)
    long_enough = [text for text in TEXTS if len(tokens_of(text)) >= 5 and not mostly_symbols(text)]
    assert rows.schema == BAND_ROWS
    assert rows["band"].to_pylist() == list(range(32)) * len(long_enough)
    assert rows["blob"].to_pylist()[::32] == blobs_of(long_enough).to_pylist()
    rows.validate(full=True)


@pytest.mark.parametrize("text", ["", "a", "a b c d", "a-b/c.d", "漢字 仮名 交じり 文"])
def test_short_documents_have_no_rows(text: str) -> None:
    assert band_rows(blobs_of([text]), large([text]), CONFIG).num_rows == 0


@pytest.mark.parametrize(("band_count", "rows"), [(32, 8), (25, 10), (3, 1)])
def test_engines_agree(band_count: int, rows: int) -> None:
    texts = TEXTS[:80]
    tables = [
        band_rows(blobs_of(texts), large(texts), NearConfig(bands=band_count, rows=rows, engine=engine))
        for engine in ("numba", "datasketch")
    ]
    assert tables[0].equals(tables[1])
    assert tables[0].num_rows > 0


def test_equal_token_sequences_share_all_keys_and_other_texts_none() -> None:
    same, also, other = "Aa = b(c, d) + e", "aa=B(C,D)  +E  ", "ff = g(h, i) + j"
    keys = keys_by_blob(band_rows(blobs_of([same, also, other]), large([same, also, other]), CONFIG))
    first, second, third = keys.values()
    assert first == second
    assert not set(first) & set(third)


def test_keys_estimate_similarity() -> None:
    texts = variants(40)
    keys = list(keys_by_blob(band_rows(blobs_of(texts), large(texts), NearConfig(bands=256, rows=1))).values())
    agree = [sum(x == y for x, y in zip(keys[0], other, strict=True)) for other in keys[1:]]
    assert max(agree) > 100  # of the same family
    assert min(agree) < 20  # of another


def test_parts_and_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = band_rows(blobs_of(TEXTS), large(TEXTS), CONFIG)
    cut = [band_rows(blobs_of(TEXTS).slice(i, 70), large(TEXTS).slice(i, 70), CONFIG) for i in range(0, len(TEXTS), 70)]
    assert pa.concat_tables(cut).equals(expected)
    chunked = pa.chunked_array([large(TEXTS[:11]), large(TEXTS[11:])])
    assert band_rows(pa.chunked_array([blobs_of(TEXTS)]), chunked, CONFIG).equals(expected)
    monkeypatch.setattr(bands, "_BATCH", 7)
    assert band_rows(blobs_of(TEXTS), large(TEXTS), CONFIG).equals(expected)


@pytest.mark.parametrize("engine", ["numba", "datasketch"])
def test_empty(engine: str) -> None:
    rows = band_rows(blobs_of([]), large([]), NearConfig.model_validate({"engine": engine}))
    assert rows.schema == BAND_ROWS
    assert rows.num_rows == 0


def test_refuses_columns_of_unequal_length() -> None:
    with pytest.raises(InputError, match="2 blobs and 1 texts"):
        band_rows(blobs_of(["a", "b"]), large(["a"]), CONFIG)
