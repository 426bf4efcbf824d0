"""What an earlier release says: which files it has, in which clusters, and what it dropped for which of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import ConfigError
from pipeline.manifest.model import read_release
from pipeline.schema import BLOB
from pipeline.stages.near.config import NearConfig
from pipeline.stages.near.tables import PRIOR_PAIRS, PRIORS

_INDEX = "index/released.parquet"


def prior_identity(folder: str) -> str:
    """The root of the release that lies there. Raises ConfigError where none does."""
    if not (Path(folder) / _INDEX).is_file():
        raise ConfigError(f"near.prior: {folder} is no release: it has no {_INDEX}")
    return read_release(Path(folder) / "release.json").root


def released(folder: str) -> Iterator[pa.Table]:
    """PRIORS of the release, shard by shard."""
    for path in sorted(Path(folder).glob("data/*/*.parquet")):
        table = pq.read_table(path, columns=["swhid", "cluster_id"], partitioning=None)
        yield pa.table([_blobs(table.column("swhid")), _blobs(table.column("cluster_id"))], schema=PRIORS)


def pairs(folder: str, config: NearConfig) -> Iterator[pa.Table]:
    """PRIOR_PAIRS that hold under `config` as well: of the same shingles, and as similar as it asks for."""
    before = read_release(Path(folder) / "release.json").configuration.get("near", {})
    if (before.get("ngram"), before.get("profile")) != (config.ngram, config.profile):
        return
    for path in sorted(Path(folder).glob("ledger/duplicates/*.parquet")):
        table = pq.read_table(path, partitioning=None)
        kinds = pa.array(["near", "normalised"] if config.normalised else ["near"])
        table = table.filter(pc.is_in(table.column("kind"), value_set=kinds))
        if config.profile == "verified":
            table = table.filter(pc.greater_equal(table.column("jaccard"), config.threshold))
        table = table.append_column("normalised", pc.equal(table.column("kind"), "normalised"))
        yield table.select(PRIOR_PAIRS.names).cast(PRIOR_PAIRS)


def _blobs(swhids: pa.ChunkedArray) -> pa.Array:
    """The ids of content SWHIDs."""
    column = swhids.combine_chunks()
    present = column.drop_null()
    raw = bytes.fromhex("".join(text.rpartition(":")[2] for text in present.to_pylist()))
    found = pa.FixedSizeBinaryArray.from_buffers(BLOB, len(present), [None, pa.py_buffer(raw)])
    place = pc.subtract(pc.cumulative_sum(pc.is_valid(column).cast(pa.int64())), 1)
    return found.take(pc.if_else(pc.is_valid(column), place, pa.scalar(None, pa.int64())))
