"""Configuration of the redaction stage."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.local_path import LocalPath


class RedactConfig(BaseModel):
    """What is looked for and what happens to it. `engine` changes the speed, never the findings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Whether texts are redacted at all")
    engine: Literal["hyperscan", "re2"] = Field(
        default="hyperscan",
        description="The multi-pattern engine; re2 is slower, needs no x86-64, and gives the same findings",
    )
    notice_emails: Literal["replace", "keep"] = Field(
        default="replace",
        description="E-mail addresses on copyright lines; names there are kept, as licences demand",
    )
    entropy: Literal["named", "all"] = Field(
        default="named",
        description=(
            "Random-looking quoted strings: only beside a key-like name, all of them, or none. Lock files "
            "and checksum lines are left alone unless all are asked for"
        ),
    )
    keep_classes: tuple[str, ...] = Field(
        default=(), description="Classes that are left in the text, such as IPV4 (names as in the ledger)"
    )
    commitment_key: LocalPath | None = Field(
        default=None,
        description="A key file, one per dataset line, for keyed commitments of values; none: no commitments",
    )
