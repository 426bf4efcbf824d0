"""The same tree through a folder, tar, zip, git and a graph export gives the same entries and the same directory id."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stages.ingest import sources
from pipeline.stages.ingest.config import IngestConfig
from pipeline.stages.ingest.source import Entry, Listing, Refusal, Source
from pipeline.stages.ingest.swh.listing import Forest, Known, listing
from pipeline.swhid import MODE_DIRECTORY, MODE_EXECUTABLE, MODE_FILE, MODE_SYMLINK
from tests.swh.trees import Directories, blob_id, directory_id, table

NAME = st.binary(min_size=1, max_size=4).filter(
    lambda n: b"/" not in n and b"\0" not in n and n not in (b".", b"..") and n.lower() != b".git"
)
KINDS = st.sampled_from(["file", "executable", "symlink"])


@st.composite
def trees(draw: st.DrawFn) -> dict[bytes, tuple[str, bytes]]:
    """Files by path: kind, and content or link text."""
    paths = draw(st.lists(st.lists(NAME, min_size=1, max_size=3).map(b"/".join), unique=True, min_size=1, max_size=6))
    files = [path for path in paths if not any(other.startswith(path + b"/") for other in paths)]
    contents = st.binary(max_size=30)
    links = st.binary(min_size=1, max_size=10).filter(lambda text: b"\0" not in text)
    tree = {}
    for path in files:
        kind = draw(KINDS)
        tree[path] = (kind, draw(links if kind == "symlink" else contents))
    return tree


def write_folder(root: Path, tree: dict[bytes, tuple[str, bytes]]) -> None:
    for path, (kind, data) in tree.items():
        target = os.path.join(os.fsencode(root), path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if kind == "symlink":
            os.symlink(data, target)
        else:
            with open(target, "wb") as stream:
                stream.write(data)
            os.chmod(target, 0o755 if kind == "executable" else 0o644)


def write_tar(target: Path, tree: dict[bytes, tuple[str, bytes]]) -> None:
    with tarfile.open(target, "w:gz", encoding="utf-8", errors="surrogateescape", compresslevel=1) as out:
        for path, (kind, data) in tree.items():
            info = tarfile.TarInfo((b"top-1/" + path).decode("utf-8", "surrogateescape"))
            info.mode = 0o755 if kind == "executable" else 0o644
            if kind == "symlink":
                info.type, info.linkname = tarfile.SYMTYPE, data.decode("utf-8", "surrogateescape")
                out.addfile(info)
            else:
                info.size = len(data)
                out.addfile(info, io.BytesIO(data))


def write_zip(target: Path, tree: dict[bytes, tuple[str, bytes]], top: bytes) -> None:
    with zipfile.ZipFile(target, "w") as out:
        for number, (path, (kind, data)) in enumerate(tree.items()):
            # zipfile writes text names only: a name of the same length, replaced in the bytes below.
            info = zipfile.ZipInfo(f"{number:06d}".ljust(len(top + path), "@")[: max(6, len(top + path))])
            info.create_system = 3
            info.external_attr = {"file": 0o100644, "executable": 0o100755, "symlink": 0o120777}[kind] << 16
            out.writestr(info, data)
    raw = bytearray(target.read_bytes())
    names = [top + path for path in tree]
    for signature, at in ((b"PK\x03\x04", 30), (b"PK\x01\x02", 46)):
        start = 0
        for number, name in enumerate(names):
            start = raw.index(signature, start)
            while raw[start + at : start + at + 6] != f"{number:06d}".encode():
                start = raw.index(signature, start + 1)
            raw[start + at : start + at + len(name)] = name
            start += at
    target.write_bytes(bytes(raw))


_MODES = {"file": MODE_FILE, "executable": MODE_EXECUTABLE, "symlink": MODE_SYMLINK}


def add_directories(tree: dict[bytes, tuple[str, bytes]], prefix: bytes, found: Directories) -> bytes:
    """The id of the folder at `prefix`; it and all below are added to `found`, as an export has them."""
    entries = []
    for name in {path.removeprefix(prefix).split(b"/")[0] for path in tree if path.startswith(prefix)}:
        if prefix + name in tree:
            kind, data = tree[prefix + name]
            entries.append((name, _MODES[kind], blob_id(data)))
        else:
            entries.append((name, MODE_DIRECTORY, add_directories(tree, prefix + name + b"/", found)))
    entries.sort(key=lambda e: e[0] + (b"/" if e[1] == MODE_DIRECTORY else b""))
    identifier = directory_id(entries)
    found[identifier] = entries
    return identifier


def from_export(tree: dict[bytes, tuple[str, bytes]], config: IngestConfig) -> Listing:
    directories: Directories = {}
    names = ("snapshot", "visit_type", "visit_date", "visit_status", "branch", "branch_rule", "release", "revision",
             "revision_date", "rule", "reason")  # fmt: skip
    head = dict.fromkeys(names) | {"origin": "o", "directory": add_directories(tree, b"", directories)}
    contents = {blob_id(data): Known(len(data), "visible", None) for _, data in tree.values()}
    _, found = listing(head, Forest(table(directories), {}), contents, config)
    assert isinstance(found, Listing)
    return found


def git(cwd: Path, *arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org"}
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, check=True, env=environment)
    return done.stdout.decode().strip()


@settings(max_examples=12)
@given(trees())
def test_every_source_sees_the_same(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[bytes, tuple[str, bytes]]
) -> None:
    base = tmp_path_factory.mktemp("same")
    write_folder(base / "folder", tree)
    write_tar(base / "top-1.tar.gz", tree)
    write_zip(base / "top-1.zip", tree, b"top-1/")
    shutil.copytree(base / "folder", base / "clone", symlinks=True)
    git(base / "clone", "init", "-q")
    git(base / "clone", "-c", "core.autocrlf=false", "add", "-A", "-f")
    git(base / "clone", "commit", "-q", "--allow-empty", "-m", "one")
    config = IngestConfig.model_validate(
        {
            "sources": [
                {"kind": "archives", "path": "folder"},
                {"kind": "archives", "path": ["top-1.tar.gz", "top-1.zip"]},
                {"kind": "git", "paths": ["clone"]},
            ]
        }
    )
    seen: list[tuple[bytes, tuple[Entry, ...], tuple[Refusal, ...]]] = []
    contents: list[dict[bytes, bytes]] = []
    for configured in sources(config, base).values():
        source: Source = pickle.loads(pickle.dumps(configured))
        for item in source.discover(base):
            given_to_sink: dict[bytes, bytes] = {}
            listing = source.list(item, given_to_sink.__setitem__)
            if source.lazy:
                given_to_sink.update(source.read(item, sorted({e.blob for e in listing.entries})))
            contents.append({e.path: given_to_sink[e.blob] for e in listing.entries})
            seen.append((listing.directory, listing.entries, listing.refusals))
    archived = from_export(tree, config)
    seen.append((archived.directory, archived.entries, archived.refusals))
    assert len(seen) == 5
    assert all(one == seen[0] for one in seen)
    assert all(one == contents[0] for one in contents)
    assert seen[0][0].hex() == git(base / "clone", "rev-parse", "HEAD^{tree}")
    assert len(seen[0][1]) + len(seen[0][2]) == len(tree)
    shutil.rmtree(base)
