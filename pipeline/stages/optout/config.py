"""Configuration of the opt-out stage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from pipeline.local_path import LocalPath


class OptoutConfig(BaseModel):
    """Which requests to honour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    registry: LocalPath | None = Field(
        default=None, description="An append-only JSON Lines file of requests; none: nobody has opted out"
    )
    commitment_key: LocalPath | None = Field(
        default=None,
        description="A key file (32 bytes or more): with it a release carries keyed commitments of what was removed",
    )
