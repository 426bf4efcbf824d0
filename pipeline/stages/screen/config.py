"""Configuration of the screens. Each is off until it is given what it needs."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.local_path import LocalPath


class BenchmarkConfig(BaseModel):
    """A benchmark whose texts a model will be tested on: `[screen.benchmarks.NAME]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: LocalPath = Field(description="The file (.jsonl or .jsonl.gz), or for text a folder")
    format: Literal["humaneval", "mbpp", "jsonl", "text"] = Field(
        description="humaneval: docstrings and solutions; mbpp: texts and code; jsonl: the fields that `fields` names; "
        "text: each file of a folder"
    )
    fields: tuple[str, ...] = Field(default=(), description="With jsonl: the fields of each line that hold texts")
    exempt: tuple[str, ...] = Field(
        default=(),
        description="Texts that are too common to prove anything, by name: ID, or ID:FIELD, such as "
        "HumanEval/28:canonical_solution; with jsonl ID is the line's number from 1, with text the path in the folder",
    )

    @model_validator(mode="after")
    def _fields_go_with_jsonl(self) -> BenchmarkConfig:
        if (self.format == "jsonl") != bool(self.fields):
            raise ValueError('fields are needed with format = "jsonl", and only there')
        return self


class MalwareConfig(BaseModel):
    """Whether ClamAV looks at files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clamd: LocalPath | None = Field(
        default=None,
        description="Address of ClamAV's daemon: its socket, such as /run/clamav/clamd.ctl, or tcp://HOST:PORT; "
        "none: nothing is scanned",
    )
    action: Literal["flag", "drop"] = Field(
        default="flag", description="What becomes of a file in which it finds something"
    )


class ScreenConfig(BaseModel):
    """What files are held against."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    benchmarks: dict[str, BenchmarkConfig] = Field(
        default_factory=dict, description="By name, benchmarks whose texts must not be trained on"
    )
    benchmark_characters: int = Field(
        default=40,
        ge=8,
        description="Characters without blanks that a text of a benchmark must have at least to be looked for",
    )
    benchmark_ngram: int = Field(
        default=30, ge=8, le=4096, description="Characters without blanks in an n-gram of a benchmark's text"
    )
    benchmark_share: float = Field(
        default=0.5,
        gt=0.0,
        le=1.0,
        description="Share of the n-grams of one text in a file from which on the file is contaminated",
    )

    malware: MalwareConfig = Field(default_factory=MalwareConfig, description="Scanning by ClamAV")
    parse: bool = Field(
        default=False,
        description="Whether texts in some 20 languages are parsed; needs pip install 'permastack[parse]'",
    )

    @field_validator("benchmarks")
    @classmethod
    def _have_plain_names(cls, benchmarks: dict[str, BenchmarkConfig]) -> dict[str, BenchmarkConfig]:
        for name in benchmarks:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name):
                raise ValueError(
                    f"benchmark {name!r}: expected a name of small letters, digits and _, such as my_tests"
                )
        return dict(sorted(benchmarks.items()))
