"""kill -9 at a publication point, then resume: the same root, nothing partial, nothing left over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Configure
from tests.faults.child import check_kill


def _spread(points: int, samples: int) -> list[int]:
    return sorted({1 + number * (points - 1) // (samples - 1) for number in range(samples)})


def _check(samples: int, points: list[str], configure: Configure, tmp_path: Path, reference: Path, root: str) -> None:
    for point in _spread(len(points), samples):
        folder = tmp_path / str(point)
        check_kill(point, folder, configure(root=folder), reference, root)


def test_points_cover_outputs_receipts_and_release(points: list[str]) -> None:
    kinds = {name.partition(" ")[0] for name in points}
    assert kinds == {"before", "written", "published", "copied"}
    names = " ".join(points)
    for name in ("inputs.json", "list-00000.json", "spool.exchange", "kept.parquet", "shard.parquet", "0.1.0"):
        assert name in names
    assert points[-1] == "published 0.1.0"


@pytest.mark.fault
def test_killed_builds_resume(
    points: list[str], configure: Configure, tmp_path: Path, reference: Path, root: str
) -> None:
    _check(5, points, configure, tmp_path, reference, root)


@pytest.mark.fault
def test_builds_killed_at_forty_points_resume(
    points: list[str], configure: Configure, tmp_path: Path, reference: Path, root: str
) -> None:
    _check(40, points, configure, tmp_path, reference, root)


@pytest.mark.fault
def test_a_build_killed_again_and_again_ends(
    points: list[str], configure: Configure, tmp_path: Path, reference: Path, root: str
) -> None:
    """Each run is killed at its 60th point; as finished parts are kept, the runs come to an end."""
    from pipeline.build import build
    from tests.faults.child import in_child, leftovers, unlike

    config = configure()
    for _ in range(len(points)):
        ended = in_child(lambda: build(config), PERMASTACK_FAILPOINT="60:kill")
        assert unlike(tmp_path, reference) == []
        if not ended.signal:
            break
    assert ended.code == 0, ended.words
    assert build(config).release.root == root
    assert leftovers(tmp_path) == []
