"""What the fault tests compare with: an undisturbed build of the tiny corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.manifest.model import read_release
from tests.conftest import Configure
from tests.faults.child import publication_points


@pytest.fixture
def reference(tiny_release: Path) -> Path:
    """The folder of an undisturbed build, with its `work` and `releases`. Read only."""
    return tiny_release.parents[2]


@pytest.fixture
def root(tiny_release: Path) -> str:
    """The manifest root of the tiny corpus."""
    return read_release(tiny_release / "release.json").root


@pytest.fixture(scope="session")
def _points() -> list[str]:
    return []


@pytest.fixture
def points(_points: list[str], root: str, configure: Configure, tmp_path: Path) -> list[str]:
    """The publication points of a build, found once."""
    if not _points:
        _points += publication_points(configure(root=tmp_path / "points"), tmp_path / "points.log")
    return _points
