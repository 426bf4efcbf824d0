"""The configuration of the stage: section `[license]`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.local_path import LocalPath, NameOrTomlPath

Mode = Literal["strict", "standard", "stack-v2"]

STACK_V2: Mode = "stack-v2"


class LicenseConfig(BaseModel):
    """How licences are found and judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: NameOrTomlPath = Field(
        default="permissive-2",
        description="Which licences are permissive: a shipped policy's name, or the path of a .toml file.",
    )
    mode: Mode = Field(
        default="strict",
        description="strict: the licence at the path and the file's own header must both be permissive "
        "where they speak. standard: a header that speaks decides alone. stack-v2: as The Stack v2 was made "
        "(its names of licence files, the union of all folders above, the repository's own id first; no headers).",
    )
    keep: tuple[Literal["permissive", "permissive_weak", "no_license", "contested", "non_permissive"], ...] = Field(
        default=("permissive",), min_length=1, description="The verdicts that stay in."
    )
    contested_bytes: int = Field(
        default=64,
        ge=0,
        description="A file shorter than this (bytes) is not contested by its copies: too little to be anybody's.",
    )
    reviews: LocalPath | None = Field(
        default=None, description="A file of reviews (permastack review import), which go before detection."
    )
    reviewers: LocalPath | None = Field(
        default=None,
        description="The reviewers' public keys, in OpenSSH's format for allowed signers: by these the reviews must be "
        "signed.",
    )
    unsigned_reviews: bool = Field(default=False, description="Whether reviews are taken that nobody signed.")
    headers: bool = Field(
        default=True, description="Whether the headers of source files are read; without, only paths decide."
    )
    max_license_bytes: int = Field(
        default=300_000,
        ge=1,
        description="Licence files up to this length (bytes) are matched approximately, longer ones exactly.",
    )
    max_header_bytes: int = Field(
        default=1_000_000,
        ge=1,
        description="How much of a licence file is read, and of what stands around the words of licences in another "
        "file (bytes). A file with more to read is over budget, and not permissive.",
    )

    def contests(self, length: int) -> bool:
        """Whether a file of this many bytes can be contested by its copies. The Stack v2 knew no such thing."""
        return self.mode != STACK_V2 and length >= self.contested_bytes

    def depth_for(self, length: int) -> Literal["full", "exact"]:
        """How a licence file of this many bytes is matched. A budget by bytes, so that it decides the same
        everywhere.
        """
        return "full" if length <= self.max_license_bytes else "exact"

    def excerpt(self, data: bytes) -> bytes:
        """The part of a text that is read: whole lines within `max_header_bytes`, or that many bytes of one
        long line.
        """
        if len(data) <= self.max_header_bytes:
            return data
        cut = data[: self.max_header_bytes]
        return cut[: cut.rfind(b"\n") + 1] or cut
