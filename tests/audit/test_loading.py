"""Other people's programs read a release."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.manifest.model import read_entries

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
    for entry in data:
        name = Path(entry.path).parent.name
        expected[name] = expected.get(name, 0) + (entry.rows or 0)
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "HF_DATASETS_OFFLINE": "1"}
    for name, rows in expected.items():
        command = [sys.executable, "-c", _PROGRAM, str(tiny_release), name]
        found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        assert int(found.stdout.split()[-1]) == rows, name
