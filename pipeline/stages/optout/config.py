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
    repositories: LocalPath | None = Field(
        default=None,
        description="A table whose aliases are other names of a repository, so that a request for one holds for all; "
        "without this, that of ingest.repositories",
    )
    commitment_key: LocalPath | None = Field(
        default=None,
        description="A key file (32 bytes or more): with it a release carries keyed commitments of what was removed",
    )
