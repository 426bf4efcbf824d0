"""The command line: it parses, calls and prints. Data goes to stdout, messages to stderr.

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 an audit found a violation. Nothing heavy is imported
before a command needs it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable

import typer

from pipeline.cli import building, licensing, reading
from pipeline.engine.blame import place_of
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
    *(reading.inspect, reading.audit, reading.explain, reading.duplicates, reading.languages),
)
for command in _COMMANDS:
    app.command()(command)
for group, name in ((licensing.license_app, "license"), (licensing.review_app, "review")):
    app.add_typer(group, name=name)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path may hold what the terminal cannot show
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except PermastackError as error:
        if os.environ.get("PERMASTACK_DEBUG"):
            raise
        building.say(f"permastack: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Who read our output has enough of it. What is still buffered must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if os.environ.get("PERMASTACK_DEBUG"):
            raise
        building.say(f"permastack: {_os_error(error)}")
        sys.exit(1)
    except Exception as error:
        if os.environ.get("PERMASTACK_DEBUG"):
            raise
        # Its own words may quote what it failed on, which may be a secret.
        building.say(
            f"permastack: {type(error).__name__} at {place_of(error)}: a fault of the program, please report it. "
            "Set PERMASTACK_DEBUG=1 to see everything (it may show text of the input)."
        )
        sys.exit(1)
    except KeyboardInterrupt:
        building.say("permastack: stopped; what is finished is kept, run again to go on")
        sys.exit(130)


def _os_error(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}. Set PERMASTACK_DEBUG=1 to see where."


__all__ = ["app", "main"]
