"""SWHIDs against known values, properties, and git itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.swhid import (
    MODE_EXECUTABLE,
    MODE_FILE,
    MODE_SUBMODULE,
    MODE_SYMLINK,
    TreeEntry,
    content_id,
    directory_ids,
    parse_swhid,
    swhid,
)

BLOB = content_id(b"")
COMMIT = bytes(range(20))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        (b"hi\n", "45b983be36b73c0788dc9cbcb76cbb80fc7bb057"),
        (b"\0", "f76dd238ade08917e6712764a16a22005a50573d"),
    ],
)
def test_content_id_is_gits(data: bytes, expected: str) -> None:
    assert content_id(data).hex() == expected


@given(st.sampled_from(["cnt", "dir", "rev", "rel", "snp"]), st.binary(min_size=20, max_size=20))
def test_a_written_swhid_reads_back(kind: str, object_id: bytes) -> None:
    assert parse_swhid(swhid(kind, object_id)) == (kind, object_id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "swh:1:cnt:",
        "swh:2:cnt:" + "0" * 40,
        "swh:1:ori:" + "0" * 40,
        "swh:1:cnt:" + "0" * 39,
        "swh:1:cnt:" + "A" * 40,
        "swh:1:cnt:" + "0" * 40 + ";origin=https://example.org",
        "swh:1:cnt:" + "0" * 40 + "\n",
    ],
)
def test_what_is_no_core_swhid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a SWHID"):
        parse_swhid(text)


def test_the_empty_directory() -> None:
    assert [(path, id_.hex()) for path, id_ in directory_ids([])] == [(b"", "4b825dc642cb6eb9a060e54bf8d69288fbee4904")]


def test_children_come_before_parents_and_the_root_last() -> None:
    paths = [
        path for path, _ in directory_ids([TreeEntry(b"a/b/c", MODE_FILE, BLOB), TreeEntry(b"z/y", MODE_FILE, BLOB)])
    ]
    assert paths[-1] == b""
    assert paths.index(b"a/b") < paths.index(b"a")
    assert sorted(paths) == [b"", b"a", b"a/b", b"z"]


@pytest.mark.parametrize("paths", [(b"a", b"a"), (b"a", b"a/b"), (b"a/b", b"a"), (b"a/b", b"a/b/c", b"a")])
def test_conflicts_are_refused(paths: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match=r"named|both a file"):
        list(directory_ids(TreeEntry(path, MODE_FILE, BLOB) for path in paths))


def git(cwd: Path, *arguments: str, given: bytes = b"") -> bytes:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        ["git", *arguments], cwd=cwd, input=given, capture_output=True, check=True, env=environment
    ).stdout


@pytest.fixture(scope="module")
def write_tree(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[TreeEntry]], dict[bytes, str]]:
    """What git calls each directory of a tree: paths to ids."""
    repository = tmp_path_factory.mktemp("oracle")
    git(repository, "init", "-q")

    def write(entries: list[TreeEntry]) -> dict[bytes, str]:
        lines = b"".join(b"%06o %s\t%s\0" % (e.mode, e.target.hex().encode(), e.path) for e in entries)
        git(repository, "read-tree", "--empty")
        git(repository, "update-index", "-z", "--index-info", given=lines)
        root = git(repository, "write-tree", "--missing-ok").decode().strip()
        listed = git(repository, "ls-tree", "-r", "-d", "-z", "--full-tree", root).split(b"\0")[:-1]
        trees = {line[53:]: line[12:52].decode() for line in listed if line[7:11] == b"tree"}
        return trees | {b"": root}

    return write


HOSTILE = [
    TreeEntry(b"a", MODE_FILE, BLOB),
    TreeEntry(b"a.b", MODE_EXECUTABLE, BLOB),
    TreeEntry(b"a-b/x", MODE_FILE, BLOB),
    TreeEntry(b"a0", MODE_SYMLINK, BLOB),
    TreeEntry(b"b/c", MODE_SUBMODULE, COMMIT),
    TreeEntry(b"b.c", MODE_FILE, BLOB),
    TreeEntry(b"b0", MODE_FILE, BLOB),
    TreeEntry(b"new\nline/tab\t\"quote'\\", MODE_FILE, BLOB),
    TreeEntry(b"\xff\xfe/\x80", MODE_FILE, BLOB),
    TreeEntry("ü/日本".encode(), MODE_FILE, BLOB),
    TreeEntry(b" /  ", MODE_FILE, BLOB),
    TreeEntry(b"/".join([b"d"] * 40), MODE_FILE, BLOB),
]


def test_a_hostile_tree_has_gits_ids(write_tree: Callable[[list[TreeEntry]], dict[bytes, str]]) -> None:
    assert {path: id_.hex() for path, id_ in directory_ids(HOSTILE)} == write_tree(HOSTILE)


NAME = st.binary(min_size=1, max_size=3).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
MODES = st.sampled_from([MODE_FILE, MODE_EXECUTABLE, MODE_SYMLINK, MODE_SUBMODULE])


@st.composite
def trees(draw: st.DrawFn) -> list[TreeEntry]:
    paths = draw(st.lists(st.lists(NAME, min_size=1, max_size=3).map(b"/".join), unique=True, max_size=8))
    files = [path for path in paths if not any(other.startswith(path + b"/") for other in paths)]
    return [TreeEntry(path, draw(MODES), BLOB) for path in files]


@settings(max_examples=15)
@given(entries=trees())
def test_any_tree_has_gits_ids(
    entries: list[TreeEntry], write_tree: Callable[[list[TreeEntry]], dict[bytes, str]]
) -> None:
    assert {path: id_.hex() for path, id_ in directory_ids(entries)} == write_tree(entries)


@given(trees())
def test_the_order_of_entries_does_not_matter(entries: list[TreeEntry]) -> None:
    assert list(directory_ids(entries)) == list(directory_ids(reversed(entries)))


def test_content_id_equals_git_hash_object(tmp_path: Path) -> None:
    for number, data in enumerate([b"", b"a\r\n", bytes(range(256)) * 50]):
        (tmp_path / str(number)).write_bytes(data)
    printed = git(tmp_path, "hash-object", "--no-filters", "0", "1", "2").decode().split()
    assert printed == [content_id((tmp_path / str(number)).read_bytes()).hex() for number in range(3)]
