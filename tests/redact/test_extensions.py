"""Detectors and a model of names that other distributions bring, as really installed ones."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.stages.redact import RedactConfig, Scanner, redact, versions
from pipeline.stages.redact.extensions import installed

MODULE = """
import re
from pipeline.stages.redact.detector import LineDetector, Match, Necessary

def badges(text, path):
    for found in re.finditer(r"BADGE-[0-9]{6}", text):
        yield Match(*found.span(), "BADGE", 0.9, *found.span())

def greedy(text, path):
    for found in re.finditer(r"[A-Z]+_BADGE_[0-9]|GREEDY", text):
        yield Match(*found.span(), "GREEDY", 0.9, *found.span())

DETECTORS = (
    LineDetector("badge", "1", (Necessary("BADGE-[0-9]{6}"),), badges),
    LineDetector("greedy", "1", (Necessary("BADGE|GREEDY"),), greedy),
)
NOTHING = "no detector"

def wrong(text, path):
    yield Match(0, 1, "lower case", 0.9, 0, 1)

WRONG = LineDetector("wrong", "1", (Necessary("a"),), wrong)

def people(line, path):
    for found in re.finditer(r"Jane Roe|J\u00f8rgen Roe", line):
        yield found.start(), found.end(), 0.8
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Installs a distribution with these entry points, in this version; gone after the test."""
    target = tmp_path / "site"

    def run(points: str, version: str = "1.0") -> None:
        wheel = tmp_path / f"toydetectors-{version}-py3-none-any.whl"
        about = f"toydetectors-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("toydetectors.py", MODULE)
            archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: toydetectors\nVersion: {version}\n")
            archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{about}/entry_points.txt", points)
            archive.writestr(f"{about}/RECORD", "")
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--upgrade", "--target"]
        subprocess.run([*command, target, wheel], check=True, capture_output=True)
        monkeypatch.syspath_prepend(str(target))
        installed.cache_clear()

    yield run
    sys.modules.pop("toydetectors", None)
    installed.cache_clear()


def test_nothing_is_there_by_default() -> None:
    assert installed() == ()


def test_detectors_and_names_of_an_installed_distribution(install: object) -> None:
    before = versions()["redact-detectors"]
    points = "[permastack.detectors]\nbadges = toydetectors:DETECTORS\n"
    points += "[permastack.name_models]\nfirst = toydetectors:people\n"
    install(points)  # type: ignore[operator]
    scanner = Scanner(RedactConfig())
    data = (
        "# Copyright Jane Roe\n# J\u00f8rgen Roe wrote\nx = 'BADGE-123456'\ny = 'BADGE-654321 BADGE-123456'\n".encode()
    )
    spans = scanner.scan(data, b"a.py")
    assert [(s.cls, s.detector, s.version, s.surrogate, s.zone) for s in spans] == [
        ("NAME", "toydetectors/names", "1.0+1", "REDACTED_NAME_1", "comment"),
        ("BADGE", "toydetectors/badge", "1.0+1", "REDACTED_BADGE_1", "string"),
        ("BADGE", "toydetectors/badge", "1.0+1", "REDACTED_BADGE_2", "string"),
        ("BADGE", "toydetectors/badge", "1.0+1", "REDACTED_BADGE_1", "string"),
    ]
    assert scanner.scan(redact(data, spans), b"a.py") == []
    assert [s.cls for s in Scanner(RedactConfig(sensitivity="secrets-only")).scan(data, b"a.py")] == ["BADGE"] * 3
    first = versions()["redact-detectors"]
    install(points, "1.1")  # type: ignore[operator]
    assert len({before, first, versions()["redact-detectors"]}) == 3


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ("[permastack.detectors]\nx = toydetectors:NOTHING\n", "points to a str; a LineDetector"),
        ("[permastack.detectors]\nx = toydetectors:MISSING\n", "does not load: AttributeError"),
        ("[permastack.detectors]\nx = toyelsewhere:X\n", "does not load: ModuleNotFoundError"),
        ("[permastack.name_models]\nx = toydetectors:NOTHING\n", "points to a str; a function"),
    ],
)
def test_what_cannot_be_used_is_an_error(install: object, points: str, told: str) -> None:
    install(points)  # type: ignore[operator]
    with pytest.raises(ConfigError, match=told) as error:
        Scanner(RedactConfig())
    assert "toydetectors 1.0" in str(error.value)


def test_a_finding_out_of_form_is_an_error(install: object) -> None:
    install("[permastack.detectors]\nx = toydetectors:WRONG\n")  # type: ignore[operator]
    with pytest.raises(ConfigError, match="a class in capitals"):
        Scanner(RedactConfig()).scan(b"a", b"a.py")
