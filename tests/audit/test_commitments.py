"""Commitments of a release that was made with a key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.verify import audit_release
from pipeline.build import build
from pipeline.commitment import Key, commitment
from tests.audit.forgery import Forgery
from tests.corpus import MAIL

SECRET = bytes(range(32))


@pytest.fixture
def keyed(configure: Callable[..., Any], tmp_path: Path) -> Path:
    (tmp_path / "key").write_bytes(SECRET)
    return build(configure(f"redact.commitment_key={tmp_path / 'key'}")).folder


def test_a_commitment_can_be_opened_by_who_has_value_and_key(keyed: Path, tmp_path: Path) -> None:
    assert audit_release(keyed, key=tmp_path / "key").problems == []
    stored = {row["commitment"] for row in Forgery(keyed).rows("redactions")}
    assert commitment(Key(SECRET), "redact", "EMAIL", MAIL) in stored


def test_another_key_is_noticed(keyed: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(SECRET[::-1])
    assert audit_release(keyed, key=tmp_path / "other").violated == {"commitments"}


def test_a_missing_commitment_is_noticed(keyed: Path) -> None:
    forgery = Forgery(keyed)
    forgery.rows("redactions")[0]["commitment"] = None
    assert audit_release(forgery.seal()).violated == {"commitments"}


def test_a_commitment_without_a_key_is_noticed(keyed: Path) -> None:
    forgery = Forgery(keyed)
    forgery.release.commitment_key_ids = {}
    assert audit_release(forgery.seal()).violated == {"commitments"}
