"""Configuration of the release stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.local_path import LocalPath


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
    previous: LocalPath | None = Field(
        default=None, description="release.json of the version before this one: chains the manifests"
    )

    @field_validator("ledger_files")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError("expected a power of two, such as 1 or 64")
        return value
