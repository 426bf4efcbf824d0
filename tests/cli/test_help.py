"""Help is quick and complete, and the pages of docs/ say the same as the program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.reference import PAGES, command_names, help_of, refreshed
from pipeline.config import Config
from tests.cli.invoking import invoke

DOCS = Path(__file__).resolve().parents[2] / "docs"
HEAVY = ("pyarrow", "dask", "distributed", "numba", "licensedcode")


def test_help_imports_nothing_heavy() -> None:
    program = f"""
import sys
from pipeline.cli import main
for argv in {[["--help"], *([*name.split(), "--help"] for name in command_names())]!r}:
    sys.argv = ["permastack", *argv]
    try:
        main()
    except SystemExit as left:
        assert not left.code, argv
found = [name for name in {HEAVY!r} if name in sys.modules]
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage: permastack") == len(command_names()) + 1


def test_every_command_is_listed_with_one_whole_sentence() -> None:
    for name in command_names():
        *group, own = name.split()
        listed = invoke(*group, "--help").out.split("Commands:")[1]
        (line,) = re.findall(rf"^  {own} +(.*)$", listed, re.MULTILINE)
        assert line.endswith("."), line
        assert "..." not in line


@pytest.mark.parametrize("name", command_names())
def test_every_argument_and_option_is_explained(name: str) -> None:
    options = help_of(name).split("Options:")[1]
    assert not re.search(r"<(path|str)>", options), options
    for line in options.splitlines()[1:]:
        assert re.search(r"\S  +\S|^ {10}", line) or not line.strip(), line


@pytest.mark.parametrize("page", PAGES)
def test_docs_say_what_the_program_says(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert refreshed(text) == text, "run: python -m pipeline.cli.reference docs"


def test_docs_leave_nothing_out() -> None:
    commands = (DOCS / "commands.md").read_text("utf-8")
    assert re.findall(r"<!-- help ([\w -]+) -->", commands) == re.findall(r"^## ([\w -]+)$", commands, re.MULTILINE)
    assert sorted(re.findall(r"<!-- help ([\w -]+) -->", commands)) == sorted(command_names())
    settings = re.findall(r"<!-- settings (\w+) -->", (DOCS / "configuration.md").read_text("utf-8"))
    assert sorted(settings) == sorted(Config.model_fields)
