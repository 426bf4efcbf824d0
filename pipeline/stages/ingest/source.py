"""What a source of code is, and the records that it hands on.

A source finds origins (`discover`), lists the files of one (`list`) and, where it is lazy, reads contents by
id later (`read`). An eager source hands over every content while it lists, because an archive is best read
once from front to back; a lazy one (git, and any content-addressed store) is read only for the blobs that
the licence left in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from pipeline.errors import InputError
from pipeline.swhid import BlobId, DirectoryId, TreeEntry, directory_ids

Sink = Callable[[bytes, bytes], None]
"""Takes `(blob id, content)`."""


class UnusableOrigin(Exception):  # noqa: N818  a decision, not an error
    """A whole origin cannot be read: a decision with a rule and a reason, not an error of the run.

    The reason is published, so it holds no path of this machine and no text from a tool.
    """

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(rule, reason)
        self.rule = rule
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


@dataclass(frozen=True, slots=True)
class OriginInput:
    """One origin as a source found it. `locator` is a path of this machine and must never be published."""

    origin: str
    kind: str
    locator: str
    digest: str
    """`sha256:...` of an archive's bytes or of a folder's listing, `swh:1:rev:...` of a repository's HEAD, or
    `unusable:RULE` for a repository without one."""
    stars: int | None = None
    forks: int | None = None
    date: int | None = None
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One regular file that is to be read: path from the root, git mode, content id, length in bytes."""

    path: bytes
    mode: int
    blob: BlobId
    length: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """One listed path that is not read, and why. `blob` is set exactly where it has a place in the tree."""

    path: bytes
    mode: int
    blob: bytes | None
    length: int | None
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything in one origin: each listed path is in `entries` or in `refusals`, once per member."""

    origin: str
    visit_type: str
    directory: DirectoryId
    snapshot: str | None
    revision: str | None
    branch: str | None
    revision_date: int | None
    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...]
    messages: tuple[str, ...]
    visit_date: int | None = None
    """Unix milliseconds; null where nothing says when it was seen."""
    visit_status: str | None = None
    release: str | None = None
    branch_rule: str | None = None
    """By which rule the branch was chosen, where there was a choice."""
    declared_license: str | None = None
    """What a dataset says of the whole."""
    root_revision: str | None = None
    """In which the line of first parents behind `revision` begins, where the source has all of that line."""


class Source(Protocol):
    """A kind of place where code is found. Implementations are picklable and hold no open file."""

    @property
    def kind(self) -> str:
        """What a configuration calls this kind of source."""

    @property
    def lazy(self) -> bool:
        """Whether `list` leaves contents to `read`."""

    def discover(self, base: Path) -> list[OriginInput]:
        """The origins, sorted by name; relative paths start at `base`. Raises InputError."""

    def list(self, item: OriginInput, sink: Sink) -> Listing:
        """The files of one origin.

        An eager source gives `sink` each regular content within `max_file_bytes` once; it may also give
        contents that a later member of the same name shadows. Raises UnusableOrigin where the origin as a
        whole is refused (what `sink` took until then belongs to nothing), InputError where it changed since
        `discover`.
        """

    def read(self, item: OriginInput, ids: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """`(blob id, content)` for those of `ids` that can be read, unverified; the caller hashes them and
        decides about those that did not come."""


def directory_of(entries: Iterable[Entry], refusals: Iterable[Refusal]) -> DirectoryId:
    """The git tree id that a listing implies: its entries, and its refusals that have a place in the tree.

    Raises ValueError where two of them have one path.
    """
    placed = [TreeEntry(e.path, e.mode, e.blob) for e in entries]
    placed += [TreeEntry(r.path, r.mode, r.blob) for r in refusals if r.blob is not None]
    root = DirectoryId(b"")
    for _, root in directory_ids(placed):  # noqa: B007  the root comes last
        pass
    return root


def sorted_origins(items: Iterable[OriginInput]) -> list[OriginInput]:
    """`items` by origin. Raises InputError where two inputs have one origin's name."""
    ordered = sorted(items, key=lambda item: item.origin)
    for first, second in pairwise(ordered):
        if first.origin == second.origin:
            raise InputError(
                f"two inputs have the origin {first.origin!r}: {first.locator} and {second.locator}. "
                "Expected one input "
                "per origin: remove one, or tell them apart by a CSV file of origins or by a template "
                "such as "
                "pkg:pypi/{name}@{version}?file_name={filename}"
            )
    return ordered
