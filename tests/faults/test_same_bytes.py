"""The release is the same, byte for byte, for any `[execution]` and any order or place of the inputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.build import Built, build
from tests.conftest import Configure
from tests.faults.child import in_child


def _files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _same(built: Built, tiny_release: Path, root: str) -> None:
    assert built.release.root == root
    assert _files(built.folder) == _files(tiny_release)


def _parts_run(built: Built) -> int:
    return sum(len(state.missing) for state in built.states)


def test_other_parts_and_buckets_even_in_one_work_folder(
    configure: Configure, tmp_path: Path, tiny_release: Path, root: str
) -> None:
    many = build(configure("execution.parts=3", "execution.buckets=4"))
    _same(many, tiny_release, root)
    few = build(configure("execution.parts=1", "execution.buckets=1"))
    _same(few, tiny_release, root)
    assert not few.fresh
    parts = {p.name for p in (tmp_path / "work" / "01-ingest" / "list").iterdir()}
    assert parts == {"00000"}
    assert len(list((tmp_path / "work" / "01-ingest" / "receipts").glob("list-*"))) == 1


def test_inputs_shuffled_and_elsewhere(
    configure: Configure, corpus: Path, tmp_path: Path, tiny_release: Path, root: str
) -> None:
    elsewhere = tmp_path / "another place"
    elsewhere.mkdir()
    for path in sorted(corpus.iterdir(), reverse=True):
        (elsewhere / path.name).write_bytes(path.read_bytes())
        os.utime(elsewhere / path.name, (1, 1))
    _same(build(configure(folder=elsewhere)), tiny_release, root)


def test_order_in_which_inputs_are_named(configure: Configure, corpus: Path, tiny_release: Path) -> None:
    """The configuration is part of a manifest, so the root may differ; rows may not."""
    patterns = ["*.whl", "*.tar.gz"]

    def data_of(built: Built) -> dict[str, bytes]:
        tables = ("data/", "ledger/", "attribution/", "index/")
        return {name: data for name, data in _files(built.folder).items() if name.startswith(tables)}

    found = []
    for number, order in enumerate((patterns, patterns[::-1])):
        config = configure(root=tiny_release.parents[2].with_name(f"order-{number}-{os.getpid()}"))
        source = config.ingest.sources[0]
        split = tuple(source.model_copy(update={"path": f"{corpus}/{pattern}"}) for pattern in order)
        ingest = config.ingest.model_copy(update={"sources": (*split, config.ingest.sources[1])})
        found.append(data_of(build(config.model_copy(update={"ingest": ingest}))))
    assert found[0] == found[1]
    assert found[0] == data_of_folder(tiny_release)


def data_of_folder(folder: Path) -> dict[str, bytes]:
    tables = ("data/", "ledger/", "attribution/", "index/")
    return {name: data for name, data in _files(folder).items() if name.startswith(tables)}


def test_inputs_that_moved_leave_everything_cached(configure: Configure, corpus: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    for path in corpus.iterdir():
        (first / path.name).write_bytes(path.read_bytes())
    build(configure(folder=first))
    first.rename(second)
    again = build(configure(folder=second))
    assert _parts_run(again) == 0
    assert str(second) in (tmp_path / "work" / "inputs.json").read_text("utf-8")


def test_one_local_worker(configure: Configure, tmp_path: Path, tiny_release: Path, root: str) -> None:
    _same_with_workers(1, configure, tiny_release, root)


@pytest.mark.fault
def test_two_local_workers(configure: Configure, tmp_path: Path, tiny_release: Path, root: str) -> None:
    _same_with_workers(2, configure, tiny_release, root)


def _same_with_workers(number: int, configure: Configure, tiny_release: Path, root: str) -> None:
    config: Any = configure("execution.cluster.kind=local", f"execution.cluster.workers={number}")
    # Dask leaves sockets for the garbage collector: they are a child's own affair.
    ended = in_child(lambda: build(config))
    assert ended.code == 0, ended.words
    assert _files(Path(config.execution.releases) / "tiny" / "0.1.0") == _files(tiny_release)
