"""The pipeline on s3:// locations of a real server that fails on purpose: the same release as from a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.build import Built, build
from pipeline.config import make_config
from pipeline.errors import EnvironmentalError
from tests.conftest import EXPORT
from tests.swh.faulty_server import BUCKET, FaultyServer, faulty_s3

pytestmark = pytest.mark.fault


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    # aiobotocore's connections are closed when the process ends.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with faulty_s3(EXPORT, faulty="content/") as server:
        yield server


def run(folder: Path, facts: Path, where: str, *changes: str, endpoint: str = "", **more: Any) -> Built:
    source = {"kind": "swh", "name": "small", "export": f"{where}/orc", "contents": f"{where}/content"}
    execution = {
        "work": str(folder / "work"), "releases": str(folder / "releases"), "facts": str(facts), "parts": 2,
        "buckets": 2, "cluster": {"kind": "inline"}, "storage": {"s3://": {"endpoint": endpoint}} if endpoint else {},
        "requests": {"timeout_seconds": 5.0, "backoff_seconds": 0.01, "parallel": 8, **more},
    }  # fmt: skip
    data = {"ingest": {"sources": [source]}, "execution": execution}
    return build(make_config(data, list(changes), folder, "test"))


def fetched(built: Built) -> Counter[str]:
    total: Counter[str] = Counter()
    for step in ("ingest.texts", "ingest.fetch"):
        for receipt in built.runner.receipts(step):
            total.update(receipt.info["fetched"])
    return total


def test_the_same_root_as_from_the_folder(tmp_path: Path, facts: Path, server: FaultyServer) -> None:
    here = run(tmp_path / "here", facts, str(EXPORT))
    there = run(tmp_path / "there", facts, f"s3://{BUCKET}", endpoint=server.endpoint)
    assert there.release.root == here.release.root
    counts = fetched(there)
    assert set(server.injected) == {"error", "slow_down", "cut", "slow", "reset"}
    # The connection's own layer answers a reset of a kept connection by asking once more, and does not say so.
    told = sum(server.injected[fault] for fault in ("error", "slow_down", "cut"))
    assert 5 <= told <= counts["retries"] <= told + server.injected["reset"]
    assert counts["requests"] == counts["objects"] + counts["retries"]
    assert counts["objects"] == fetched(here)["objects"]
    assert fetched(here)["retries"] == 0


def test_what_always_fails_is_quarantined_and_only_it_is_asked_again(tmp_path: Path, facts: Path) -> None:
    some = sorted((EXPORT / "content").iterdir())
    root = run(tmp_path / "here", facts, str(EXPORT)).release.root
    # Objects that are fetched as texts of licences are needed before the rest.
    with faulty_s3(EXPORT, faulty="\0", broken="content/" + some[3].name[:1]) as server:
        with pytest.raises(EnvironmentalError, match=r"contents could not be read .*\n  swh:1:cnt:"):
            run(tmp_path / "there", facts, f"s3://{BUCKET}", endpoint=server.endpoint, attempts=3)
        asked = Counter(server.asked)
        failed = {key for key, times in asked.items() if times >= 3 and key.startswith("content/")}
        assert failed
        server.broken = "\0"
        built = run(tmp_path / "there", facts, f"s3://{BUCKET}", endpoint=server.endpoint)
        again = {key for key in server.asked if server.asked[key] > asked[key] and key.startswith("content/")}
    assert built.release.root == root
    assert again == failed
