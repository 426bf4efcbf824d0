"""Wherever an export and its contents lie, in whatever layout, and however they are cut: the same root."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.build import Built, build
from pipeline.config import make_config
from tests.conftest import EXPORT
from tests.swh.test_swh_export import as_parquet


def run(root: Path, facts: Path, export: str | None = None, contents: str | None = "", **more: Any) -> Built:
    """`contents` "" is the folder, None the column content.data."""
    source = {"kind": "swh", "name": "small", "export": export or str(EXPORT / "orc"), **more.pop("source", {})}
    if contents is not None:
        source["contents"] = contents or str(EXPORT / "content")
    execution = {"work": "work", "releases": "releases", "facts": str(facts), "parts": 2, "buckets": 2,
                 "cluster": {"kind": "inline"}, **more}  # fmt: skip
    return build(make_config({"ingest": {"sources": [source]}, "execution": execution}, [], root, "test"))


def rows_of(built: Built) -> bytes:
    """Digests of everything in a release but its manifest, which names the configuration."""
    lines = (built.folder / "manifest-sha256.txt").read_text().splitlines()
    return "\n".join(line for line in lines if line.split("  ")[1].startswith(("data/", "ledger/"))).encode()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, facts: Path) -> Built:
    return run(tmp_path_factory.mktemp("expected"), facts)


def test_plain_and_sliced_contents(tmp_path: Path, facts: Path, expected: Built) -> None:
    for path in (EXPORT / "content").iterdir():
        target = tmp_path / "sliced" / path.name[:2] / path.name[2:4] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.decompress(path.read_bytes()))
    options = {"contents_layout": "sliced", "compression": "none"}
    assert rows_of(run(tmp_path, facts, contents="sliced", source=options)) == rows_of(expected)


def test_contents_in_the_export_itself(tmp_path: Path, facts: Path, expected: Built) -> None:
    as_parquet(tmp_path / "export")
    (path,) = (tmp_path / "export" / "content").iterdir()
    table = pq.read_table(path)
    objects = [EXPORT / "content" / sha1 for sha1 in table.column("sha1").to_pylist()]
    data = [gzip.decompress(path.read_bytes()) if path.exists() else None for path in objects]
    at = table.column_names.index("data")
    pq.write_table(table.set_column(at, "data", pa.array(data, pa.binary())), path)
    assert rows_of(run(tmp_path, facts, "export", contents=None)) == rows_of(expected)


def test_parquet_in_memory(tmp_path: Path, facts: Path, expected: Built) -> None:
    memory = fsspec.filesystem("memory")
    try:
        for path in as_parquet(tmp_path / "export").rglob("*.parquet"):
            memory.pipe(f"/small/{path.relative_to(tmp_path / 'export')}", path.read_bytes())
        for path in (EXPORT / "content").iterdir():
            memory.pipe(f"/content/{path.name}", path.read_bytes())
        assert rows_of(run(tmp_path, facts, "memory://small", "memory://content")) == rows_of(expected)
    finally:
        memory.rm("/", recursive=True)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Serves the export, with the list of files that a web server needs."""
    shutil.copytree(EXPORT, tmp_path / "served")
    orc = tmp_path / "served" / "orc"
    (orc / "files.txt").write_text("\n".join(sorted(str(path.relative_to(orc)) for path in orc.rglob("*.orc"))))
    handler = partial(_Quiet, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_web_server(tmp_path: Path, facts: Path, server: str, expected: Built) -> None:
    assert rows_of(run(tmp_path, facts, f"{server}/orc", f"{server}/content")) == rows_of(expected)


def test_two_sources_over_one_export(tmp_path: Path, facts: Path, expected: Built) -> None:
    one = {"kind": "swh", "name": "small", "export": str(EXPORT / "orc"), "contents": str(EXPORT / "content")}
    sources = [one | {"origins": ["*/hostile", "*/l*"]}, one | {"origins": ["*"]}]
    execution = {"work": "work", "releases": "releases", "facts": str(facts), "cluster": {"kind": "inline"}}
    both = build(make_config({"ingest": {"sources": sources}, "execution": execution}, [], tmp_path, "test"))
    assert rows_of(both) == rows_of(expected)
    assert [about["name"] for about in both.release.collections] == ["small", "small"]


@pytest.mark.fault
def test_buckets_and_workers(tmp_path: Path, facts: Path, expected: Built) -> None:
    cluster = {"kind": "local", "workers": 2}
    built = run(tmp_path, facts, directory_rows=8, parts=5, buckets=4, cluster=cluster)
    assert built.release.root == expected.release.root
    (state,) = (state for state in built.states if state.step.name == "ingest.walk")
    assert state.parts > 8
    assert state.round > 3
