"""The README shows what the published quickstart says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pipeline.manifest.model import read_release

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_funnel_is_that_of_the_published_release() -> None:
    version = tomllib.loads((ROOT / "configs/quickstart.toml").read_text("utf-8"))["dataset"]["version"]
    totals = read_release(ROOT / "manifests/quickstart" / version / "release.json").totals
    block = next(block for block in README.split("```") if block.startswith("\nlisted"))
    rows = re.findall(r"^( *)(\S[^\n]*?)  +-?([\d,]+)", block, re.MULTILINE)
    counts = {label: int(count.replace(",", "")) for _, label, count in rows}
    dropped = {name.replace(".", ": "): count for name, count in totals.dropped.items()}
    merged = {"exact: merged as copies": totals.merged}
    assert counts == {"listed": totals.listed, "released": totals.released} | merged | dropped


def test_the_commands_exist() -> None:
    from pipeline.cli import app

    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    known |= {str(group.name) for group in app.registered_groups}
    assert set(re.findall(r"^permastack (\w+)", README, re.MULTILINE)) <= known


def test_scripts_that_are_named_are_there() -> None:
    for page in (README, (ROOT / "CONTRIBUTING.md").read_text("utf-8")):
        for script in re.findall(r"\bscripts/[a-z_/]+", page):
            assert (ROOT / script).is_file(), script
