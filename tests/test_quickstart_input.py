"""The quickstart's pins agree with each other, and scripts/fetch_quickstart obeys them. No network."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "configs" / "quickstart"
REQUIREMENT = re.compile(r"([a-z0-9-]+)==(\S+) --hash=sha256:([0-9a-f]{64})")


def requirements(name: str) -> list[tuple[str, str, str]]:
    """(name, version, sha256) of each requirement line; a line of any other form fails the test."""
    found = []
    for line in (PINS / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            match = REQUIREMENT.fullmatch(line)
            assert match, line
            found.append((match[1], match[2], match[3]))
    return found


def origins() -> list[tuple[str, str]]:
    with (PINS / "origins.csv").open(encoding="utf-8", newline="") as rows:
        return [(row["path"], row["origin"]) for row in csv.DictReader(rows)]


def project_of(path: str) -> tuple[str, str]:
    """(normalised name, version) that the name of an archive says."""
    stem = path.removesuffix(".tar.gz") if path.endswith(".tar.gz") else "-".join(path.split("-")[:2])
    name, _, version = stem.rpartition("-")
    return re.sub(r"[-_.]+", "-", name).lower(), version


@pytest.mark.parametrize("name", ["sdists.txt", "wheels.txt"])
def test_every_requirement_pins_one_file_of_one_project(name: str) -> None:
    pinned = requirements(name)
    assert 10 <= len(pinned) <= 15
    projects = [project for project, _, _ in pinned]
    assert projects == sorted(set(projects))


def test_no_archive_is_pinned_twice() -> None:
    digests = [sha256 for name in ("sdists.txt", "wheels.txt") for _, _, sha256 in requirements(name)]
    assert len(digests) == len(set(digests))


@pytest.mark.parametrize(("name", "suffix"), [("sdists.txt", ".tar.gz"), ("wheels.txt", "-none-any.whl")])
def test_requirements_and_origins_name_the_same_archives(name: str, suffix: str) -> None:
    listed = [project_of(path) for path, _ in origins() if path.endswith(suffix)]
    assert sorted(listed) == sorted((project, version) for project, version, _ in requirements(name))


def test_origins_are_distinct_purls_of_their_archives() -> None:
    rows = origins()
    for path, origin in rows:
        name, version = project_of(path)
        assert origin == f"pkg:pypi/{name}@{version}?file_name={path}"
        assert path.endswith((".tar.gz", "-none-any.whl")), "a wheel must fit every machine"
    paths = [path.lower() for path, _ in rows]
    assert len(paths) == len(set(paths)) == len({origin for _, origin in rows})


def test_one_project_comes_in_two_versions_and_one_in_two_forms() -> None:
    sdists = {name: version for name, version, _ in requirements("sdists.txt")}
    wheels = {name: version for name, version, _ in requirements("wheels.txt")}
    shared = sdists.keys() & wheels.keys()
    assert {sdists[name] == wheels[name] for name in shared} == {True, False}


def test_no_package_index_is_named() -> None:
    for path in [*PINS.glob("*.txt"), PINS / "origins.csv", ROOT / "scripts" / "fetch_quickstart"]:
        assert not re.search(r"https?://|index-url|find-links", path.read_text(encoding="utf-8")), path


# A tiny index in a folder stands in for the network from here on.

SETUP_PY = "raise SystemExit('the code of a package ran')\n"


def make_sdist(folder: Path, name: str, version: str, pyproject: str | None) -> Path:
    path = folder / f"{name}-{version}.tar.gz"
    files = {"PKG-INFO": f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n", "setup.py": SETUP_PY}
    if pyproject is not None:
        files["pyproject.toml"] = pyproject
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{file}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def make_wheel(folder: Path, name: str, version: str) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


class Index:
    """Archives in a folder that pip sees instead of an index, and the pins of all of them."""

    def __init__(self, folder: Path) -> None:
        self.files, self.pins, self.target = folder / "index", folder / "pins", folder / "archives"
        self.files.mkdir()
        self.pins.mkdir()
        backend = '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        self.archives = [
            make_sdist(self.files, "tinyproject", "1.0", None),
            make_sdist(self.files, "tinyother", "3.0", backend),
            make_wheel(self.files, "tinyproject", "2.0"),
        ]
        self.pin(self.archives)

    def pin(self, archives: list[Path]) -> None:
        lines: dict[str, list[str]] = {"sdists.txt": [], "wheels.txt": []}
        rows = ["path,origin"]
        for path in archives:
            name, version = project_of(path.name)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            part = "wheels.txt" if path.suffix == ".whl" else "sdists.txt"
            lines[part].append(f"{name}=={version} --hash=sha256:{sha256}")
            rows.append(f"{path.name},pkg:pypi/{name}@{version}?file_name={path.name}")
        for part, pinned in lines.items():
            (self.pins / part).write_text("\n".join(pinned) + "\n")
        (self.pins / "origins.csv").write_text("\n".join(rows) + "\n")

    def fetch(self, *arguments: str, online: bool = True) -> subprocess.CompletedProcess[str]:
        links = str(self.files) if online else str(self.files / "gone")
        environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links, "PIP_NO_CACHE_DIR": "1"}
        script = [sys.executable, str(ROOT / "scripts" / "fetch_quickstart"), "--pins", str(self.pins)]
        return subprocess.run(
            [*script, *arguments, str(self.target)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def held(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.target.iterdir()}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path)


needs_pip = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")


@needs_pip
def test_fetches_once_runs_no_code_of_a_package_and_mends_damage(index: Index) -> None:
    first = index.fetch()
    assert first.returncode == 0, first.stderr
    assert first.stdout == ""
    assert index.held() == {path.name: path.read_bytes() for path in index.archives}

    again = index.fetch(online=False)
    assert again.returncode == 0, again.stderr
    assert "downloading" not in again.stderr

    sdist, wheel = index.target / "tinyproject-1.0.tar.gz", index.target / "tinyproject-2.0-py3-none-any.whl"
    sdist.write_bytes(sdist.read_bytes()[:-1])
    wheel.unlink()
    looked = index.fetch("--check")
    assert looked.returncode == 1
    assert "tinyproject-1.0.tar.gz is damaged" in looked.stderr
    assert "2 of 3 archives" in looked.stderr

    mended = index.fetch()
    assert mended.returncode == 0, mended.stderr
    assert "downloading 2 of 3 archives" in mended.stderr
    assert index.held() == {path.name: path.read_bytes() for path in index.archives}


@needs_pip
def test_an_archive_that_is_not_the_pinned_one_is_refused(index: Index) -> None:
    wheel = index.files / "tinyproject-2.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    refused = index.fetch()
    assert refused.returncode == 1
    assert "could not download the wheels" in refused.stderr
    assert index.held() == {}


@needs_pip
def test_without_an_index_the_message_says_what_to_do(index: Index) -> None:
    refused = index.fetch(online=False)
    assert refused.returncode == 1
    assert "reaches a package index" in refused.stderr
    assert index.held() == {}


def test_what_nobody_pinned_is_refused(index: Index) -> None:
    (index.target / "folder").mkdir(parents=True)
    (index.target / "stray.whl").touch()
    (index.target / ".hidden").touch()  # a glob passes these over
    refused = index.fetch()
    assert refused.returncode == 1
    assert "not part of the input: folder, stray.whl. " in refused.stderr


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("sdists.txt", "tinyproject==1.0\n", "sdists.txt:1: expected NAME==VERSION --hash"),
        ("wheels.txt", "", "no requirement pins tinyproject==2.0"),
        ("origins.csv", "path,origin\n", "has no row for: tinyproject==1.0"),
        (
            "origins.csv",
            "path,origin\na.whl,pkg:pypi/a@1\n",
            "a.whl: expected pkg:pypi/NAME@VERSION?file_name=a.whl",
        ),
    ],
)
def test_pins_that_contradict_each_other_are_refused(index: Index, file: str, text: str, message: str) -> None:
    (index.pins / file).write_text(text)
    refused = index.fetch()
    assert refused.returncode == 1
    assert message in refused.stderr
