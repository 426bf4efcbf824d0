"""Putting a release where it belongs: whole or not at all, and never over another one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipeline.engine.keys import file_sha256
from pipeline.engine.lock import one_at_a_time
from pipeline.engine.publication import TEMPORARY, failpoint, publish_folder, sweep, sync_folder
from pipeline.errors import ConfigError, EnvironmentalError, IntegrityError
from pipeline.manifest.model import Release, read_release

Files = dict[str, tuple[Path, int, str]]
"""Released path: source, bytes, sha256."""


def place(files: Files, release: Release, final: Path, *, full: bool) -> bool:
    """Make the folder `final` hold exactly `files`; whether it had to.

    A folder that holds them already is left alone (sizes are compared; digests too where `full`). A damaged folder
    with the same root is built anew. Raises ConfigError where another release, or something else, has the place.
    """
    try:
        with one_at_a_time(final.parent):
            sweep(final.parent)
            if final.exists():
                _check_place(final, release, files)
                if _stands(files, final, full):
                    return False
            temporary = final.with_name(f"{TEMPORARY}{os.getpid()}-{final.name}")
            try:
                _fill(temporary, files)
                if final.exists():
                    shutil.rmtree(final)
                publish_folder(temporary, final)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise EnvironmentalError(
            f"cannot write the release below {final.parent}: {error.strerror or error}. "
            "Free space or mend the permissions, then run again: what is finished is kept."
        ) from error
    return True


def _fill(folder: Path, files: Files) -> None:
    for path, (source, _, sha256) in sorted(files.items()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        if file_sha256(target) != sha256:
            raise IntegrityError(f"{source} changed while the release was put together: run again with --verify full")
        with target.open("rb") as file:
            os.fsync(file.fileno())
        failpoint(f"copied {path}")
    for below in {target.parent for target in folder.rglob("*")}:
        sync_folder(below)


def _check_place(final: Path, release: Release, files: Files) -> None:
    try:
        root = read_release(final / "release.json").root
    except IntegrityError:
        root = None
    if root not in (release.root, None):
        raise ConfigError(
            f"{final} holds another release of that version (root {root}, this one has {release.root}). "
            "A version never changes: raise dataset.version, or remove the folder if nobody has it."
        )
    if root is None and not any((final / path).exists() for path in files) and any(final.iterdir()):
        raise ConfigError(
            f"{final} holds something that is no release: move it away, or choose another place with "
            "--set execution.releases=DIR."
        )


def _stands(files: Files, final: Path, full: bool) -> bool:
    found = {p.relative_to(final).as_posix(): p for p in final.rglob("*") if p.is_file()}
    if found.keys() != files.keys():
        return False
    if any(found[path].stat().st_size != size for path, (_, size, _) in files.items()):
        return False
    return not full or all(file_sha256(found[path]) == sha256 for path, (_, _, sha256) in files.items())
