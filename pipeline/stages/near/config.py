"""Configuration of the near stage: section `[near]`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.local_path import LocalPath

PERMUTATIONS = 256  # length of a MinHash signature; bands and rows take a part of it
STACK_PERMUTATIONS = 250  # the same for The Stack v2
STACK_BANDS, STACK_ROWS = 25, 10

Profile = Literal["verified", "stack-v2"]


class NearConfig(BaseModel):
    """What counts as a near-duplicate, and how candidates for one are found.

    `threshold` and `ngram` decide what a near-duplicate is; `bands` and `rows` only how many of them
    become candidates, because every candidate is checked by exact Jaccard similarity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Whether near-duplicates are removed at all.")
    profile: Profile = Field(
        default="verified",
        description="verified: what this stage's page describes. stack-v2: as The Stack v2 was made (its tokens, hash, "
        "permutations and 25 bands of 10 rows): all but the best-ranked of each component go, however unlike it.",
    )
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
    max_component: int = Field(
        default=100_000,
        ge=2,
        description="Files of one component that are decided together. A component of more is cut into pieces, so that "
        "memory stays bounded: near-duplicates in different pieces both stay.",
    )
    normalised: bool = Field(
        default=False,
        description="Whether files go that differ from another only in line ends, blanks before them, empty lines at "
        "the end, or a byte order mark; also those that are too short to be compared.",
    )
    repositories: Literal["report", "drop", "off"] = Field(
        default="report",
        description="Whether mirrors, forks and repositories contained in others are looked for, and dropped whole.",
    )
    repository_containment: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="Share of a repository's distinct contents that lie in another one, from which on it is a copy.",
    )
    prior: LocalPath | None = Field(
        default=None,
        description="Folder of an earlier release. Its files stay, and new near-duplicates of them go.",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_the_profile(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("profile") == "stack-v2":
            return {"bands": STACK_BANDS, "rows": STACK_ROWS} | data
        return data

    @model_validator(mode="after")
    def _fits_the_signature(self) -> NearConfig:
        if self.bands * self.rows > self.permutations:
            raise ValueError(
                f"{self.bands} bands of {self.rows} rows need {self.bands * self.rows} signature values, but "
                f"a signature has {self.permutations}: lower bands or rows until bands * rows <= {self.permutations}"
            )
        if self.profile == "stack-v2" and self.engine == "datasketch":
            raise ValueError(
                'profile "stack-v2" has permutations of its own, which datasketch does not compute: leave engine out'
            )
        return self

    @property
    def permutations(self) -> int:
        """Values of a signature."""
        return STACK_PERMUTATIONS if self.profile == "stack-v2" else PERMUTATIONS

    def candidate_probability(self, jaccard: float) -> float:
        """The chance that two files of this Jaccard similarity become candidates: 1 - (1 - J^rows)^bands.

        Source: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.

        >>> [round(NearConfig().candidate_probability(j), 2) for j in (0.5, 0.7, 0.8, 0.9)]
        [0.12, 0.85, 1.0, 1.0]
        """
        return float(1 - (1 - jaccard**self.rows) ** self.bands)

    def mean_candidate_probability(self, low: float, high: float) -> float:
        """Its mean over similarities spread evenly from `low` to `high`.

        >>> round(NearConfig().mean_candidate_probability(0.7, 1), 3)
        0.984
        """
        steps = 1000
        middles = (low + (high - low) * (step + 0.5) / steps for step in range(steps))
        return sum(map(self.candidate_probability, middles)) / steps
