"""Which branch of a snapshot is taken, by one rule for every kind of version control and package.

In order: HEAD, its aliases resolved within the snapshot; main, master, trunk, develop (and Mercurial's default); the
latest release; the newest head. References of pull requests are never taken, not even where HEAD names one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PREFERRED = {
    b"refs/heads/main": "main",
    b"refs/heads/master": "master",
    b"refs/heads/trunk": "trunk",
    b"refs/heads/develop": "develop",
    b"branch-tip/default": "default",
}
"""Branch names and the rule that takes them, in order. The last is how the archive's Mercurial loader calls default."""

_NEVER = re.compile(
    rb"refs/(pull|pull-requests|merge-requests|changes|pipelines|environments|keep-around|notes|stash)(/|$)"
)
_RELEASES = (b"refs/tags/", b"releases/", b"tags/")
_PIECES = re.compile(rb"[0-9]+|[a-z]+")
_BEFORE_RELEASE = frozenset((b"dev", b"a", b"alpha", b"b", b"beta", b"c", b"pre", b"preview", b"rc", b"snapshot"))


@dataclass(frozen=True, slots=True)
class Target:
    """What a branch names: revision, release, directory, content, snapshot or alias; `id` is hex, of an alias the hex
    of the other branch's name."""

    type: str
    id: str


Branches = Mapping[bytes, Target]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A branch that could be taken, after its aliases were resolved."""

    rule: str
    name: bytes
    target: Target


def resolved(branches: Branches, name: bytes) -> tuple[bytes, Target] | None:
    """The branch that `name` leads to, and what it names; None for a dangling alias, a loop, or a pull request."""
    seen: set[bytes] = set()
    while name not in seen and not _NEVER.match(name):
        seen.add(name)
        target = branches.get(name)
        if target is None or target.type != "alias":
            return None if target is None else (name, target)
        try:
            name = bytes.fromhex(target.id)
        except ValueError:
            return None
    return None


def first_choices(branches: Branches) -> Iterator[Candidate]:
    """HEAD, then the usual names."""
    for name, rule in ((b"HEAD", "head"), *PREFERRED.items()):
        found = resolved(branches, name)
        if found is not None:
            yield Candidate(rule, *found)


def releases(branches: Branches) -> Iterator[Candidate]:
    """Tags and releases of packages, latest version first."""
    names = [name for name in branches if name.startswith(_RELEASES)]
    # Ties by name: sorted is stable, so names go first.
    for name in sorted(sorted(names), key=version_key, reverse=True):
        found = resolved(branches, name)
        if found is not None:
            yield Candidate("release", *found)


def heads(branches: Branches) -> Iterator[Candidate]:
    """Every other branch, by name; whose revision is newest is for the caller to say."""
    for name in sorted(branches):
        if name.startswith(_RELEASES) or name == b"HEAD" or branches[name].type == "alias":
            continue
        found = resolved(branches, name)
        if found is not None:
            yield Candidate("newest", *found)


def version_key(name: bytes) -> tuple[tuple[int, int, bytes], ...]:
    """Orders names as versions: numbers by value, and a pre-release before its release.

    >>> sorted([b"releases/1.10", b"releases/1.9", b"releases/1.10rc1"], key=version_key)
    [b'releases/1.9', b'releases/1.10rc1', b'releases/1.10']
    """
    last = name.rpartition(b"/")[2].lower()
    pieces = [
        (2, int(piece[:18]), b"")
        if piece.isdigit()
        else (0 if piece in _BEFORE_RELEASE else 1, -1 if piece == b"dev" else 0, piece)
        for piece in _PIECES.findall(last)
    ]
    # The end of a version comes after rc1 and before the next number.
    while pieces and pieces[0][0] == 1:
        pieces.pop(0)  # v1.0, release-1.0
    return (*pieces, (1, 0, b""))
