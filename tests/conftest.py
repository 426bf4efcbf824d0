"""Fixtures that all tests share: the tiny corpus, one store of facts, and a way to build a release of it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.corpus import write_archives

# A test says what is true, not how fast this machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _numba_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ.setdefault("NUMBA_CACHE_DIR", str(tmp_path_factory.getbasetemp().parent / "numba"))


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_disks() -> Iterator[None]:
    """Leave out fsync, half of the time of a small build: the tests kill processes, never the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_license_service() -> Iterator[None]:
    """Keep the licence service as another run beside the tests would: else most builds load ScanCode's index anew."""
    from pipeline.engine import services

    licenses, connect = "pipeline.stages.license.scancode", services._connect
    kept: list[object] = []

    def connect_and_stay(module: str) -> socket.socket:
        connection = connect(module)
        if module == licenses and not kept:
            kept.append(services._try(services._socket(module)))
        if module == licenses and module in services._started:
            # A build that ends waits for a service that it started itself.
            kept.append(services._started.pop(module))
        return connection

    services._connect = connect_and_stay
    yield
    services._connect = connect
    for one in kept:
        if isinstance(one, socket.socket):
            one.close()
    services.stop(licenses)
    for one in kept:
        if isinstance(one, subprocess.Popen):
            one.wait()


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archives of the tiny corpus. Read only."""
    folder = tmp_path_factory.mktemp("corpus")
    write_archives(folder)
    return folder


@pytest.fixture(scope="session")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Facts that all builds of the session share, so that ScanCode starts once at most."""
    return tmp_path_factory.mktemp("facts")


EXPORT = Path(__file__).parent.parent / "configs" / "quickstart" / "swh"
"""A small graph export of Software Heritage with its contents."""

Configure = Callable[..., Any]


@pytest.fixture
def configure(corpus: Path, facts: Path, tmp_path: Path) -> Configure:
    """A function that makes a Config over the tiny corpus and a small export of Software Heritage:
    `configure("near.threshold=0.9", ...)`. `folder` is where the corpus lies."""
    from pipeline.config import make_config

    swh = {
        "kind": "swh", "name": "tiny", "export": str(EXPORT / "orc"), "contents": str(EXPORT / "content"),
        "history": True,
    }  # fmt: skip

    def make(*changes: str, folder: Path | None = None, root: Path = tmp_path) -> Any:
        data: dict[str, Any] = {
            "dataset": {"name": "tiny"},
            "ingest": {
                "sources": [
                    {
                        "kind": "archives",
                        "path": f"{folder or corpus}/*",
                        "origin": "pkg:pypi/{name}@{version}?file_name={filename}",
                    },
                    swh,
                ]
            },
            "execution": {
                "work": str(root / "work"),
                "releases": str(root / "releases"),
                "facts": str(facts),
                "parts": 2,
                "buckets": 2,
                "cluster": {"kind": "inline"},
            },
        }
        return make_config(data, list(changes), root, "test")

    return make


@pytest.fixture(scope="session")
def tiny_release(corpus: Path, facts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of the tiny corpus. Read only: copy it to change it."""
    from pipeline.build import build

    root = tmp_path_factory.mktemp("tiny")
    make = configure.__wrapped__(corpus, facts, root)  # type: ignore[attr-defined]
    return build(make()).folder
