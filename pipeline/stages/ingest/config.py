"""Configuration of the ingest stage: where the code comes from, and how much of it is read."""

from __future__ import annotations

from datetime import date
from string import Formatter
from typing import Annotated, Literal

import xxhash
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.local_path import LocalPath, PathOrUrl
from pipeline.stages.ingest.dataset.config import ParquetSource

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


class SwhSource(BaseModel):
    """Software Heritage: a graph export with the contents that it lists, at the newest visits or at given dates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["swh"] = Field(default="swh", description="A graph export of Software Heritage")
    export: PathOrUrl = Field(
        description="Folder with one folder per table (origin/, snapshot/, directory_entry/ ...), as ORC or Parquet: a "
        "path, or a URL such as s3://softwareheritage/graph/2024-08-23-popular-500-python/orc"
    )
    name: str | None = Field(
        default=None,
        description="What the export is called in a release; without this, the last part of its location that is not "
        "orc or parquet",
    )
    contents: PathOrUrl | None = Field(
        default=None,
        description="Folder or URL of the contents by sha1, such as s3://softwareheritage/content; without this, the "
        "column content.data of the export",
    )
    contents_layout: Literal["flat", "sliced"] = Field(
        default="flat", description="flat: <sha1>; sliced: <2 digits>/<2 digits>/<sha1>"
    )
    compression: Literal["gzip", "none"] = Field(default="gzip", description="Of the objects in `contents`")
    origins: tuple[str, ...] = Field(
        default=(),
        description="URL patterns with * and ?; an origin that matches one is taken; without any, all are",
    )
    origin_list: LocalPath | None = Field(
        default=None, description="A text file with one origin URL a line; only these are taken"
    )
    forges: tuple[str, ...] = Field(
        default=(), description="Host names, such as github.com; only origins there are taken; without any, all are"
    )
    visit_types: tuple[str, ...] = Field(
        default=(), description="Such as git, hg, pypi; only visits of these types are taken; without any, all are"
    )
    as_of: date | tuple[date, ...] | None = Field(
        default=None,
        description="The newest visit at or before the end of this day (UTC); several days give several listings",
    )
    verify: Literal["standard", "full"] = Field(
        default="standard", description="standard: length, sha1, sha1_git and sha256; full: blake2s256 too"
    )
    history: bool = Field(
        default=False, description="Also a ledger of revisions, and when each path was first seen and last changed"
    )


class IngestConfig(BaseModel):
    """What is read, and the budgets that refuse the rest. All of them are counted, none is timed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[
        Annotated[ArchivesSource | GitSource | SwhSource | ParquetSource, Field(discriminator="kind")], ...
    ] = Field(default=(), description="Where the code comes from")
    repositories: LocalPath | None = Field(
        default=None,
        description="A table of what is known of repositories: a CSV, JSON Lines or Parquet file with the columns "
        "origin and optionally stars, forks, archived, fork_of, aliases, license",
    )
    sample: float = Field(
        default=1.0, gt=0, le=1, description="Share of the origins to take, chosen by the hash of their names"
    )
    decode: Literal["guess", "strict"] = Field(
        default="guess",
        description="guess: text that is neither UTF-8 nor marked is decoded where a guess gives its bytes back, and "
        "marked as guessed; strict: it is refused",
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


def is_sampled(origin: str, config: IngestConfig) -> bool:
    """Whether the sample takes this origin: by the hash of its name alone, so that a larger sample holds it too."""
    return config.sample == 1 or xxhash.xxh64_intdigest(origin.encode(), seed=1) < config.sample * 2**64
