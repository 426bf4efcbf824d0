"""Compiling the numba kernels ahead: `python -m pipeline.stages.near.kernels` fills the cache that workers share.

Cold, they take some ten seconds of one core; the runner starts this beside the first steps of a run.
"""

from __future__ import annotations

import pyarrow as pa

from pipeline.schema import BLOB
from pipeline.stages.near.bands import band_rows
from pipeline.stages.near.components import components, star_edges
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.shingles import shingles
from pipeline.stages.near.verify import choose


def main() -> None:
    """Run every kernel once, on two small documents that are alike."""
    config = NearConfig()
    blobs = pa.array([bytes([number] * 20) for number in (1, 2)], BLOB)
    texts = pa.array(["one two three four five six seven"] * 2, pa.large_string())
    rows = band_rows(blobs, texts, config)
    members = components(star_edges(rows))
    keys = rows.column("key").to_numpy().reshape(2, config.bands)
    documents = pa.table(
        {
            "blob": blobs,
            "component": members.column("component"),
            "guard": [False, False],
            "prior": [False, False],
            "shingles": shingles(blobs, texts, config).column("shingles"),
            "keys": pa.array(list(keys), pa.list_(pa.uint64())),
        }
    )
    choose(documents, config)


if __name__ == "__main__":
    main()
