"""Damage to what a run left is noticed, and made good to the same root."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.build import Built, build
from pipeline.engine.receipts import read_receipt
from pipeline.errors import ConfigError, IntegrityError
from pipeline.flow import FLOW
from tests.conftest import Configure
from tests.faults.child import unlike


@pytest.fixture
def built(configure: Configure, reference: Path, tmp_path: Path) -> Configure:
    """`configure` over a finished build of this test's own (a copy of the shared one)."""
    for name in ("work", "releases"):
        shutil.copytree(reference / name, tmp_path / name, ignore=shutil.ignore_patterns("numba"))
    assert _run(build(configure())) == set()
    return configure


def _run(result: Built) -> set[str]:
    return {f"{state.step.name}-{task['part']}" for state in result.states for task in state.missing}


def flip(path: Path, place: float = 0.5) -> None:
    """Flip one bit; `place` from 0 (the first byte) to 1."""
    data = bytearray(path.read_bytes())
    data[min(int(len(data) * place), len(data) - 1)] ^= 1
    path.write_bytes(data)


def _outputs(work: Path) -> list[Path]:
    """One output with rows in it of every step that has one."""
    found: dict[str, Path] = {}
    for receipt in sorted(work.glob("*/receipts/*.json")):
        record = read_receipt(receipt)
        assert record is not None
        for artefact in record.outputs.values():
            name = record.step.partition(".")[2]
            path = receipt.parents[1] / name / f"{record.part:05d}" / artefact.file
            if artefact.rows or artefact.file.endswith(".json"):
                found.setdefault(record.step, path)
    return list(found.values())


def test_a_flipped_bit_in_any_output_is_found_by_full_verification(
    built: Configure, tmp_path: Path, reference: Path, root: str
) -> None:
    outputs = _outputs(tmp_path / "work")
    # No folder of the tiny corpus with three files lies in two origins.
    assert len(outputs) == sum(step.when(built()) for step in FLOW if step.name != "exact.directories")
    for number, path in enumerate(outputs):
        flip(path, number / len(outputs))
    result = build(built(), verify_full=True)
    assert result.release.root == root
    assert len(_run(result)) == len(outputs), "what was damaged ran again, and nothing else"
    assert unlike(tmp_path, reference) == []


def test_a_flipped_bit_that_a_step_reads_is_never_used(built: Configure, tmp_path: Path, root: str) -> None:
    damaged = next((tmp_path / "work").glob("*-near/apply/*/kept.parquet"))
    flip(damaged)
    with pytest.raises(IntegrityError, match=r"kept\.parquet: damaged: .*--verify full"):
        build(built("redact.notice_emails=keep"))
    assert build(built(), verify_full=True).release.root == root


def test_a_flipped_bit_in_an_exchange_is_never_used(built: Configure, tmp_path: Path, root: str) -> None:
    damaged = next((tmp_path / "work").glob("*-license/resolve/*/occurrences.exchange"))
    flip(damaged)
    for contents in (tmp_path / "work").glob("*-ingest/fetch/*/contents.pack"):
        contents.unlink()
    with pytest.raises(IntegrityError, match=r"occurrences\.exchange: damaged"):
        build(built())
    assert build(built(), verify_full=True).release.root == root


@pytest.mark.parametrize("how", ["deleted", "truncated"])
def test_outputs_of_another_size_are_noticed_at_once(
    how: str, built: Configure, tmp_path: Path, reference: Path, root: str
) -> None:
    paths = _outputs(tmp_path / "work")
    for path in paths:
        if how == "deleted":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-1])
    result = build(built())
    assert result.release.root == root
    assert len(_run(result)) == len(paths)
    assert unlike(tmp_path, reference) == []


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _wrong_slices(path: Path) -> None:
    raw = json.loads(path.read_bytes())
    for output in raw["outputs"].values():
        for piece in output["slices"].values():
            piece[3] = "0" * 64
    path.write_text(json.dumps(raw))


def _wrong_counts(path: Path) -> None:
    raw = json.loads(path.read_bytes())
    raw["counts"]["taken"] += 1
    path.write_text(json.dumps(raw))


@pytest.mark.parametrize(
    "damage", [_half, _wrong_slices, _wrong_counts, Path.unlink, lambda path: path.write_bytes(b"")]
)
def test_damaged_receipts_are_as_good_as_none(
    damage: Callable[[Path], object], built: Configure, tmp_path: Path, root: str
) -> None:
    receipts = [tmp_path / "work" / "01-ingest" / "receipts" / name for name in ("list-00000.json", "fetch-00001.json")]
    for receipt in receipts:
        damage(receipt)
    result = build(built())
    assert result.release.root == root
    assert _run(result) == {"ingest.list-0", "ingest.fetch-1"}


def test_a_work_folder_that_was_lost_in_part(built: Configure, tmp_path: Path, root: str) -> None:
    shutil.rmtree(tmp_path / "work" / "01-ingest")
    (tmp_path / "work" / "inputs.json").write_text("nonsense")
    result = build(built())
    assert result.release.root == root
    assert {name.partition(".")[0] for name in _run(result)} == {"ingest"}


@pytest.mark.parametrize("how", ["gone", "file missing", "truncated", "stray file", "no release.json"])
def test_a_damaged_release_is_built_anew(
    how: str, built: Configure, tmp_path: Path, reference: Path, root: str
) -> None:
    final = tmp_path / "releases" / "tiny" / "0.1.0"
    shard = next((final / "data").rglob("*.parquet"))
    if how == "gone":
        shutil.rmtree(final)
    elif how == "file missing":
        shard.unlink()
    elif how == "truncated":
        _half(shard)
    elif how == "stray file":
        (final / "data" / "stray.parquet").write_bytes(b"PAR1")
    else:
        (final / "release.json").unlink()
    result = build(built())
    assert result.fresh
    assert _run(result) == set()
    assert unlike(tmp_path, reference) == []


def test_a_flipped_bit_in_a_release_is_found_by_full_verification(
    built: Configure, tmp_path: Path, reference: Path
) -> None:
    flip(next((tmp_path / "releases").rglob("data/*/*.parquet")))
    assert build(built(), verify_full=True).fresh
    assert unlike(tmp_path, reference) == []


def test_a_version_never_changes(built: Configure, tmp_path: Path, reference: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds another release of that version.*raise dataset\.version"):
        build(built('license.keep=["permissive", "no_license"]'))
    assert (tmp_path / "releases" / "tiny" / "0.1.0" / "release.json").exists()
    assert unlike(tmp_path, reference, within=("releases",)) == []


def test_what_is_no_release_is_not_removed(built: Configure, tmp_path: Path) -> None:
    final = tmp_path / "releases" / "tiny" / "0.1.0"
    shutil.rmtree(final)
    final.mkdir()
    (final / "thesis.txt").write_text("three years of work")
    with pytest.raises(ConfigError, match="holds something that is no release"):
        build(built())
    assert (final / "thesis.txt").exists()
