"""What runs again after a change: what depends on it, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.build import Built, build
from pipeline.flow import FLOW
from tests.conftest import Configure
from tests.conftest import configure as _configure

STEPS = [step.name for step in FLOW]


def _run(built: Built) -> set[str]:
    return {state.step.name for state in built.states if state.missing}


def _since(step: str) -> set[str]:
    return set(STEPS[STEPS.index(step) :])


@pytest.fixture(scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caching")


@pytest.fixture
def base(corpus: Path, facts: Path, _folder: Path) -> Configure:
    """`configure` over one work folder of this module, in which the corpus was built just now."""
    make: Configure = _configure.__wrapped__(corpus, facts, _folder)  # type: ignore[attr-defined]
    build(make())
    return make


def test_nothing_changed(base: Configure) -> None:
    again = build(base())
    assert _run(again) == set()
    assert not again.fresh


def test_every_step_is_reported_once_in_order(base: Configure) -> None:
    seen: list[str] = []
    build(base(), report=lambda state: seen.append(state.step.name))
    assert seen == [step.name for step in FLOW if step.when(base())]


@pytest.mark.parametrize("change", ['license.keep=["permissive", "no_license"]', "license.mode=standard"])
def test_a_changed_license_policy_runs_decide_and_later_only(change: str, base: Configure, tmp_path: Path) -> None:
    run = _run(build(base(change, f"execution.releases={tmp_path}")))
    assert "license.decide" in run
    assert run <= _since("license.decide")


def test_an_edited_policy_file_runs_decide_and_later_only(base: Configure, tmp_path: Path) -> None:
    """The same name, other words: what a policy says is in the key, not where it lies."""
    shipped = Path(__file__).parents[2] / "configs" / "policies" / "permissive-2.toml"
    runs = []
    for number, text in enumerate([shipped.read_text("utf-8"), shipped.read_text("utf-8").replace('"MIT",\n', "", 1)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "own.toml").write_text(text, "utf-8")
        built = build(base(f"license.policy={folder}/own.toml", f"execution.releases={folder}"))
        runs.append((_run(built), built.release.totals.released))
    assert all("license.decide" in run and run <= _since("license.decide") for run, _ in runs)
    assert runs[1][1] < runs[0][1], "without MIT less is released"


def test_a_changed_redaction_leaves_near_and_language_cached(base: Configure, tmp_path: Path) -> None:
    run = _run(build(base("redact.notice_emails=keep", f"execution.releases={tmp_path}")))
    assert "redact.find" in run
    assert not run & {"near.bands", "near.apply", "language.tag", "license.decide", "ingest.list"}


def test_another_dataset_name_runs_only_the_documents(base: Configure) -> None:
    assert _run(build(base("dataset.name=other"))) == {"release.manifest"}


def test_execution_decides_no_key(base: Configure, tmp_path: Path) -> None:
    built = build(base(f"execution.releases={tmp_path}", "execution.cluster.memory_limit=1GB"))
    assert _run(built) == set()
    assert built.fresh
