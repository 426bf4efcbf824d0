"""The manifest: `release.json` (what was built, from what, by which rules) and `manifest.jsonl` (one line per file).

Both are typed and versioned; fields that this version does not know are kept when a manifest is read and
written again. The root is a Merkle root over `release.json` without `root`, and every line of `manifest.jsonl`,
so it commits to the whole release; a signature over `manifest-sha256.txt` stands outside of it.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.engine.keys import canonical_json
from pipeline.errors import IntegrityError
from pipeline.manifest.merkle import merkle_root

SPEC_VERSION = 1


# Told to pydantic when a document is read, not made.
_READING = "reading"


class _Document(BaseModel):
    """One that the program makes states every field; one that was read states what it stated, so that a field with a
    default which a later version adds does not change the root of an earlier release."""

    model_config = ConfigDict(extra="allow")

    def model_post_init(self, context: Any) -> None:
        if context != _READING:
            self.model_fields_set.update(type(self).model_fields)


class Entry(_Document):
    """One file of a release."""

    path: str
    table: str  # data, a ledger's name, index, attribution, or file for what is no table
    bytes: int
    sha256: str
    rows: int | None = None
    body_sha256: str | None = None  # of the bytes before a Parquet footer: stable across pyarrow versions
    content_root: str | None = None  # over sorted row digests: independent of codec, order and Parquet
    language: str | None = None
    bucket: int | None = None
    buckets: int | None = None
    text_bytes: int | None = None

    def line(self) -> builtins.bytes:
        """Its line in `manifest.jsonl`, without the line's end. What is null is left out."""
        return canonical_json(self.model_dump(mode="json", exclude_none=True))


class Previous(_Document):
    """The manifest before this one."""

    version: str
    root: str


class Totals(_Document):
    """Occurrences, and how they ended."""

    listed: int
    released: int
    merged: int
    dropped: dict[str, int] = Field(default_factory=dict)  # by "stage.rule"

    @property
    def closes(self) -> bool:
        return self.listed == self.released + self.merged + sum(self.dropped.values())


class Release(_Document):
    """`release.json`."""

    spec_version: int = SPEC_VERSION
    schema_version: int
    name: str
    version: str
    description: str = ""
    root: str = ""
    previous: Previous | None = None
    totals: Totals
    origins: int
    languages: dict[str, int]  # released rows; "" is no language
    licenses: dict[str, int]  # released rows by expression
    redactions: dict[str, int]  # spans by class
    subsets: dict[str, Any] = Field(default_factory=dict)  # by name, the rows in each and what its filters remove
    configuration: dict[str, Any]
    policies: dict[str, str]  # digests: licence policy, opt-out registry
    versions: dict[str, str]  # of the libraries and data that decided the result
    commitment_key_ids: dict[str, str] = Field(default_factory=dict)
    quarantine: dict[str, Any] = Field(default_factory=dict)
    collections: list[dict[str, Any]] = Field(default_factory=list)  # exports and datasets that were read

    def computed_root(self, entries: Iterable[Entry]) -> str:
        own = canonical_json(self.model_dump(mode="json", exclude={"root"}, exclude_unset=True))
        return merkle_root([own, *sorted(entry.line() for entry in entries)])

    def text(self) -> bytes:
        stated = self.model_dump(mode="json", exclude_unset=True)
        return json.dumps(stated, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def entries_text(entries: Iterable[Entry]) -> bytes:
    """The lines of `manifest.jsonl`, by path."""
    return b"".join(entry.line() + b"\n" for entry in sorted(entries, key=lambda entry: entry.path))


def read_release(path: Path) -> Release:
    """A `release.json`. Raises IntegrityError where it is none."""
    try:
        release = Release.model_validate_json(path.read_bytes(), context=_READING)
    except FileNotFoundError:
        raise IntegrityError(f"{path}: there is no release here (expected release.json)") from None
    except (OSError, ValidationError) as error:
        raise IntegrityError(f"{path}: is no valid release.json: {_first(error)}") from error
    if release.spec_version > SPEC_VERSION:
        raise IntegrityError(
            f"{path}: spec_version is {release.spec_version}, this program knows up to {SPEC_VERSION}: use a newer one"
        )
    return release


def read_entries(path: Path) -> list[Entry]:
    """A `manifest.jsonl`. Raises IntegrityError where it is none."""
    try:
        return [Entry.model_validate_json(line, context=_READING) for line in path.read_bytes().splitlines()]
    except FileNotFoundError:
        raise IntegrityError(f"{path}: is missing") from None
    except (OSError, ValidationError) as error:
        raise IntegrityError(f"{path}: is no valid manifest: {_first(error)}") from error


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"{'.'.join(str(p) for p in detail['loc']) or 'text'}: {detail['msg']}"
    return str(error)
