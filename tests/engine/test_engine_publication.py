"""Publication: the whole file or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.engine.publication import TEMPORARY, publish, publish_bytes, publish_folder, sweep
from pipeline.errors import EnvironmentalError
from tests.faults.child import in_child


def test_it_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file"
    publish_bytes(path, b"one")
    publish_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file"]


def test_bytes_are_on_disk_before_the_name_and_the_name_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "file", []

    def fsync(descriptor: int) -> None:
        seen.append((os.readlink(f"/proc/self/fd/{descriptor}"), path.exists()))

    monkeypatch.setattr("os.fsync", fsync)
    publish_bytes(path, b"one")
    assert seen == [(str(tmp_path / f"{TEMPORARY}{os.getpid()}-file"), False), (str(tmp_path), True)]


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    publish_bytes(path, b"old")

    def fail(error: Exception) -> None:
        def write(temporary: Path) -> None:
            temporary.write_bytes(b"half")
            raise error

        publish(path, write)

    with pytest.raises(EnvironmentalError, match=r"cannot write .*file: No space"):
        fail(OSError(28, "No space left on device"))
    with pytest.raises(ValueError, match="of the writer's own"):
        fail(ValueError("of the writer's own"))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_where_a_folder_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(EnvironmentalError, match="cannot write"):
        publish_bytes(tmp_path / "file" / "below" / "path", b"")


@pytest.mark.parametrize(("point", "content"), [(1, None), (2, None), (3, b"new")])
def test_killed_at_each_point(tmp_path: Path, point: int, content: bytes | None) -> None:
    path = tmp_path / "file"
    ended = in_child(lambda: publish_bytes(path, b"new"), PERMASTACK_FAILPOINT=f"{point}:kill")
    assert ended.signal == 9
    assert (path.read_bytes() if path.exists() else None) == content
    assert sweep(tmp_path) == (1 if point == 2 else 0)
    assert os.listdir(tmp_path) == ([] if content is None else ["file"])


def test_a_folder_is_published_once(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    publish_folder(tmp_path / "first", tmp_path / "final")
    with pytest.raises(EnvironmentalError, match=r"cannot put the release at .*final"):
        publish_folder(tmp_path / "second", tmp_path / "final")
    assert (tmp_path / "final" / "file").read_text() == "first"


def test_sweep_takes_temporaries_only(tmp_path: Path) -> None:
    (tmp_path / "a" / f"{TEMPORARY}1-folder" / f"{TEMPORARY}2-file").mkdir(parents=True)
    (tmp_path / "a" / f"{TEMPORARY}3-file").write_text("")
    (tmp_path / "a" / "kept").write_text("")
    sweep(tmp_path)
    assert [p.name for p in sorted(tmp_path.rglob("*"))] == ["a", "kept"]
