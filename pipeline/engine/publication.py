"""The one way in which the pipeline puts a file under its final name, with injectable faults.

Temporary name in the same folder, fsync, rename, fsync of the folder: a reader sees the whole file or none,
also after a crash. Every call passes three failpoints. `PERMASTACK_FAILPOINT=N:ACTION` makes the Nth failpoint
of the process tree's first process that counts so far act (`kill`: SIGKILL itself, `full`: raise ENOSPC);
`PERMASTACK_FAILPOINT_LOG=FILE` appends a line for each one passed. Both exist for tests.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import EnvironmentalError

TEMPORARY = ".publishing-"

_passed = itertools.count(1)


def failpoint(name: str) -> None:
    """Die or fail here if a test asked for it; otherwise do nothing."""
    wanted = os.environ.get("PERMASTACK_FAILPOINT")
    log = os.environ.get("PERMASTACK_FAILPOINT_LOG")
    if not wanted and not log:
        return
    number = next(_passed)
    if log:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{number} {name}\n")
    if wanted and number == int(wanted.partition(":")[0]):
        if wanted.endswith(":full"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
        os.kill(os.getpid(), signal.SIGKILL)


def publish(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then give it its final name for good.

    Raises EnvironmentalError where the disk is full or the folder cannot be written; nothing partial stays
    under `path`.
    """
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        failpoint(f"before {path.name}")
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        failpoint(f"written {path.name}")
        os.replace(temporary, path)
        sync_folder(path.parent)
        failpoint(f"published {path.name}")
    except OSError as error:
        raise EnvironmentalError(
            f"cannot write {path}: {error.strerror or error}. Free space or mend the permissions, then run again: "
            "what is finished is kept."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # gone already, or its folder is none
            temporary.unlink()


def publish_bytes(path: Path, data: bytes) -> None:
    """`publish` for bytes at hand."""
    publish(path, lambda temporary: temporary.write_bytes(data))


def publish_folder(temporary: Path, final: Path) -> None:
    """Give a finished folder its final name. Its files must be synced already; `final` must not exist."""
    try:
        failpoint(f"before {final.name}")
        os.rename(temporary, final)
        sync_folder(final.parent)
        failpoint(f"published {final.name}")
    except OSError as error:
        raise EnvironmentalError(
            f"cannot put the release at {final}: {error.strerror or error}. Free the place, then run again."
        ) from error


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> int:
    """Remove what crashed publications left behind below `folder`; the number removed."""
    leftovers = list(folder.rglob(f"{TEMPORARY}*"))
    for leftover in leftovers:
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)
    return len(leftovers)
