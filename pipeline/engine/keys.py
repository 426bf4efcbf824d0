"""Content keys: what a step's result depends on, as one digest."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no blanks: equal values give equal bytes. NaN raises ValueError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(value: object) -> str:
    """The sha256, in hex, of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def file_sha256(path: Path) -> str:
    """The sha256, in hex, of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def source_digest(names: tuple[str, ...]) -> str:
    """One digest of the source and data files under `names`, which are files or folders of the package.

    A stage's own folder and the modules that all stages share are given by the flow, so that an edited
    stage runs again and the others stay cached.
    """
    return digest_of({file.relative_to(PACKAGE).as_posix(): file_sha256(file) for file in _files(names)})


def _files(names: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = PACKAGE / name
        found += [path] if path.is_file() else (p for p in path.rglob("*") if p.is_file())
    return sorted(p for p in found if "__pycache__" not in p.parts and p.suffix != ".pyc")
