"""Other people's programs read a release."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.manifest.model import Entry, read_entries
from pipeline.stages.release.documents import front_matter

_PROGRAM = """
import sys, datasets
folder, name = sys.argv[1:]
rows = datasets.load_dataset(folder, name, split="train")
assert "content" in rows.column_names
print(len(rows))
"""


@pytest.mark.oracle
def test_datasets_loads_all_and_each_language(tiny_release: Path, tmp_path: Path) -> None:
    data = [entry for entry in read_entries(tiny_release / "manifest.jsonl") if entry.table == "data"]
    expected = {"default": sum(entry.rows or 0 for entry in data)}
    expected["in_full"] = expected["default"]
    for entry in data:
        name = Path(entry.path).parent.name
        expected[name] = expected.get(name, 0) + (entry.rows or 0)
    _check(tiny_release, expected, tmp_path)


@pytest.mark.oracle
def test_datasets_loads_a_subset_by_which_shards_are_partitioned(tiny_release: Path, tmp_path: Path) -> None:
    shards = [entry for entry in read_entries(tiny_release / "manifest.jsonl") if entry.table == "data"]
    folder, expected = tmp_path / "data-set", 0
    for number, entry in enumerate(shards):
        (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tiny_release / entry.path, folder / entry.path)
        rows = entry.rows if number % 2 else 0
        shards[number] = Entry.model_validate(entry.model_dump() | {"subsets": {"mine": {"rows": rows}}})
        expected += rows or 0
    assert expected
    (folder / "README.md").write_text(front_matter("mine", shards))
    _check(folder, {"in_mine": expected}, tmp_path)


def _check(folder: Path, expected: dict[str, int], home: Path) -> None:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "HF_DATASETS_OFFLINE": "1"}
    for name, rows in expected.items():
        command = [sys.executable, "-c", _PROGRAM, str(folder), name]
        found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        assert int(found.stdout.split()[-1]) == rows, name
