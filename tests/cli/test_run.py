"""`run --git` on real small repositories of every shape, then plan, status, audit and explain on what it left."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.invoking import Result, invoke
from tests.corpus import MIT, long_module

INLINE = ("--set", "execution.cluster.kind=inline", "--set", "execution.parts=2", "--set", "execution.buckets=2")


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def _repository(folder: Path, name: str) -> None:
    folder.mkdir()
    _git(folder, "init", "-q", "-b", "main")
    (folder / "LICENSE").write_text(MIT.format(holder="Some Authors"))
    (folder / f"{name}.py").write_text(long_module(name))
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "one")
    (folder / f"{name}_2.py").write_text(long_module(f"{name}_again"))
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "two")


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("repositories")
    _repository(root / "first", "first")
    _git(root / "first", "remote", "add", "origin", "https://user:hidden@git.example.org/o/first.git")
    _git(root, "clone", "-q", "--depth", "1", f"file://{root}/first", "shallow")
    _git(root / "shallow", "remote", "set-url", "origin", "git@git.example.org:o/shallow.git")
    _git(root, "clone", "-q", "--bare", str(root / "first"), "bare.git")
    _repository(root / "lonely", "lonely")
    _repository(root / "dirty", "dirty")
    (root / "dirty" / "dirty.py").write_text("never_committed = 1\n")
    (root / "empty").mkdir()
    _git(root / "empty", "init", "-q")
    return [root / name for name in ("first", "shallow", "bare.git", "lonely", "dirty", "empty")]


Run = Callable[..., Result]


@pytest.fixture(scope="module")
def run_git(repositories: list[Path], facts: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("out")
    reuse = ("--set", f"execution.facts={facts}")
    return lambda *more: invoke("run", "--git", *repositories, "--out", out, *INLINE, *reuse, *more)


@pytest.fixture(scope="module")
def built(run_git: Run) -> Result:
    return run_git()


@pytest.fixture(scope="module")
def release(built: Result) -> Path:
    return Path(built.out.splitlines()[-1].removeprefix("release: "))


def test_the_release_is_said_last(built: Result) -> None:
    assert built.code == 0, built.err
    assert built.out.splitlines()[-2].startswith("root: ")
    release = Path(built.out.splitlines()[-1].removeprefix("release: "))
    assert (release / "release.json").is_file()


def test_the_funnel_closes(built: Result) -> None:
    lines = built.out.splitlines()
    numbers = [
        int(line.replace(",", "").split("  ")[-2 if line.endswith(("decisions", "copies", "data")) else -1])
        for line in lines[:-2]
    ]
    assert lines[0].startswith("listed")
    assert sum(numbers[:-1]) == numbers[-1] > 0


def test_each_shape_of_repository_has_its_message(built: Result) -> None:
    assert "reading HEAD of each repository" in built.err
    for said in (
        "https://git.example.org/o/first", "https://git.example.org/o/shallow", "shallow: its history was cut",
        "a bare repository", "called local:lonely", "dirty: uncommitted changes are not read", "local:empty",
    ):  # fmt: skip
        assert said in built.err
    assert "hidden" not in built.err + built.out


def test_progress_is_off_where_nobody_watches(built: Result) -> None:
    assert "\r" not in built.err
    assert "\x1b" not in built.err


def test_a_second_run_is_cached_and_json_is_one_object(run_git: Run, release: Path) -> None:
    again = run_git("--json")
    found = json.loads(again.out)
    assert again.code == 0
    assert sum(step["run"] for step in found["steps"]) == 0
    assert found["fresh"] is False
    assert found["release"] == str(release)
    totals = found["totals"]
    assert totals["listed"] == totals["released"] + totals["merged"] + sum(totals["dropped"].values())
    assert any("dirty" in message for message in found["messages"])


def test_the_release_audits_and_explains(release: Path, tmp_path: Path) -> None:
    audited = invoke("audit", release, "--json")
    assert audited.code == 0, audited.out
    assert json.loads(audited.out)["root"] == json.loads((release / "release.json").read_text())["root"]
    (tmp_path / "targets").write_text("local:lonely lonely.py\nlocal:dirty none.py\n")
    explained = invoke("explain", release, "--from", tmp_path / "targets", "--json")
    assert explained.code == 0
    rows = [json.loads(line) for line in explained.out.splitlines()]
    assert [row["outcome"] for row in rows] == ["released", "unknown"]
    assert {"target", "outcome", "stage", "rule", "reason", "license", "duplicate_of"} <= rows[0].keys()
    assert invoke("explain", release, "local:dirty", "none.py").code == 1
    piped = invoke("explain", release, "--from", "-", "--json", stdin="local:lonely lonely.py\n")
    assert json.loads(piped.out) == rows[0]


def test_a_damaged_release_ends_with_code_3(release: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    done = invoke("audit", tmp_path / "damaged")
    assert done.code == 3
    assert "FAIL" in done.out


def test_status_by_out_folder_and_by_work_folder(release: Path) -> None:
    out = release.parents[2]
    by_out, by_work = invoke("status", out, "--json"), invoke("status", out / "work", "--json")
    assert by_out == by_work
    found = json.loads(by_out.out)
    assert {row["step"]: row["parts"] for row in found["steps"]}["ingest.list"] == 2
    assert any("shallow" in message for message in found["messages"])
    assert "ingest.list" in invoke("status", out).out


def test_plan_before_and_after(repositories: list[Path], facts: Path, tmp_path: Path) -> None:
    path = tmp_path / "permastack.toml"
    path.write_text(
        f"[[ingest.sources]]\nkind = 'git'\npaths = ['{repositories[3]}']\n[execution]\nparts = 1\nbuckets = 1\n"
        f"facts = '{facts}'\n[execution.cluster]\nkind = 'inline'\n"
    )
    before = json.loads(invoke("plan", path, "--json").out)
    assert before[0]["state"] == "new"
    assert before[1]["state"] == "unknown until ingest.list"
    assert before[-1]["step"] == "all"
    assert before[-1]["seconds"] > 0
    assert not (tmp_path / "work").exists()

    assert invoke("run", path).code == 0
    after = json.loads(invoke("plan", path, "--json").out)
    assert {row["state"] for row in after} == {"cached"}
    assert sum(row["seconds"] for row in after) == 0
    assert (tmp_path / "releases" / "dataset" / "0.1.0" / "release.json").is_file()

    changed = {
        row["step"]: row for row in json.loads(invoke("plan", path, "--set", "near.threshold=0.9", "--json").out)
    }
    assert changed["exact.keep"]["state"] == "cached"
    assert changed["near.bands"]["state"] == "stale"
    assert changed["near.bands"]["seconds"] >= 0
    assert changed["near.bands"]["expected"]["recall"]["0.9"] == 1.0
    table = invoke("plan", path, "--set", "near.threshold=0.9").out
    assert "near.bands" in table
    assert "near: 32 bands of 8 rows" in table


def test_another_release_of_one_version_is_refused(run_git: Run, built: Result) -> None:
    changed = run_git("--set", "dataset.description=other")
    assert changed.code == 2
    assert "raise dataset.version" in changed.err


def test_half_of_the_origins(repositories: list[Path]) -> None:
    from pipeline.config import make_config
    from pipeline.stages.ingest.steps import discover

    data = {"ingest": {"sources": [{"kind": "git", "paths": [str(path) for path in repositories]}]}}
    taken = {
        share: {
            item["origin"] for item in discover(make_config(data, [f"ingest.sample={share}"], Path("/"), "test"))[0]
        }
        for share in (0.2, 0.5, 0.8, 1.0)
    }
    # A larger sample holds the smaller one.
    assert taken[0.2] <= taken[0.5] <= taken[0.8] <= taken[1.0]
    assert len(taken[0.2]) < len(taken[1.0]) == 6


def test_a_sample_that_holds_nothing_is_said(run_git: Run) -> None:
    done = run_git("--sample", "0.0001%")
    assert done.code == 1
    assert "no origin is left of the sources at ingest.sample" in done.err
