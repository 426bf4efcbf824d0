"""The stage's functions one after another, as its steps call them."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.components import components, star_edges
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.shingles import shingles
from pipeline.stages.near.verify import choose

from .samples import blobs_of, choosable, keys_by_blob, large, variants

CONFIG = NearConfig()
TEXTS = [*variants(250, seed=5), "a b c d", "e f g h", ""]  # in rank order


def _duplicates(parts: int, buckets: int, seed: int) -> pa.Table:
    """Texts in `parts`, band rows in `buckets` by key, components in `buckets`; all in an order of `seed`."""
    shuffled = random.Random(seed).sample(TEXTS, len(TEXTS))
    rows = pa.concat_tables(
        [band_rows(blobs_of(shuffled[i::parts]), large(shuffled[i::parts]), CONFIG) for i in range(parts)]
    )
    bucket = [key % buckets for key in rows["key"].to_pylist()]
    edges = [star_edges(rows.filter(pa.array([b == n for b in bucket]))) for n in range(buckets)]
    component = dict(zip(*(c.to_pylist() for c in components(pa.concat_tables(edges)).columns), strict=True))
    keys = keys_by_blob(rows)
    clustered = [text for text, blob in zip(TEXTS, blobs_of(TEXTS).to_pylist(), strict=True) if blob in component]
    dropped = []
    for n in range(buckets):
        mine = [
            t for t, b in zip(clustered, blobs_of(clustered).to_pylist(), strict=True) if component[b][0] % buckets == n
        ]
        blobs = blobs_of(mine)
        table = shingles(blobs, large(mine), CONFIG)
        table = table.append_column("component", pa.array([component[b] for b in blobs.to_pylist()], pa.binary(20)))
        table = table.append_column("keys", pa.array([keys[b] for b in blobs.to_pylist()], pa.list_(pa.uint64())))
        table = table.append_column("guard", pa.array([False] * len(mine), pa.bool_()))
        dropped.append(choose(table, CONFIG).dropped)
    return pa.concat_tables(dropped).sort_by("dropped")


@pytest.mark.parametrize(("parts", "buckets", "seed"), [(1, 1, 1), (7, 3, 2), (64, 16, 3)])
def test_parts_buckets_and_order_do_not_matter(parts: int, buckets: int, seed: int) -> None:
    # The reference has no parts at all: every text in one table, not cut down to clusters.
    expected = choose(choosable(TEXTS, CONFIG), CONFIG).dropped.drop_columns(["component"])
    found = _duplicates(parts, buckets, seed)
    assert expected.num_rows > 50
    assert found.drop_columns(["component"]).equals(expected)
