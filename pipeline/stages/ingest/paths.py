"""Which names of members are safe, and which can stand in a git tree at all."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_PATH_BYTES = 4096
"""Linux's PATH_MAX. It also bounds the depth of what a hostile archive can make us build."""

_DRIVE = re.compile(rb"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class PathProblem:
    """Why a path is refused.

    `relative`: it is nevertheless a relative path of proper components. `placeable`: it can even stand in a
    git tree.
    """

    rule: str
    reason: str
    relative: bool = False
    placeable: bool = False


def without_dot_slash(name: bytes) -> bytes:
    """`name` without a leading `./`, which tar writes when told to pack the folder `.`; harmless."""
    while name.startswith(b"./") and len(name) > 2:
        name = name[2:]
    return name


def path_problem(path: bytes) -> PathProblem | None:
    """What is wrong with `path`, or None. A name that is not UTF-8 is not wrong: paths are bytes."""

    def unsafe(reason: str, *, fits: bool = False) -> PathProblem:
        return PathProblem("unsafe_path", reason, relative=fits, placeable=fits)

    if not path:
        return unsafe("the name is empty")
    if len(path) > MAX_PATH_BYTES:
        return unsafe(f"the name is longer than {MAX_PATH_BYTES} bytes")
    if b"\0" in path:
        return unsafe("the name holds a NUL byte")
    if path.startswith(b"/"):
        return unsafe("the name is absolute")
    components = path.split(b"/")
    if b".." in components:
        return unsafe("a component of the name is '..'")
    if b"." in components:
        return unsafe("a component of the name is '.'")
    if b"" in components:
        return unsafe("a component of the name is empty")
    if any(component.lower() == b".git" for component in components):
        reason = "a component of the name is .git: git's own data, not part of a tree"
        return PathProblem("vcs_metadata", reason, relative=True)
    if b"\\" in path:
        return unsafe("the name holds a backslash, a separator on some systems", fits=True)
    if _DRIVE.match(path):
        return unsafe("the name starts with a drive letter", fits=True)
    return None
