"""The command line: it parses, calls and prints. Data goes to stdout, messages to stderr.

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 an audit found a violation. Nothing heavy is imported
before a command needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import typer

from pipeline.cli import building, reading
from pipeline.errors import PermastackError

app = typer.Typer(
    name="permastack",
    help="Build datasets of permissively licensed source code, and prove what was built.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_COMMANDS: tuple[Callable[..., None], ...] = (
    *(building.init, building.run, building.plan, building.status, building.schema),
    *(reading.inspect, reading.audit, reading.explain),
)
for command in _COMMANDS:
    app.command()(command)


def main() -> None:
    """The console script."""
    try:
        app()
    except PermastackError as error:
        if os.environ.get("PERMASTACK_DEBUG"):
            raise
        print(f"permastack: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        print("permastack: stopped; what is finished is kept, run again to go on", file=sys.stderr)
        sys.exit(130)


__all__ = ["app", "main"]
