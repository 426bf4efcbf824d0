"""Configuration of the ingest stage: where the code comes from, and how much of it is read."""

from __future__ import annotations

from string import Formatter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.local_path import LocalPath

TEMPLATE_FIELDS = ("name", "version", "filename", "stem")


class ArchivesSource(BaseModel):
    """Packages as files: wheels, sdists, tar and zip archives, and plain folders."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["archives"] = Field(default="archives", description="Archives and plain folders")
    path: LocalPath | tuple[LocalPath, ...] = Field(
        description="A glob, a path or several: each archive or folder that matches is one origin"
    )
    origin: str | None = Field(
        default=None,
        description="How an origin is called, with {name}, {version}, {filename} and {stem} of its file, "
        "such as pkg:pypi/{name}@{version}; without this and `origins` it is local:{filename}",
    )
    origins: LocalPath | None = Field(
        default=None,
        description="A CSV file with the columns path, origin and optionally stars, forks, date: one row per input",
    )

    @model_validator(mode="after")
    def _one_way_of_naming(self) -> ArchivesSource:
        if self.path in ("", ()):
            raise ValueError("path is empty: give a glob or a list of paths")
        if self.origin is None:
            return self
        if self.origins is not None:
            raise ValueError("give either origin (a template) or origins (a CSV file), not both")
        if not self.origin:
            raise ValueError("origin is empty: leave it out, or write one such as pkg:pypi/{name}@{version}")
        for _, field, _, _ in Formatter().parse(self.origin):
            if field is not None and field not in TEMPLATE_FIELDS:
                known = ", ".join(f"{{{name}}}" for name in TEMPLATE_FIELDS)
                raise ValueError(f"origin has the unknown field {{{field}}}: it may use {known}")
        return self


class GitSource(BaseModel):
    """Git repositories on this machine: HEAD of each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["git"] = Field(default="git", description="Git repositories")
    paths: tuple[LocalPath, ...] = Field(
        min_length=1, description="Globs or paths of clones, bare repositories, worktrees and bundles"
    )
    origins: LocalPath | None = Field(
        default=None,
        description="A CSV file with the columns path, origin and optionally stars, forks, date; a "
        "repository that it does not list is called by its remote",
    )


class IngestConfig(BaseModel):
    """What is read, and the budgets that refuse the rest. All of them are counted, none is timed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[Annotated[ArchivesSource | GitSource, Field(discriminator="kind")], ...] = Field(
        default=(), description="Where the code comes from"
    )
    sample: float = Field(
        default=1.0, gt=0, le=1, description="Share of the origins to take, chosen by the hash of their names"
    )
    max_file_bytes: int = Field(
        default=10 * 2**20,
        ge=1,
        le=2**30,
        description="A larger file is listed but not read; 10 MiB as in The Stack v2",
    )
    max_archive_bytes: int = Field(
        default=4 * 2**30, ge=1, description="An archive or folder of more bytes than this is refused whole"
    )
    max_ratio: int = Field(
        default=200,
        ge=2,
        description="An archive that unpacks to more than this many times its size is refused whole, once "
        "that is more than one file of max_file_bytes",
    )
    max_entries: int = Field(
        default=1_000_000,
        ge=1,
        description="An origin of more members or folders is refused whole; 1,000,000 as in The Stack v2",
    )
