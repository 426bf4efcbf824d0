"""Redacted texts below a folder, at the paths that their sources have: never over a source, never outside of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import ConfigError, EnvironmentalError
from pipeline.inspection.files import Given, displayed
from pipeline.stages.ingest.decoding import encode
from pipeline.stages.redact.spans import Span, redact


class RedactedCopies:
    """Writes copies below `folder`. Raises ConfigError at once where that would touch what is inspected."""

    def __init__(self, folder: Path, inputs: Sequence[Given]) -> None:
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"--redacted-dir {folder}: is a file; expected a folder, or a name that is free")
        self._root = folder.resolve()
        self._shown = folder
        taken: dict[bytes, bytes] = {}
        for given in inputs:
            inside = given.folder.resolve()
            if given.whole and self._root.is_relative_to(inside):
                raise ConfigError(
                    f"--redacted-dir {folder}: lies in {given.folder}, which is inspected; name a folder outside of it"
                )
            for path in given.files:
                source = given.on_disk(path)
                if os.path.realpath(source) == os.path.realpath(os.path.join(os.fsencode(self._root), path)):
                    raise ConfigError(
                        f"--redacted-dir {folder}: {displayed(source)} would be overwritten; name another folder"
                    )
                if taken.setdefault(path, source) != source:
                    raise ConfigError(
                        f"--redacted-dir {folder}: {displayed(taken[path])} and {displayed(source)} would both be "
                        f"written to {displayed(path)}; inspect them one after another, with a folder each"
                    )

    def write(self, given: Given, path: bytes, text: bytes, spans: Sequence[Span], encoding: str) -> bytes:
        """Write one redacted text in its encoding; its path. Raises EnvironmentalError where it cannot be written."""
        target = os.path.join(os.fsencode(self._root), path)
        self._refuse_links(path)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(target, flags, 0o666), "wb") as file:
                file.write(encode(redact(text, spans), encoding))
        except OSError as error:
            raise EnvironmentalError(
                f"{displayed(target)}: the redacted text cannot be written: {error.strerror}. "
                "Name an empty folder that you can write to."
            ) from error
        return os.path.join(os.fsencode(self._shown), path)

    def _refuse_links(self, path: bytes) -> None:
        # A link that lies there already may lead out of the folder.
        here = os.fsencode(self._root)
        for part in path.split(b"/"):
            here = os.path.join(here, part)
            if os.path.islink(here):
                raise ConfigError(
                    f"--redacted-dir {self._shown}: {displayed(here)} is a symbolic link; "
                    "remove it, or name an empty folder"
                )
