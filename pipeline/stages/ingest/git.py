"""The source `git`: HEAD of clones, bare repositories, worktrees and bundles, read when asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.stages.ingest.budget import Budget
from pipeline.stages.ingest.config import GitSource, IngestConfig
from pipeline.stages.ingest.git_command import Git, GitError
from pipeline.stages.ingest.git_repository import Head, Repository, contents, opened
from pipeline.stages.ingest.inputs import matches
from pipeline.stages.ingest.origins import Named, checked_origin, origin_of_remote, read_origins
from pipeline.stages.ingest.paths import path_problem
from pipeline.stages.ingest.source import (
    Entry,
    Listing,
    OriginInput,
    Refusal,
    Sink,
    UnusableOrigin,
    directory_of,
    sorted_origins,
)
from pipeline.stages.ingest.tree import implied_folders, too_large
from pipeline.swhid import MODE_SUBMODULE, MODE_SYMLINK, BlobId, swhid

_Listed = tuple[bytes, int, bytes]
"""Path, mode and object id, as ls-tree prints them."""


@dataclass(frozen=True)
class GitRepositories:
    """Git repositories on this machine, through the git binary: no checkout, no hooks, no fetch."""

    source: GitSource
    config: IngestConfig
    scratch: Path | None = None
    """Where temporary repositories may lie; None: the system's place for temporary files."""
    kind: str = "git"
    lazy: bool = True

    def discover(self, base: Path) -> list[OriginInput]:
        """One origin per repository that matches, called by its row in the CSV file, its remote, or its
        folder."""
        table = None if self.source.origins is None else base / self.source.origins
        paths = [path for path in matches(self.source.paths, base) if path != table]
        named = read_origins(table, paths) if table else {}
        return sorted_origins(self._input(path, named.get(path)) for path in paths)

    def _input(self, path: Path, named: Named | None) -> OriginInput:
        remote: str | None = None
        digest: str
        try:
            with opened(path, self.scratch) as repository:
                remote = repository.remote()
                digest = swhid("rev", bytes.fromhex(repository.head().commit))
        except UnusableOrigin as refusal:
            digest = f"unusable:{refusal.rule}"
        if named is None:
            named = Named(
                (remote and origin_of_remote(remote)) or checked_origin(f"local:{_folder_name(path)}", str(path))
            )
        return OriginInput(
            origin=named.origin,
            kind=self.kind,
            locator=str(path),
            digest=digest,
            stars=named.stars,
            forks=named.forks,
            date=named.date,
        )

    def list(self, item: OriginInput, sink: Sink) -> Listing:
        """The files of HEAD; see `Source.list`. Nothing goes to `sink`."""
        with opened(Path(item.locator), self.scratch) as repository:
            head = repository.head()
            revision = swhid("rev", bytes.fromhex(head.commit))
            if revision != item.digest:
                raise InputError(
                    f"{item.locator}: HEAD moved after the run began: expected {item.digest}, found "
                    f"{revision}; run again "
                    "when nothing writes to the repository"
                )
            listed = _listed(repository.store, head, self.config)
            entries, refusals = _decided(repository.store, listed, self.config)
            directory = directory_of(entries, refusals)
            messages = _messages(repository, head, item)
            root = repository.root(head)
            if directory.hex() != head.tree:
                _check_trees(repository.store, head)
                messages.append(
                    f"the tree of HEAD, {swhid('dir', bytes.fromhex(head.tree))}, is not in git's "
                    "canonical form, so "
                    "the directory id given here, of the same files in that form, differs"
                )
        return Listing(
            origin=item.origin,
            visit_type="git",
            directory=directory,
            snapshot=None,
            revision=revision,
            root_revision=root and swhid("rev", bytes.fromhex(root)),
            branch=head.branch,
            revision_date=head.date,
            entries=tuple(entries),
            refusals=tuple(refusals),
            messages=tuple(messages),
        )

    def read(self, item: OriginInput, ids: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Contents by id, unverified; what is missing or damaged does not come."""
        with opened(Path(item.locator), self.scratch) as repository:
            yield from contents(repository.store, ids)


def _listed(store: Git, head: Head, config: IngestConfig) -> list[_Listed]:
    """What ls-tree prints, stopped at the budget: a few small trees can name each other billions of times."""
    budget = Budget(config)
    listed: list[_Listed] = []
    try:
        with store.stream("ls-tree", "-r", "-z", "--full-tree", head.commit) as output:
            rest = b""
            while chunk := output.read(1 << 16):
                *records, rest = (rest + chunk).split(b"\0")
                for record in records:
                    budget.member()
                    fields, _, path = record.partition(b"\t")
                    mode, _, name = fields.split(b" ")
                    listed.append((path, int(mode, 8), bytes.fromhex(name.decode())))
    except GitError as error:
        raise UnusableOrigin(
            "incomplete_repository",
            "a tree of HEAD is missing or damaged; fetch it, or clone without a filter",
        ) from error
    implied_folders((path for path, _, _ in listed), config.max_entries)
    return listed


def _decided(store: Git, listed: list[_Listed], config: IngestConfig) -> tuple[list[Entry], list[Refusal]]:
    lengths = _blob_lengths(store, sorted({target for _, mode, target in listed if mode != MODE_SUBMODULE}))
    entries: list[Entry] = []
    refusals: list[Refusal] = []
    for path, mode, target in sorted(listed):
        decided = _decide(path, mode, target, lengths.get(target), config)
        if isinstance(decided, Entry):
            entries.append(decided)
        else:
            refusals.append(decided)
    return entries, refusals


def _decide(path: bytes, mode: int, target: bytes, length: int | None, config: IngestConfig) -> Entry | Refusal:
    problem = path_problem(path)
    if problem is not None:
        # It does stand in a tree, whatever we think of it: its id counts.
        return Refusal(path, mode, target, length, problem.rule, problem.reason)
    if mode == MODE_SUBMODULE:
        return Refusal(path, mode, target, None, "submodule", "a submodule: another repository's commit")
    if mode == MODE_SYMLINK:
        return Refusal(path, mode, target, length, "symlink", "a symbolic link; not followed")
    if length is None:
        return Refusal(
            path,
            mode,
            target,
            None,
            "missing_blob",
            "the repository does not hold this content, as in a partial clone",
        )
    if length > config.max_file_bytes:
        return too_large(path, mode, target, length, config.max_file_bytes)
    return Entry(path, mode, BlobId(target), length)


def _blob_lengths(store: Git, ids: Sequence[bytes]) -> dict[bytes, int]:
    """Lengths of those of `ids` that are blobs and present."""
    lengths: dict[bytes, int] = {}
    with store.stream("cat-file", "--batch-check", "--buffer", lines=(i.hex().encode() for i in ids)) as output:
        for line in output:
            name, kind, *length = line.split()
            if kind == b"blob":
                lengths[bytes.fromhex(name.decode())] = int(length[0])
    return lengths


def _check_trees(store: Git, head: Head) -> None:
    """Raises UnusableOrigin unless every tree of HEAD has the content that its id promises."""
    trees = {bytes.fromhex(head.tree)}
    for line in store.run("ls-tree", "-r", "-d", "-z", "--full-tree", head.commit).split(b"\0"):
        if line[7:11] == b"tree":
            trees.add(bytes.fromhex(line[12:52].decode()))
    for tree in sorted(trees):
        data = store.run("cat-file", "tree", tree.hex())
        if hashlib.sha1(b"tree %d\0" % len(data) + data, usedforsecurity=False).digest() != tree:
            raise UnusableOrigin("corrupt_repository", "a tree of HEAD is damaged; `git fsck` in it says more")


def _messages(repository: Repository, head: Head, item: OriginInput) -> list[str]:
    said = ["HEAD only: other branches, tags and the history are not read"]
    if item.origin.startswith("local:"):
        said.append(f"it has no remote with a public name: it is called {item.origin}")
    if repository.shape != "clone":
        said.append(
            {"bare": "a bare repository", "worktree": "a linked worktree", "bundle": "a bundle"}[repository.shape]
        )
    if head.branch is None:
        said.append("HEAD is detached: no branch")
    if repository.shallow():
        said.append("shallow: its history was cut; HEAD is whole")
    dirty = repository.dirty()
    if dirty:
        said.append("dirty: uncommitted changes are not read")
    elif dirty is None and repository.own.work_tree is not None:
        said.append("git cannot compare its working tree with HEAD; only HEAD is read")
    return said


def _folder_name(path: Path) -> str:
    if path.is_file():
        return path.stem
    return (path.parent.name if path.name == ".git" else path.name).removesuffix(".git")
