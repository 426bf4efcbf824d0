"""Which files of this machine a configuration means."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import InputError


def matches(patterns: str | Iterable[str], base: Path) -> list[Path]:
    """The files and folders that `patterns` (globs or paths, relative ones from `base`) name, sorted, each
    once.

    Raises InputError where a pattern names nothing, or where one match lies inside another.
    """
    found: set[Path] = set()
    for pattern in (patterns,) if isinstance(patterns, str) else patterns:
        literal = base / pattern
        names = [str(literal)] if os.path.lexists(literal) else glob.glob(_below(base, pattern), recursive=True)
        if not names:
            raise InputError(
                f"{pattern!r} matches nothing: expected a file or folder at {literal}; correct the path "
                "(relative paths "
                "start at the folder of the configuration file)"
            )
        for name in names:
            if not os.path.exists(name):
                raise InputError(
                    f"{name}: expected a file or folder, found a dangling symbolic link; remove or mend it"
                )
            found.add(Path(os.path.abspath(name)))
    ordered = sorted(found)
    for path in ordered:
        outer = next((parent for parent in path.parents if parent in found), None)
        if outer is not None:
            raise InputError(
                f"{outer} and {path} both match, and the second lies in the first: expected inputs apart "
                "from each other; "
                "narrow the pattern"
            )
    return ordered


def _below(base: Path, pattern: str) -> str:
    return pattern if os.path.isabs(pattern) else os.path.join(glob.escape(str(base)), pattern)
