"""Dask workers that die."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.build import build
from pipeline.config import ClusterConfig
from pipeline.engine.cluster import executor_for
from pipeline.errors import EnvironmentalError
from tests.conftest import Configure
from tests.faults.child import in_child, leftovers, unlike

pytestmark = pytest.mark.fault


def _die(task: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _run_deadly() -> None:
    with executor_for(ClusterConfig(kind="local", workers=1)) as executor:
        list(executor.run(_die, [{"step": "near.bands", "part": 3}]))


def test_a_part_that_kills_every_worker_is_named() -> None:
    ended = in_child(_run_deadly)
    assert ended.code == 1
    last = ended.words.strip().splitlines()[-1]
    assert "EnvironmentalError: step near.bands part 3: the worker process died each time that it tried" in last
    assert "memory_limit" in last


def _kill_a_worker_once(folder: Path, found: list[int]) -> None:
    """SIGKILL a worker as soon as the first part of a step in the middle has begun."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if folder.exists():
            for child in psutil.Process().children(recursive=True):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
                    found.append(child.pid)
                    return
        time.sleep(0.002)


def _build_and_kill(config: Any, step: str) -> None:
    killed: list[int] = []
    folder = Path(config.execution.work) / step
    killer = threading.Thread(target=_kill_a_worker_once, args=(folder, killed))
    killer.start()
    try:
        build(config)
    finally:
        killer.join()
        if not killed:
            raise AssertionError("no worker was killed")


@pytest.mark.parametrize("step", ["01-ingest/list", "02-license/decide", "05-near/bands", "09-release/shards"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_killed_in_the_middle(
    step: str, workers: int, configure: Configure, tmp_path: Path, reference: Path, root: str
) -> None:
    """Dask gives its parts to others, so the run ends well; if it gives up, it says so and a rerun ends well."""
    config = configure("execution.cluster.kind=local", f"execution.cluster.workers={workers}")
    ended = in_child(lambda: _build_and_kill(config, step))
    assert "no worker was killed" not in ended.words
    if ended.code:
        assert EnvironmentalError.__name__ in ended.words
        assert "run again" in ended.words
    assert build(configure()).release.root == root
    assert unlike(tmp_path, reference) == []
    assert leftovers(tmp_path) == []
