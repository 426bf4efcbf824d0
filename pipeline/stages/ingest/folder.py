"""Members of a plain folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import InputError
from pipeline.stages.ingest.budget import Budget
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.members import NO_MODE, LengthError, Member, file_mode, measure
from pipeline.swhid import MODE_SYMLINK, content_id


def folder_members(path: Path, config: IngestConfig, messages: list[str]) -> Iterator[Member]:
    """The files below the folder `path`; links are never followed, so no loop can arise.

    Memory: the names of the open folders, and one content within `max_file_bytes`. Raises InputError where
    the folder changes while it is read, UnusableOrigin for overdrawn budgets.
    """
    budget = Budget(config)
    root = os.fsencode(path)
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as found:
                children = sorted(found, key=lambda child: child.name)
        except PermissionError:
            budget.member()
            yield Member(
                folder or b".",
                NO_MODE,
                None,
                None,
                rule="unreadable_member",
                reason="the folder may not be read",
            )
            continue
        for child in children:
            name = folder + b"/" + child.name if folder else child.name
            budget.member()
            if child.is_dir(follow_symlinks=False):
                waiting.append(name)
            else:
                yield _member(child.path, name, config, budget)


def _member(path: bytes, name: bytes, config: IngestConfig, budget: Budget) -> Member:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        text = os.readlink(path)
        return Member(
            name,
            MODE_SYMLINK,
            content_id(text),
            len(text),
            rule="symlink",
            reason="a symbolic link; not followed",
        )
    if not stat.S_ISREG(status.st_mode):
        return Member(name, NO_MODE, None, None, rule="special_file", reason="a device, pipe or socket")
    mode = file_mode(status.st_mode)
    try:
        # What was a file may have become a link or a pipe: neither follow it nor wait for it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        return Member(name, mode, None, status.st_size, rule="unreadable_member", reason="the file may not be read")
    with os.fdopen(descriptor, "rb") as stream:
        budget.spend(status.st_size)
        try:
            blob, data = measure(stream, status.st_size, config.max_file_bytes)
            longer = stream.read(1)
        except LengthError:
            longer = b"shorter"
    if longer:
        raise InputError(
            f"{os.fsdecode(path)} changed while it was read: expected {status.st_size} bytes; run again "
            "when nothing writes "
            "to the folder"
        )
    return Member(name, mode, blob, status.st_size, data)
