"""The files that a command line names: listed without following links, read one at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import InputError
from pipeline.stages.ingest.members import LengthError, measure
from pipeline.swhid import BlobId


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that is not read as text, and why: the rules are those of ingest."""

    rule: str
    reason: str
    blob: BlobId | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a file."""

    blob: BlobId
    data: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """One argument: the folder that its paths start at, and the files, sorted, with those that cannot be read."""

    folder: Path
    whole: bool  # the folder itself was named
    files: list[bytes]
    unread: dict[bytes, Unread] = field(default_factory=dict)

    def on_disk(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self.folder), path) if self.folder != Path() else path


def given_inputs(paths: Sequence[Path]) -> list[Given]:
    """What each argument names. Raises InputError for one that is not there.

    A link is followed if it is named itself, and not below a folder; `.git` is left out.
    """
    return [_given(path) for path in paths]


def _given(path: Path) -> Given:
    if not path.exists():
        what = "a dangling symbolic link" if path.is_symlink() else "nothing of that name"
        raise InputError(f"{path}: expected a file or a folder, found {what}: correct the path")
    if path.is_dir():
        listed = dict(_below(os.fsencode(path)))
        return Given(path, True, sorted(listed), {name: unread for name, unread in listed.items() if unread})
    if path.is_absolute() or ".." in path.parts:
        return Given(path.parent, False, [os.fsencode(path.name)])
    # Folders above a file speak for its language (vendor/, test/), so a relative path counts as it was given.
    return Given(Path(), False, [os.fsencode(path)])


def _below(root: bytes) -> Iterator[tuple[bytes, Unread | None]]:
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as children:
                found = list(children)
        except OSError as error:
            yield folder or b".", Unread("unreadable_member", f"the folder cannot be read: {error.strerror}")
            continue
        for child in found:
            name = os.path.join(folder, child.name)
            if child.is_symlink():
                yield name, Unread("symlink", "a symbolic link; not followed")
            elif child.is_dir(follow_symlinks=False):
                if child.name != b".git":
                    waiting.append(name)
            elif child.name != b".git":  # a file of this name leads to the repository of a worktree
                yield name, None


def read(path: bytes, max_bytes: int) -> Content | Unread:
    """The content of a file, or why it is not read. Memory: at most `max_bytes`; a longer file is hashed only."""
    try:
        # A pipe must not be waited for.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Unread("special_file", "a device, pipe or socket")
            blob, data = measure(file, status.st_size, max_bytes)
    except OSError as error:
        return Unread("unreadable_member", f"the file cannot be read: {error.strerror}")
    except LengthError:
        return Unread("unreadable_member", "the file became shorter while it was read")
    if data is None:
        return Unread("too_large", f"it is larger than ingest.max_file_bytes = {max_bytes}", blob)
    return Content(blob, data)


def displayed(path: bytes) -> str:
    r"""A path for people and JSON: bytes that are not UTF-8 are written \xNN."""
    return path.decode("utf-8", "backslashreplace")
