"""Disks that are full, folders that cannot be written, and two runs at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.build import build
from pipeline.engine.lock import locked
from pipeline.errors import BusyError, EnvironmentalError, InputError
from tests.conftest import Configure
from tests.faults.child import in_child, leftovers, unlike


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_full_disk_is_told_and_survived(
    share: float, points: list[str], configure: Configure, tmp_path: Path, reference: Path, root: str
) -> None:
    config = configure()
    point = 1 + round(share * (len(points) - 1))
    ended = in_child(lambda: build(config), PERMASTACK_FAILPOINT=f"{point}:full")
    assert ended.code == 1
    assert "No space left on device" in ended.words
    last = ended.words.strip().splitlines()[-1]
    assert last.startswith("pipeline.errors.EnvironmentalError: cannot "), ended.words
    assert "run again" in last
    assert leftovers(tmp_path) == []
    assert unlike(tmp_path, reference) == []
    assert build(config).release.root == root


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_really_full(configure: Configure, small_disk: Path, root: str) -> None:
    config = configure(root=small_disk)
    with pytest.raises(EnvironmentalError, match=r"No space left on device.*run again"):
        build(config)
    assert leftovers(small_disk) == []
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert build(config).release.root == root


@pytest.mark.parametrize(
    ("name", "words"), [("work", "work folder .* cannot be written"), ("releases", "cannot write the release")]
)
def test_a_file_where_a_folder_is_wanted(name: str, words: str, configure: Configure, tmp_path: Path) -> None:
    (tmp_path / name).write_text("a file")
    with pytest.raises(EnvironmentalError, match=words):
        build(configure())
    assert (tmp_path / name).read_text() == "a file"


def test_a_folder_that_may_not_be_written(configure: Configure, tmp_path: Path) -> None:
    for name in ("work", "releases"):
        locked_up = tmp_path / f"no-{name}"
        locked_up.mkdir(mode=0o500)
        if os.access(locked_up, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(EnvironmentalError, match="Permission denied"):
            build(configure(f"execution.{name}={locked_up}/below"))


def test_two_runs_on_one_work_folder(configure: Configure, tmp_path: Path) -> None:
    config = configure()
    with locked(Path(config.execution.work)):
        ended = in_child(lambda: build(config))
    assert ended.code == 1
    last = ended.words.strip().splitlines()[-1]
    assert last.startswith(f"pipeline.errors.BusyError: another run (process {os.getpid()}) is using the work folder")
    assert "--set execution.work=DIR" in last


def test_the_lock_goes_with_a_killed_process(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable, "-c",
            "import sys, time, pathlib\nfrom pipeline.engine.lock import locked\n"
            "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    with holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=rf"process {holder.pid}\)"), locked(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with locked(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_one_origin_in_two_sources(configure: Configure) -> None:
    config = configure()
    ingest = config.ingest.model_copy(update={"sources": config.ingest.sources * 2})
    with pytest.raises(
        InputError, match=r"two sources have the origin 'pkg:pypi/alpha@1\.0.*: .*alpha-1.0.tar.gz and "
    ):
        build(config.model_copy(update={"ingest": ingest}))
