"""Putting a release where it belongs: whole or not at all, and never over another one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipeline.engine.keys import file_sha256
from pipeline.engine.publication import TEMPORARY, failpoint, publish_folder, sync_folder
from pipeline.errors import ConfigError, EnvironmentalError, IntegrityError
from pipeline.manifest.model import Release, read_release


def place(files: dict[str, tuple[Path, int, str]], release: Release, final: Path, *, full: bool) -> bool:
    """Make the folder `final` hold exactly `files` (released path: source, bytes, sha256); whether it had to.

    A folder that holds them already is left alone (sizes are compared; digests too where `full`). A damaged folder
    with the same root is built anew. Raises ConfigError where another release has the version.
    """
    if final.exists():
        if _root(final) not in (release.root, None):
            raise ConfigError(
                f"{final} holds another release of that version (root {_root(final)}, this one has {release.root}). "
                "A version never changes: raise dataset.version, or remove the folder if nobody has it."
            )
        if _stands(files, final, full):
            return False
    temporary = final.with_name(f"{TEMPORARY}{os.getpid()}-{final.name}")
    try:
        for path, (source, _, sha256) in sorted(files.items()):
            target = temporary / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            if file_sha256(target) != sha256:
                raise IntegrityError(f"{source} changed while the release was put together: run again with --verify full")
            with target.open("rb") as file:
                os.fsync(file.fileno())
            failpoint(f"copied {path}")
        for folder in {target.parent for target in temporary.rglob("*")}:
            sync_folder(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise EnvironmentalError(
            f"cannot write the release below {final.parent}: {error.strerror or error}. "
            "Free space or mend the permissions, then run again: what is finished is kept."
        ) from error
    if final.exists():
        shutil.rmtree(final)
    publish_folder(temporary, final)
    return True


def _root(final: Path) -> str | None:
    try:
        return read_release(final / "release.json").root
    except IntegrityError:
        return None


def _stands(files: dict[str, tuple[Path, int, str]], final: Path, full: bool) -> bool:
    found = {p.relative_to(final).as_posix(): p for p in final.rglob("*") if p.is_file()}
    if found.keys() != files.keys():
        return False
    if any(found[path].stat().st_size != size for path, (_, size, _) in files.items()):
        return False
    return not full or all(file_sha256(found[path]) == sha256 for path, (_, _, sha256) in files.items())
