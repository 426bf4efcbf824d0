"""Configuration of the release stage."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.local_path import LocalPath
from pipeline.stages.release.subsets import SubsetConfig, ready_made


class ReleaseConfig(BaseModel):
    """How shards are cut. All of it decides the release's bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shard_bytes: int = Field(
        default=256 << 20,
        ge=1024,
        description="Text that a shard should hold at most; a language gets the power of two of shards that fits",
    )
    row_group_rows: int = Field(default=1000, ge=1, description="Rows of a Parquet row group")
    compression_level: int = Field(default=6, ge=1, le=19, description="zstd level")
    ledger_files: int = Field(
        default=1,
        ge=1,
        le=4096,
        description="Files of each ledger: a power of two; more for more than some million rows",
    )
    subsets: dict[str, SubsetConfig] = Field(
        default_factory=dict,
        validate_default=True,
        description="By name, which rows are in, as a column in_NAME; full, train and strict are there without being "
        "named, and may be given anew",
    )
    previous: LocalPath | None = Field(
        default=None, description="release.json of the version before this one: chains the manifests"
    )

    @field_validator("subsets")
    @classmethod
    def _with_the_ready_made(cls, subsets: dict[str, SubsetConfig]) -> dict[str, SubsetConfig]:
        for name in subsets:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name):
                raise ValueError(f"subset {name!r}: expected a name of small letters, digits and _, such as my_subset")
        return dict(sorted((ready_made() | subsets).items()))

    @field_validator("ledger_files")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError("expected a power of two, such as 1 or 64")
        return value
