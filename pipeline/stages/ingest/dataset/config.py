"""Configuration of the source `parquet`."""

from __future__ import annotations

from string import Formatter
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.local_path import PathOrUrl


class ColumnNames(BaseModel):
    """Which column holds what. A dot leads into a struct (`github_metadata.stars`), also into those of `files`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: str | None = Field(
        default=None, description="A list of structs, one per file, where a row is a whole repository"
    )
    path: str | None = Field(default=None, description="Path in the repository: text or bytes")
    repo: str | None = Field(default=None, description="Name of the repository, for the template `origin`")
    content: str | None = Field(default=None, description="Content: text, or bytes as they are")
    encoding: str | None = Field(
        default=None, description="Encoding that the content had before it became text, such as ISO-8859-1"
    )
    sha1_git: str | None = Field(default=None, description="Git id of the content: 40 digits, 20 bytes or a SWHID")
    sha1: str | None = Field(default=None, description="SHA-1 of the content: 40 digits or 20 bytes")
    length: str | None = Field(
        default=None, description="Length of the content in bytes; used where the content lies elsewhere"
    )
    mode: str | None = Field(default=None, description="Git mode as a number; without this all are 0o100644")
    licenses: tuple[str, ...] = Field(
        default=(), description="Licences that the dataset gives, each a text or a list: evidence of low weight"
    )
    stars: str | None = Field(default=None, description="Stars of the repository")
    forks: str | None = Field(default=None, description="Forks of the repository")
    date: str | None = Field(
        default=None, description="Date of the revision or file: a timestamp, Unix seconds or ISO 8601"
    )
    snapshot: str | None = Field(default=None, description="Id of the snapshot: 40 digits, 20 bytes or a SWHID")
    revision: str | None = Field(default=None, description="Id of the commit")
    directory: str | None = Field(default=None, description="Id of the repository's root directory")
    branch: str | None = Field(default=None, description="Name of the branch")
    visit_date: str | None = Field(default=None, description="When the repository was seen")


class ParquetSource(BaseModel):
    """Parquet files with one row per source file, or per repository with a list of its files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["parquet"] = Field(default="parquet", description="A dataset of Parquet files")
    path: PathOrUrl = Field(description="A folder, or its URL, such as s3://bucket/the-stack-dedup")
    files: tuple[str, ...] = Field(
        default=(),
        description="Patterns with * of the files to take, from there, such as data/python/*.parquet; without any, all "
        "that end in .parquet",
    )
    name: str | None = Field(
        default=None,
        description="What the dataset is called in a release; without this, the last part of its location",
    )
    layout: Literal["stack-v1", "stack-v2", "stack-v2-train", "stack-v3", "generic"] = Field(
        default="generic", description="Whose columns they are; generic: those that `columns` names"
    )
    columns: ColumnNames = Field(
        default=ColumnNames(), description="Columns of the layout generic, or what differs from a ready-made layout"
    )
    origin: str | None = Field(
        default=None,
        description="How an origin is called, with {repo}; without this https://github.com/{repo} for The Stack's "
        "layouts, and {repo} for generic",
    )
    mismatched: Literal["refuse", "keep"] = Field(
        default="refuse",
        description="What becomes of a content whose ids are not those that its row gives, as where personal data was "
        "redacted after they were taken; keep: it goes on under its own id, and the origin's messages count such",
    )
    contents: PathOrUrl | None = Field(
        default=None,
        description="Folder or URL of the contents by sha1, for rows without content, such as "
        "s3://softwareheritage/content; without this such rows are refused",
    )
    contents_layout: Literal["flat", "sliced"] = Field(
        default="flat", description="flat: <sha1>; sliced: <2 digits>/<2 digits>/<sha1>"
    )
    compression: Literal["gzip", "none"] = Field(default="gzip", description="Of the objects in `contents`")

    @model_validator(mode="after")
    def _columns_suffice(self) -> ParquetSource:
        template = self.origin
        if template is not None:
            try:
                fields = {field for _, field, _, _ in Formatter().parse(template) if field is not None}
            except ValueError as error:
                raise ValueError(f"origin {template!r} is no template: {error}; write such as {{repo}}") from error
            if not template or fields - {"repo"}:
                found = ", ".join(f"{{{field}}}" for field in sorted(fields - {"repo"})) or "nothing"
                raise ValueError(f"origin may use {{repo}} only, found {found}")
        if self.layout == "generic":
            named = self.columns
            missing = [] if named.path else ["path"]
            if not named.repo and (template is None or "{repo}" in template):
                missing.append("repo")
            if not (named.content or named.sha1):
                missing.append("content (or sha1, with contents elsewhere)")
            if missing:
                raise ValueError(
                    f"the layout generic needs columns.{', columns.'.join(missing)}; or set layout to one of stack-v1, "
                    "stack-v2, stack-v2-train, stack-v3"
                )
        return self
