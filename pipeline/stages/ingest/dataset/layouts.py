"""Whose columns mean what: ready-made mappings of published datasets, and a user's own.

Sources of the columns: the dataset cards of bigcode/the-stack (v1.2: 27 columns), bigcode/the-stack-v2 (26 columns,
revision e565caa3) and HuggingFaceCode/stack-v3-train (July 2026), as read in August 2026. Of the ids of
the-stack-v2-train-*-ids only the nested `files` with `blob_id`, `src_encoding` and the repository's event counts were
confirmed, by published code that reads them; its other columns are taken to be those of the-stack-v2, and are optional.

Traps, each with a test:
* `content_id` is the git id of a content in v2, and its plain SHA-1 in v3; v2's plain SHA-1 is `blob_id`.
* v2's paths begin with a slash that stands for the repository's root; v1's and v3's do not.
* a v1 row names up to three repositories (of most stars, issues, forks): `max_forks_count` is about another
  repository unless `max_forks_repo_name` is the same.
* v3's contents are redacted after their ids were taken, and larger ones emptied.
* v3's branch is `main` where the archive and git say `refs/heads/main`.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from pipeline.stages.ingest.dataset.config import ColumnNames, ParquetSource
from pipeline.stages.ingest.dataset.mapping import Mapping

_GITHUB = "https://github.com/{repo}"

_STACK_V2 = ColumnNames(
    path="path",
    repo="repo_name",
    content="content",  # absent from the published files; users add it
    encoding="src_encoding",
    sha1_git="content_id",
    sha1="blob_id",
    length="length_bytes",
    licenses=("detected_licenses", "gha_license_id"),
    stars="star_events_count",
    forks="fork_events_count",
    date="committer_date",
    snapshot="snapshot_id",
    revision="revision_id",
    directory="directory_id",
    branch="branch_name",
    visit_date="visit_date",
)
_OF_A_FILE = ("path", "content", "encoding", "sha1_git", "sha1", "length")

LAYOUTS: dict[str, Mapping] = {
    "generic": Mapping(ColumnNames(), "{repo}"),
    "stack-v1": Mapping(
        ColumnNames(
            path="max_stars_repo_path",
            repo="max_stars_repo_name",
            content="content",
            sha1_git="hexsha",
            length="size",
            licenses=("max_stars_repo_licenses",),
            stars="max_stars_count",
            forks="max_forks_count",
            revision="max_stars_repo_head_hexsha",
        ),
        _GITHUB,
        forks_of="max_forks_repo_name",
    ),
    "stack-v2": Mapping(_STACK_V2, _GITHUB, rooted=True),
    "stack-v2-train": Mapping(
        _STACK_V2.model_copy(
            update={
                "files": "files",
                "licenses": ("files.detected_licenses", "gha_license_id"),
                **{role: f"files.{getattr(_STACK_V2, role)}" for role in _OF_A_FILE},
            }
        ),
        _GITHUB,
        rooted=True,
    ),
    "stack-v3": Mapping(
        ColumnNames(
            files="files",
            path="files.file_path",
            repo="repo_path",
            content="files.content",
            sha1="files.content_id",
            length="files.size_bytes",
            licenses=("files.detected_licenses",),
            stars="github_metadata.stars",
            forks="github_metadata.forks",
            date="files.file_timestamp",
            revision="commit_id",
            branch="github_metadata.branch",
        ),
        _GITHUB,
        branch_prefix="refs/heads/",
    ),
}


def name_of(source: ParquetSource) -> str:
    """What the dataset is called in a release: never a location."""
    return source.name or PurePosixPath(source.path.rstrip("/")).name


def files_of(source: ParquetSource, paths: Iterable[str]) -> list[str]:
    """Which of the files at the source's location are its own, sorted. `*` also stands for slashes."""
    patterns = source.files or ("*.parquet",)
    return sorted({path for path in paths if any(fnmatchcase(path, pattern) for pattern in patterns)})


def mapping_of(source: ParquetSource) -> Mapping:
    """The mapping of a configuration: its layout, with the columns that it names itself in place of the layout's."""
    ready = LAYOUTS[source.layout]
    own = {role: name for role, name in source.columns if name}
    return Mapping(
        columns=ready.columns.model_copy(update=own),
        origin=source.origin or ready.origin,
        rooted=ready.rooted,
        branch_prefix=ready.branch_prefix,
        forks_of=ready.forks_of,
    )
