"""One run at a time on a work folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import BusyError, EnvironmentalError


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Hold the work folder; the system lets go of it even if the process is killed.

    Raises BusyError where another run holds it, EnvironmentalError where it cannot be written.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        file = (work / "lock").open("a+")
    except OSError as error:
        raise EnvironmentalError(
            f"the work folder {work} cannot be written: {error.strerror}. Choose another with --set execution.work=DIR."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise BusyError(
                f"another run (process {holder}) is using the work folder {work}. "
                "Wait for it to end, or give this run its own with --set execution.work=DIR."
            ) from None
        except OSError as error:
            raise EnvironmentalError(
                f"the work folder {work} cannot be locked: {error.strerror}. Choose one on another file system with "
                "--set execution.work=DIR."
            ) from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other run is at work on `folder`, then hold it. Raises OSError where it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
