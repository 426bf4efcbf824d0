"""The end-to-end benchmark: its arguments, its watch over processes, its figures and its report. No network."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "scripts" / "bench"


def load(name: str) -> ModuleType:
    loader = SourceFileLoader(name, str(BENCH / name))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bench() -> Any:
    return load("end_to_end")


@pytest.mark.parametrize(
    "arguments",
    [["--sample", "0"], ["--sample", "1.5"], ["--parts", "12"], ["--parts", "0"], ["--workers", "two"], ["--unknown"]],
)
def test_wrong_arguments_are_usage_errors(bench: Any, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.read_arguments(arguments)
    assert ended.value.code == 2


def test_the_pinned_input_has_its_origins_and_another_has_names_of_its_own(bench: Any, tmp_path: Path) -> None:
    pinned = bench.read_arguments(["--folder", str(tmp_path)])
    other = bench.read_arguments(["--folder", str(tmp_path), "--archives", str(tmp_path / "mine")])
    (named,), (unnamed,) = (
        bench.configured(options, tmp_path / "w", tmp_path / "r", tmp_path / "f")["ingest"]["sources"]
        for options in (pinned, other)
    )
    assert named["path"] == f"{tmp_path}/archives/*"
    assert Path(named["origins"]).is_file()
    assert unnamed == {"kind": "archives", "path": f"{tmp_path}/mine/*"}


def test_the_pins_are_such_as_the_fetching_script_reads() -> None:
    fetch = [sys.executable, str(ROOT / "scripts" / "fetch_quickstart"), "--check"]
    done = subprocess.run(
        [*fetch, "--pins", str(BENCH / "end_to_end_input"), str(BENCH / "no-such-folder")],
        capture_output=True,
        text=True,
        check=False,
    )
    # It has read the pins and looked at the folder, which is not there.
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_archive_folder_that_is_missing_ends_with_a_message(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            str(BENCH / "end_to_end"),
            "--folder",
            str(tmp_path / "w"),
            "--archives",
            str(tmp_path / "none"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "end_to_end: " in done.stderr.splitlines()[-1]
    assert "none" in done.stderr.splitlines()[-1]
    assert not any((tmp_path / "w").iterdir())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_watch_sees_memory_and_time_of_children(bench: Any) -> None:
    code = "import subprocess, sys; data = b'x' * 90_000_000; sum(range(20_000_000)); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE) as process:
        with bench.ProcessTree(process.pid) as tree:
            for _ in range(200):
                tree.look()
                if tree.peak_by_role.get("driver", 0) > 90e6 and tree.cpu_by_role()["driver"] > 0.1:
                    break
                time.sleep(0.05)
        process.communicate(b"\n")
    assert 90e6 < tree.peak_by_role["driver"] < 300e6
    assert tree.peak_together > 90e6
    assert tree.cpu_by_role()["driver"] > 0.1


@pytest.mark.parametrize(
    ("command", "role"),
    [
        (b"python\0-m\0pipeline.engine.services\0pipeline.stages.license.scancode", "licence service"),
        (b"python\0-m\0pipeline.stages.near.kernels", "compiler"),
        (b"python\0-c\0from multiprocessing.spawn import spawn_main\0--multiprocessing-fork", "worker"),
        (b"git\0cat-file", "other"),
        (b"", "other"),
    ],
)
def test_roles(bench: Any, command: bytes, role: str) -> None:
    assert load("process_tree.py").role_of(command) == role


def test_figures_and_report_of_a_real_run(bench: Any, configure: Any, corpus: Path, tmp_path: Path) -> None:
    """The steps of the tiny corpus, run in this process, under the report that a full run gets."""
    config = configure()
    said: list[dict[str, Any]] = []
    bench.build_here(config.model_dump(mode="json"), said.append)
    work = Path(config.execution.work)
    *steps, last = said
    given = bench.about_input(work, corpus)
    assert given["archives"] == 5
    assert given["archive_bytes"] == sum(path.stat().st_size for path in corpus.iterdir())
    totals = last["totals"]
    refused = sum(count for rule, count in totals["dropped"].items() if rule.startswith("ingest."))
    assert given["text_files"] == totals["listed"] - refused
    assert given["unique_text_files"] < given["text_files"]
    assert given["unique_text_bytes"] < given["text_bytes"]

    receipts = bench.about_receipts(work)
    assert set(receipts) == {step["step"] for step in steps}
    assert sum(receipts["language.tag"]["facts"].values()) == totals["released"]
    run = {
        "wall": 10.0,
        "cpu": 5.0,
        "root": last["root"],
        "steps": [step | receipts[step["step"]] | {"wall": 1.0, "cpu": 0.5} for step in steps],
        "peak_memory": {"driver": 100_000_000, "all together": 200_000_000},
    }
    results = {
        "machine": bench.about_machine() | {"libraries": {"numpy": "1"}},
        "sample": 1.0,
        "execution": {"workers": 1, "parts": 2},
        "runs": {"cold": run, "cached facts": run, "all cached": run},
        "input": given,
        "totals": totals,
        "release_bytes": 1,
        "audit": {"wall": 2.0, "cpu": 1.0, "peak_memory": {"driver": 50_000_000, "all together": 1}, "problems": []},
        "same_root": True,
    }
    report = bench.as_markdown(json.loads(json.dumps(results)))
    assert f"| cold | 10.0 | {totals['listed'] / 10:.0f} |" in report
    assert "| driver | 100 | 100 | 100 | 50.0 |" in report
    assert f"| released | {totals['released']} |" in report
    assert "gave the same root" in report
    assert "found no problems" in report
    assert all(f"| {step['step']} |" in report or f"| **{step['step'].split('.')[0]}** |" in report for step in steps)
    rows = [line for line in report.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 4  # widths of tables
    assert str(tmp_path) not in report
    assert str(ROOT) not in report

    results["same_root"], results["audit"]["problems"] = False, ["x", "y"]
    broken = bench.as_markdown(results)
    assert "DIFFERENT ROOTS" in broken
    assert "found 2 problems" in broken


@pytest.mark.oracle
def test_the_whole_benchmark_on_the_tiny_corpus(
    corpus: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # A service that other tests keep would do its work unseen.
    own = os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("t"))}
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH / "end_to_end"), "--folder", str(tmp_path / "work"), "--archives", str(corpus)]
    done = subprocess.run(
        [*command, "--workers", "1", "--parts", "2", "--json", str(figures)],
        capture_output=True,
        text=True,
        check=False,
        env=own,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(figures.read_bytes())
    assert results["same_root"]
    assert not results["audit"]["problems"]
    cold, warm, cached = (results["runs"][name] for name in ("cold", "cached facts", "all cached"))
    assert all(step["facts"]["reused"] == 0 for step in cold["steps"] if step["facts"])
    assert all(step["facts"]["computed"] == 0 for step in warm["steps"] if step["facts"])
    assert all(step["run"] == 0 for step in cached["steps"])
    assert "worker" not in cached["cpu_by_role"]
    assert cold["peak_memory"]["licence service"] > 500_000_000
    assert str(tmp_path) not in figures.read_text("utf-8") + done.stdout
    assert not any((tmp_path / "work").iterdir())
