"""Running the program within the test's process, as the console script does."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from unittest import mock

from pipeline.cli import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def invoke(*arguments: object, stdin: str = "") -> Result:
    """Exit code, standard output and standard error of `permastack ARGUMENTS`."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["permastack", *map(str, arguments)]
    code = 0
    with (
        mock.patch.object(sys, "argv", argv),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0
    return Result(code, out.getvalue(), err.getvalue())
