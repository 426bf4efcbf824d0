"""The git binary, made harmless.

A repository's own configuration can name programs that git runs (hooks, filters, monitors, remote helpers).
So objects are read from an empty repository of our own that only borrows the object store, and what must be
asked of the repository itself runs nothing that its configuration names.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipeline.errors import InputError

_HARMLESS = (
    "--no-replace-objects",
    "--no-pager",
    *("-c", "safe.directory=*"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "status.submoduleSummary=false"),
)


class GitError(Exception):
    """Git ended with an error. Its words may hold local paths: for the screen, not for a release."""


@dataclass(frozen=True)
class Git:
    """Git commands on one repository."""

    git_dir: Path | None = None
    work_tree: Path | None = None
    objects: Path | None = None
    """An object store to read instead of the repository's own."""
    settings: tuple[tuple[str, str], ...] = ()
    """Configuration that overrules the repository's."""

    def run(self, *arguments: str) -> bytes:
        """The output of a command. Raises GitError."""
        with self._start(arguments, subprocess.DEVNULL, subprocess.PIPE) as process:
            output, errors = process.communicate()
        if process.returncode:
            raise GitError(errors.decode("utf-8", "replace").strip())
        return output

    def try_run(self, *arguments: str) -> bytes | None:
        """The output of a command, or None where it ends with an error."""
        try:
            return self.run(*arguments)
        except GitError:
            return None

    @contextmanager
    def stream(self, *arguments: str, lines: Iterable[bytes] = ()) -> Iterator[IO[bytes]]:
        """The output of a command as it comes, to be read to its end; `lines` are its input.

        They are written to a file first, so that neither side can wait for the other. A body that raises ends
        the command. Raises GitError at the end where git failed.
        """
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
            given.writelines(line + b"\n" for line in lines)
            given.seek(0)
            with self._start(arguments, given, errors) as process:
                assert process.stdout is not None
                try:
                    yield process.stdout
                except BaseException:
                    process.kill()
                    raise
            if process.returncode:
                errors.seek(0)
                raise GitError(errors.read(4096).decode("utf-8", "replace").strip())

    def _start(
        self, arguments: tuple[str, ...], given: IO[bytes] | int, errors: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        command = ["git", *_HARMLESS]
        if self.git_dir is not None:
            command.append(f"--git-dir={self.git_dir}")
        if self.work_tree is not None:
            command.append(f"--work-tree={self.work_tree}")
        try:
            return subprocess.Popen(
                [*command, *arguments],
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment(),
                cwd=self.work_tree or "/",
            )
        except FileNotFoundError as error:
            raise InputError("the program git was not found, which the source `git` needs: install it") from error

    def _environment(self) -> dict[str, str]:
        """Ours without any GIT_*, and without the machine's configuration, network, prompts and locks."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        variables |= {
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        if self.objects is not None:
            variables["GIT_OBJECT_DIRECTORY"] = str(self.objects)
        if self.settings:
            variables["GIT_CONFIG_COUNT"] = str(len(self.settings))
            for number, (key, value) in enumerate(self.settings):
                variables[f"GIT_CONFIG_KEY_{number}"] = key
                variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables
