"""Configuration of the redaction stage."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.local_path import LocalPath


class Override(BaseModel):
    """Another rule for some files, some classes, or both; a later override goes over an earlier one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: tuple[str, ...] = Field(default=(), description="Globs over the whole path; none: every path")
    languages: tuple[str, ...] = Field(default=(), description="Languages by file name, as enry names them; none: all")
    classes: tuple[str, ...] = Field(default=(), description="Classes that it speaks of; none: all")
    sensitivity: Literal["secrets-only", "standard", "strict"] | None = Field(
        default=None, description="Another setting of the dial"
    )
    least: float | None = Field(default=None, ge=0, le=1, description="The confidence that is asked for")
    action: Literal["replace", "keep", "drop"] | None = Field(
        default=None, description="What happens to what is found; drop: to the whole file that holds it"
    )
    risk: float = Field(
        default=0,
        ge=0,
        le=1,
        description="With drop: only files whose findings of these classes are of this risk or more",
    )


class RedactConfig(BaseModel):
    """What is looked for and what happens to it. `engine` changes the speed, never the findings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Whether texts are redacted at all")
    engine: Literal["hyperscan", "re2"] = Field(
        default="hyperscan",
        description="The multi-pattern engine; re2 is slower, needs no x86-64, and gives the same findings",
    )
    sensitivity: Literal["secrets-only", "standard", "strict"] = Field(
        default="standard",
        description=(
            "The dial: secrets-only leaves personal data, strict also replaces what is less sure, such as plain words "
            "as passwords in code"
        ),
    )
    overrides: tuple[Override, ...] = Field(
        default=(), description="Other rules by path, language and class: a list of tables, see docs/stages/redact.md"
    )
    notice_emails: Literal["replace", "keep"] = Field(
        default="replace",
        description="E-mail addresses on copyright lines; names there are kept, as licences demand",
    )
    entropy: Literal["named", "all"] = Field(
        default="named",
        description=(
            "Random-looking strings: only beside a key-like name and not in lock files, or all that stand in quotes"
        ),
    )
    keep_classes: tuple[str, ...] = Field(
        default=(), description="Classes that are left in the text, such as IPV4 (names as in the ledger)"
    )
    commitment_key: LocalPath | None = Field(
        default=None,
        description="A key file, one per dataset line, for keyed commitments of values; none: no commitments",
    )
