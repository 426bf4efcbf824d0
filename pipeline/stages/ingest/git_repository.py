"""One repository of this machine: where its parts lie, what HEAD is, and its objects."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.stages.ingest.git_command import Git, GitError
from pipeline.stages.ingest.source import UnusableOrigin

_ID = re.compile(rb"[0-9a-f]{40}")
_BUNDLE = re.compile(rb"# v[0-9]+ git bundle\n")
_PREFERRED = (b"refs/heads/main", b"refs/heads/master", b"refs/heads/trunk", b"refs/heads/develop")
_FILTER_KEYS = r"^filter\..*\.(clean|smudge|process|required)$"


@dataclass(frozen=True)
class Head:
    """The commit that HEAD names."""

    commit: str
    tree: str
    branch: str | None
    date: int | None
    """The committer's date in Unix seconds."""


@dataclass(frozen=True)
class Repository:
    """An opened repository: `own` speaks to it, `store` reads its objects under no configuration at all."""

    name: str
    shape: str
    """clone, bare, worktree or bundle"""
    own: Git
    store: Git

    def head(self) -> Head:
        """Raises UnusableOrigin for an empty, damaged or SHA-256 repository, or a HEAD that names nothing."""
        if (self.own.try_run("rev-parse", "--show-object-format") or b"sha1").strip() != b"sha1":
            raise _sha256()
        found = self.own.try_run("rev-parse", "--verify", "--quiet", "HEAD")
        if found is None:
            raise self._headless()
        commit = found.decode().strip()
        data = self.store.try_run("cat-file", "commit", commit)
        if data is None or hashlib.sha1(b"commit %d\0" % len(data) + data).hexdigest() != commit:
            raise _corrupt("the commit that HEAD names is missing or damaged")
        header = data.partition(b"\n\n")[0]
        tree = re.match(rb"tree ([0-9a-f]{40})", header)
        if tree is None:
            raise _corrupt("the commit that HEAD names has no tree")
        date = re.search(rb"^committer .*> (-?[0-9]{1,18}) [+-][0-9]+$", header, re.MULTILINE)
        branch = self.own.try_run("symbolic-ref", "--quiet", "HEAD")
        return Head(
            commit,
            tree[1].decode(),
            branch.decode("utf-8", "backslashreplace").strip() if branch else None,
            int(date[1]) if date else None,
        )

    def remote(self) -> str | None:
        """The URL of the remote `origin` as it is written, which may hold a password; None without one."""
        url = self.own.try_run("config", "--get", "remote.origin.url")
        return url.decode("utf-8", "replace").rstrip("\n") if url else None

    def root(self, head: Head) -> str | None:
        """The commit in which the line of first parents behind `head` begins; None where a commit of it is missing.

        Time: that of walking the line.
        """
        found = self.store.try_run("rev-list", "--first-parent", "--max-parents=0", head.commit)
        return found.decode().strip() or None if found else None

    def shallow(self) -> bool:
        """Whether its history was cut."""
        return self.own.try_run("rev-parse", "--is-shallow-repository") == b"true\n"

    def dirty(self) -> bool | None:
        """Whether its working tree differs from HEAD; None where it has none, or git cannot tell."""
        if self.own.work_tree is None:
            return None
        keys = self.own.try_run("config", "-z", "--name-only", "--get-regexp", _FILTER_KEYS) or b""
        # An empty command filters nothing: else git would run what the repository's configuration names.
        off = tuple(
            (key, "false" if key.endswith(".required") else "")
            for key in keys.decode("utf-8", "surrogateescape").split("\0")
            if key
        )
        quiet = Git(self.own.git_dir, self.own.work_tree, settings=off)
        status = quiet.try_run("status", "--porcelain", "-z", "--ignore-submodules=all")
        return None if status is None else bool(status)

    def _headless(self) -> UnusableOrigin:
        try:
            with self.own.stream("for-each-ref") as refs:
                any_ref = bool(refs.read())
            loose = self._broken_refs()
        except GitError:
            return _corrupt("its references cannot be read")
        if loose:
            return _corrupt("a reference is damaged")
        if any_ref:
            return UnusableOrigin("no_head", "HEAD names a branch that does not exist; check out one that does")
        return UnusableOrigin("empty_repository", "it has no commits")

    def _broken_refs(self) -> bool:
        """A reference file that git ignores as broken makes a repository look empty."""
        symbolic = self.own.try_run("symbolic-ref", "--quiet", "HEAD")
        if symbolic is None:
            return True
        where = self.own.run("rev-parse", "--path-format=absolute", "--git-path", symbolic.decode().strip())
        return Path(where.decode("utf-8", "surrogateescape").rstrip("\n")).is_file()


@contextmanager
def opened(path: Path, scratch: Path | None) -> Iterator[Repository]:
    """The repository at `path`: a clone's or worktree's top folder, a bare repository, or a bundle, which is
    unpacked into a temporary folder in `scratch`.

    Raises InputError where `path` is none of these, UnusableOrigin for a bundle that cannot be unpacked.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix="permastack-git-") as folder:
        own_store = Path(folder, "store.git")
        Git().run("init", "--quiet", "--bare", "--template=", "--object-format=sha1", str(own_store))
        if path.is_file():
            _unbundle(path, own_store)
            yield Repository(path.stem, "bundle", Git(own_store), Git(own_store))
            return
        git_dir, shape = _located(path)
        own = Git(git_dir, path if shape != "bare" else None)
        try:
            where = own.run("rev-parse", "--path-format=absolute", "--git-path", "objects")
        except GitError as error:
            raise InputError(f"{path}: expected a repository that git can read: {error}") from error
        objects = Path(where.decode("utf-8", "surrogateescape").rstrip("\n"))
        name = path.parent.name if path.name == ".git" else path.name
        yield Repository(name.removesuffix(".git"), shape, own, Git(own_store, objects=objects))


def contents(store: Git, ids: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """`(id, content)` of those blobs that git can read, in the order of `ids`; the content is not verified.

    Git gives up at a damaged object, so it is started again behind it.
    """
    start = 0
    while start < len(ids):
        try:
            with store.stream(
                "cat-file", "--batch", "--buffer", lines=(i.hex().encode() for i in ids[start:])
            ) as output:
                for object_id in ids[start:]:
                    header = output.readline().split()
                    if not header:
                        break
                    start += 1
                    if header[-1] == b"missing":
                        continue
                    length = int(header[2])
                    data = output.read(length + 1)[:length]
                    if len(data) < length:
                        break
                    if header[1] == b"blob":
                        yield object_id, data
                else:
                    return
        except GitError:
            continue
        start += 1


def _located(path: Path) -> tuple[Path, str]:
    inner = path / ".git"
    if inner.is_dir():
        return inner, "clone"
    if inner.is_file():
        return inner, "worktree"
    if (path / "HEAD").exists() and (path / "objects").is_dir() and path.is_dir():
        return path, "bare"
    raise InputError(
        f"{path}: expected the top folder of a git clone, a bare repository or a bundle, found no .git in "
        "it; clone the "
        "repository again, or name the folders in it with a glob such as FOLDER/*"
    )


def _unbundle(path: Path, target: Path) -> None:
    try:
        with path.open("rb") as stream:
            start = stream.read(4096)
    except OSError as error:
        raise InputError(f"{path}: expected a readable git bundle: {error.strerror}") from error
    if not _BUNDLE.match(start):
        raise InputError(
            f"{path}: expected a git repository or a bundle, found another file; make a bundle with "
            "`git bundle create FILE --all`"
        )
    if b"@object-format=sha256" in start.partition(b"\n\n")[0]:
        raise _sha256()
    git = Git(target)
    try:
        listed = git.run("bundle", "unbundle", str(path))
    except GitError as error:
        if "prerequisite" in str(error):
            raise UnusableOrigin(
                "incomplete_bundle", "the bundle builds on commits that it does not hold; make one with --all"
            ) from error
        raise _corrupt("the bundle is damaged or truncated") from error
    heads = {name: commit for commit, _, name in (line.partition(b" ") for line in listed.splitlines())}
    _set_head(git, {name: commit.decode() for name, commit in heads.items() if _ID.fullmatch(commit)})


def _set_head(git: Git, heads: dict[bytes, str]) -> None:
    """HEAD as the bundle has it, on the branch of the same commit; without one, the branch that is usually
    it."""
    branches = sorted(name for name in heads if name.startswith(b"refs/heads/"))
    order = [*(name for name in _PREFERRED if name in heads), *branches]
    if b"HEAD" in heads:
        order = [name for name in order if heads[name] == heads[b"HEAD"]]
    try:
        if order:
            branch = order[0].decode("utf-8", "surrogateescape")
            git.run("update-ref", branch, heads[order[0]])
            git.run("symbolic-ref", "HEAD", branch)
        elif b"HEAD" in heads:
            git.run("update-ref", "--no-deref", "HEAD", heads[b"HEAD"])
    except GitError as error:
        raise _corrupt("the bundle names a reference that git refuses") from error


def _sha256() -> UnusableOrigin:
    return UnusableOrigin("sha256_repository", "its objects have SHA-256 names, for which no SWHIDs exist")


def _corrupt(what: str) -> UnusableOrigin:
    return UnusableOrigin("corrupt_repository", f"{what}; `git fsck` in it says more")
