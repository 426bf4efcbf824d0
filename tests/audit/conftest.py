"""A copy of the tiny release that a test may spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.audit.forgery import Forgery


@pytest.fixture
def spoiled(tiny_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_release, tmp_path / "release"))


@pytest.fixture
def forgery(spoiled: Path) -> Forgery:
    return Forgery(spoiled)
