"""Configuration of the near stage: section `[near]`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.local_path import LocalPath

PERMUTATIONS = 256  # length of a MinHash signature; bands and rows take a part of it


class NearConfig(BaseModel):
    """What counts as a near-duplicate, and how candidates for one are found.

    `threshold` and `ngram` decide what a near-duplicate is; `bands` and `rows` only how many of them
    become candidates, because every candidate is checked by exact Jaccard similarity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Whether near-duplicates are removed at all.")
    threshold: float = Field(
        default=0.7,
        gt=0,
        le=1,
        description="Smallest exact Jaccard similarity of two files' shingle sets that makes one of them a "
        "near-duplicate of the other.",
    )
    bands: int = Field(default=32, ge=1, le=PERMUTATIONS, description="LSH bands; two files meet if one agrees.")
    rows: int = Field(default=8, ge=1, le=PERMUTATIONS, description="Signature values in a band.")
    ngram: int = Field(
        default=5,
        ge=1,
        le=64,
        description="Tokens in a shingle. A file with fewer tokens is never a near-duplicate.",
    )
    engine: Literal["numba", "datasketch"] = Field(
        default="numba",
        description="What computes signatures: the compiled kernel, or datasketch (slow, the same bits).",
    )
    max_kept_per_key: int = Field(
        default=64,
        ge=1,
        description="Kept files that a file is compared with per band key, best-ranked first. Guards do not "
        "count and are always compared.",
    )
    prior: LocalPath | None = Field(
        default=None,
        description="Folder of an earlier release. Its files stay, and new near-duplicates of them go.",
    )

    @model_validator(mode="after")
    def _fits_the_signature(self) -> NearConfig:
        if self.bands * self.rows > PERMUTATIONS:
            raise ValueError(
                f"{self.bands} bands of {self.rows} rows need {self.bands * self.rows} signature values, but "
                f"a signature has {PERMUTATIONS}: lower bands or rows until bands * rows <= {PERMUTATIONS}"
            )
        return self

    def candidate_probability(self, jaccard: float) -> float:
        """The chance that two files of this Jaccard similarity become candidates: 1 - (1 - J^rows)^bands.

        Source: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.

        >>> [round(NearConfig().candidate_probability(j), 2) for j in (0.5, 0.7, 0.8, 0.9)]
        [0.12, 0.85, 1.0, 1.0]
        """
        return float(1 - (1 - jaccard**self.rows) ** self.bands)
